"""The page in a real browser: every interaction, without an error in its console, and what a screen reader finds."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import naibu
from naibu.recording import Recording
from planted_units import planted

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium here: apt-get install chromium")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    sync = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with sync.sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield found
        found.close()


@pytest.fixture(scope="module")
def served(runs) -> Iterator[str]:
    """The address of a page on runs of trees, text (both before training too), a stranger's names, series, strokes."""
    with naibu.view(runs["trees"], runs["text"], planted(), runs["series"], runs["strokes"]) as shown:
        yield shown.address


@pytest.fixture
def opened(browser, served) -> Iterator[Any]:
    """A page at some address under that of the server; an error in its console fails the test."""
    wrong: list[str] = []
    context = browser.new_context(viewport={"width": 1280, "height": 800}, accept_downloads=True)
    page = context.new_page()
    page.set_default_timeout(30_000)
    page.on("console", lambda message: wrong.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))

    def at(query: str = "") -> Any:
        page.goto(f"{served}?{query}" if query else served)
        page.wait_for_selector(".units .rows [role=row]", state="attached")
        page.wait_for_selector(".gutter .track")
        if "units=" in query:
            page.wait_for_selector(".gutter .track.unit")
        return page

    at.wrong = wrong  # type: ignore[attr-defined]
    yield at
    context.close()
    assert wrong == []


def until(page, expression: str, arg: object = None) -> None:
    """Wait until something holds; playwright's own waiting would have the page evaluate a text, which it forbids."""
    for _ in range(600):
        if page.evaluate(expression, arg):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"never came: {expression}")


def named(page) -> list[str]:
    """The names of the rows of the stage."""
    return page.locator(".gutter .track .name").all_inner_texts()


PLACE = """async ([name, step]) => {
  const stage = await import(document.querySelector("script[src]").src.replace("main.js", "stage.js"));
  const { tracks, columns } = stage.picture();
  const track = tracks.find((each) => each.name.includes(name));
  const canvas = document.querySelector(".scroller canvas").getBoundingClientRect();
  const x = canvas.x + columns.middle(step) - document.getElementById("scroller").scrollLeft;
  return [x, canvas.y + track.top, track.height];
}"""


def place(page, track: str, step: int, share: float = 0.5) -> tuple[float, float]:
    """Where a step of a row stands on the screen."""
    x, top, height = page.evaluate(PLACE, [track, step])
    return x, top + height * share


VALUES = """async () => {
  const stage = await import(document.querySelector("script[src]").src.replace("main.js", "stage.js"));
  return stage.scene.inputs.value.numbers;
}"""


def drag(page, track: str, first: int, last: int, share: float = 0.5) -> None:
    page.mouse.move(*place(page, track, first, share))
    page.mouse.down()
    page.mouse.move(*place(page, track, (first + last) // 2, share))
    page.mouse.move(*place(page, track, last, share))
    page.mouse.up()


def state(page) -> dict[str, str]:
    page.wait_for_timeout(200)
    return dict(page.evaluate("[...new URLSearchParams(location.search)]"))


def test_the_unit_that_follows_the_depth_is_found_held_and_let_go(opened):
    """The first minute: sort, click, see it, drag it flat, see what changes."""
    page = opened()
    assert page.locator(".units [aria-sort=descending]").inner_text().startswith("r")
    first = page.locator(".units .rows [role=row]").first
    assert "depth" in first.inner_text()
    first.click()
    page.wait_for_selector(".gutter .track.unit")
    assert {"read", "depth", "loss", "foreseen", "input gate", "forget gate", "candidate"} <= set(named(page))
    unit = state(page)["units"]
    page.click("#drag-hold")
    drag(page, named(page)[named(page).index("foreseen") + 1], 3, 6, 0.2)
    page.wait_for_selector(".heldbar .change")
    (hold,) = state(page)["holds"].split(",")
    assert re.fullmatch(re.escape(unit) + r"=[-\d.]+@3:7", hold)
    assert "→" in page.locator(".heldbar .change").inner_text()
    page.click("#let-go")
    page.wait_for_selector(".heldbar", state="detached")


def test_dragging_moves_the_hold_with_the_pointer(opened):
    page = opened("units=lstm.0/cell:1&drag=hold&sequence=2")
    page.mouse.move(*place(page, "cell 1", 2, 0.3))
    page.mouse.down()
    page.mouse.move(*place(page, "cell 1", 5, 0.3))
    page.wait_for_selector(".heldbar .hold")
    before = page.locator(".heldbar .hold").inner_text()
    page.mouse.move(*place(page, "cell 1", 6, 0.8))
    until(page, "before => document.querySelector('.heldbar .hold')?.innerText !== before", before)
    page.mouse.up()
    assert page.locator(".heldbar .hold").count() == 1


def test_a_span_is_found_elsewhere_and_a_place_opens_its_sequence(opened):
    page = opened("units=lstm.0/cell:1&sequence=1")
    drag(page, "cell 1", 2, 4)
    page.click("#find-it")
    page.wait_for_selector("#found")
    assert re.search(r"\d+ places \(", page.locator("#found").inner_text())
    assert page.locator(".place").count() >= 1
    found = json.loads(state(page)["find"])
    assert (found[0]["start"], found[0]["stop"]) == (0, 3)
    page.locator(".place").last.click()
    until(page, "new URLSearchParams(location.search).has('at')")
    select = page.locator(".cond").first.get_by_label("Threshold by")
    select.select_option("quantile")
    until(page, "location.search.includes('quantile')")
    page.click("#add-condition")
    until(page, "document.querySelectorAll('.cond').length >= 2")
    page.locator(".cond").last.get_by_label("Remove this condition").click()


def test_units_that_do_the_same_are_added(opened):
    index = planted().index
    inside = index.label("inside").values
    begins = np.flatnonzero((inside[1:-2] == 1) & (inside[2:-1] == 1) & (inside[:-3] == 0))
    row = next(int(row) + 1 for row in begins if len(set(index.sequence[row : row + 4])) == 1)
    first = int(index.position[row])
    last = first + int(np.argmin(np.append(inside[row : index.starts[index.sequence[row] + 1]], 0))) - 1
    page = opened(f"in=4&units=lstm.0/cell:4&sequence={index.sequence[row]}")
    drag(page, "cell 4", first, last)
    page.click("#alike")
    until(page, "document.querySelectorAll('.track.unit').length >= 1")
    assert "lstm.0/cell:4" in state(page)["units"]


def test_sequences_are_filtered_sorted_and_chosen(opened):
    page = opened("units=lstm.0/cell:1&tab=sequences")
    page.wait_for_selector(".listed .rows [role=row]")
    every = page.locator("#listed-note").inner_text()
    page.get_by_label("Split").select_option("test")
    until(page, "every => document.getElementById('listed-note').innerText !== every", every)
    page.get_by_label("Sort").select_option("highest")
    until(page, "location.search.includes('highest')")
    page.locator(".listed .rows [role=row]").nth(1).click()
    until(page, "new URLSearchParams(location.search).get('sequence') !== null")
    page.get_by_placeholder("words or characters in a row").fill("nonsense")
    until(page, "document.getElementById('listed-note').innerText.includes('not among the symbols')")
    refused(opened)


def test_a_typed_text_is_read_and_written_on(opened):
    page = opened("in=2")
    page.click("#type")
    page.wait_for_selector("#typed")
    page.fill("#typed", "The cat (that sat)")
    until(page, "document.getElementById('strip-bar').innerText.includes('19 steps')")
    page.mouse.click(*place(page, "read", 4))
    page.wait_for_selector(".told .s")
    assert page.locator(".told .s").count() == 5
    page.click("#write")
    page.wait_for_selector("#written pre")
    assert page.locator("#written pre").first.inner_text().startswith("The cat (that sat)")


def test_a_text_is_written_symbol_by_symbol_under_what_is_held(opened):
    page = opened("in=2&text=The+cat&units=lstm.0/cell:1&holds=lstm.0/cell:1=2@3:8")
    page.wait_for_selector(".heldbar .change")
    page.click("#write-one")
    until(page, "document.getElementById('typed').value.length === 8")
    assert state(page)["holds"] == "lstm.0/cell:1=2@3:9"  # it reached the end, and goes on
    page.click("#write")
    page.wait_for_selector("#written pre >> nth=1")
    text = page.locator("#written pre").nth(1).inner_text()
    page.click("#written button >> nth=1")
    until(page, "document.getElementById('strip-bar').innerText.includes('209 steps')")
    assert page.locator("#typed").input_value().strip() == text.strip()


def test_rows_of_numbers_are_typed_and_read(opened):
    page = opened("in=5&sequence=1")
    page.keyboard.press("t")
    page.wait_for_selector("#typed")
    assert "A line a step: time, volume, holiday" in page.locator("#typed-how").inner_text()
    text = page.locator("#typed").input_value()
    lines = text.splitlines()
    assert len(lines) == 30 + 1 + 6
    before = page.evaluate(VALUES)
    when, value, *more = lines[4].split(",")
    lines[4] = ",".join([when, str(float(value or 50) + 100), *more])
    page.fill("#typed", "\n".join(lines))
    for _ in range(200):
        now = page.evaluate(VALUES)
        if now[4] != before[4]:
            break
        page.wait_for_timeout(50)
    assert now[4] == pytest.approx(float(value or 50) + 100)
    assert now[5:29] == before[5:29]
    lines[5] = lines[5].replace(",", ",much", 1)
    page.fill("#typed", "\n".join(lines))
    until(page, "document.getElementById('typed-wrong').innerText.includes('line 6')")
    page.fill("#typed", text)
    until(page, "document.getElementById('typed-wrong').innerText === ''")
    page.keyboard.press("Escape")
    page.keyboard.press("t")
    page.wait_for_selector("#typed", state="detached")
    refused(opened)


def test_a_drawing_is_drawn_and_read(opened):
    page = opened("in=7&sequence=1")
    page.click("#type")
    page.wait_for_selector("#pad")
    strokes = json.loads(page.locator("#typed").input_value())["strokes"]
    assert sum(map(len, strokes)) == int(re.search(r"(\d+) steps", page.locator("#strip-bar").inner_text()).group(1))
    page.click("#pad-clear")
    until(page, "document.getElementById('typed-wrong').innerText.includes('without a point')")
    box = page.locator("#pad").bounding_box()
    page.mouse.move(box["x"] + 30, box["y"] + 40)
    page.mouse.down()
    for k in range(1, 6):
        page.mouse.move(box["x"] + 30 + 30 * k, box["y"] + 40)
    page.mouse.up()
    until(page, "document.getElementById('typed-wrong').innerText === ''")
    drawn = json.loads(page.locator("#typed").input_value())["strokes"]
    assert len(drawn[0]) > 2
    assert len({y for _, y in drawn[0]}) == 1
    assert [x for x, _ in drawn[0]] == sorted({x for x, _ in drawn[0]})
    until(page, f"document.getElementById('strip-bar').innerText.includes('{len(drawn[0])} steps')")
    assert {"dx", "dy", "pen"} <= set(named(page))
    page.locator("#pad").focus()
    for key in ("Enter", "ArrowDown", "ArrowDown", "Enter"):
        page.keyboard.press(key)
    until(page, f"document.getElementById('strip-bar').innerText.includes('{len(drawn[0]) + 3} steps')")
    page.keyboard.press("Backspace")
    until(page, f"document.getElementById('strip-bar').innerText.includes('{len(drawn[0])} steps')")
    until(page, "new URLSearchParams(location.search).get('text') === document.getElementById('typed').value")
    page.reload()
    page.wait_for_selector("#pad")
    assert json.loads(page.locator("#typed").input_value())["strokes"] == drawn
    refused(opened)


def refused(opened) -> None:
    """Nothing else than refusals is in the console: each is said on the page, and noted by the browser."""
    assert all("400" in each for each in opened.wrong), opened.wrong
    opened.wrong.clear()


def test_the_thought_experiments_are_two_buttons(opened):
    page = opened("units=lstm.0/cell:1")
    page.click("#keep-all")
    page.wait_for_selector(".heldbar .hold")
    assert state(page)["holds"] == "lstm.0/input_gate:*=0,lstm.0/forget_gate:*=1"
    page.keyboard.press("2")
    until(page, "location.search.includes('forget_gate:*=0') || location.search.includes('forget_gate%3A*%3D0')")
    page.wait_for_selector("#take-all[aria-pressed=true]")
    assert page.locator("#keep-all").get_attribute("aria-pressed") == "false"


def test_two_networks_stand_side_by_side_on_one_text(opened):
    page = opened("units=lstm.0/cell:1")
    page.select_option("#beside", "1")
    until(page, "[...document.querySelectorAll('.track .name')].some((n) => n.innerText.startsWith('beside:'))")
    names = named(page)
    assert names.count("loss") == 2
    assert names.count("cell 1") == 2


def test_the_cursor_tells_the_algebra_of_the_cell(opened):
    page = opened("units=lstm.0/cell:1&sequence=2&at=4")
    page.wait_for_selector(".algebra >> text=c = f·c′ + i·g")
    said = page.locator(".algebra").inner_text().replace("−", "-")
    c, f, was, i, g = map(
        float, re.search(r"(-?[\d.]+) = (-?[\d.]+)·(-?[\d.]+) \+ (-?[\d.]+)·(-?[\d.]+)", said).groups()
    )
    assert c == pytest.approx(f * was + i * g, abs=0.03)


def test_what_is_looked_at_stands_in_the_address(opened):
    query = "units=lstm.0/cell:1,lstm.0/hidden:2&sequence=3&at=2&tab=find&sort=timescale&filter=cell"
    page = opened(query)
    assert page.locator("#tab-find").get_attribute("aria-selected") == "true"
    assert page.locator(".track.unit").count() == 2
    assert page.locator("#filter").input_value() == "cell"
    page.keyboard.press("u")
    page.locator(".units .rows [role=row]").nth(2).click()
    before = page.url
    page.reload()
    page.wait_for_selector(".gutter .track.unit")
    assert page.url == before
    page.go_back()
    until(page, "document.querySelectorAll('.track.unit').length === 2")


def test_everything_goes_by_keyboard(opened):
    page = opened()
    page.keyboard.press("?")
    assert page.locator("dialog#keys").is_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    page.keyboard.type("cell")
    page.keyboard.press("Escape")
    page.locator(".units").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_selector(".track.unit")
    page.locator("#scroller").focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    assert state(page)["at"] == "2"
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    page.wait_for_selector("#find-it")
    page.keyboard.press("h")
    page.wait_for_selector(".heldbar .hold")
    assert "@2:5" in state(page)["holds"]
    page.keyboard.press("g")
    page.wait_for_selector(".heldbar", state="detached")
    page.keyboard.press("]")
    until(page, "new URLSearchParams(location.search).get('sequence') === '1'")


def test_what_is_seen_can_be_taken_away(opened):
    page = opened("units=lstm.0/cell:1&sequence=2")
    page.keyboard.press("x")
    with page.expect_download() as saved:
        page.click("#save-svg")
    text = Path(saved.value.path()).read_text(encoding="utf-8")
    assert text.startswith("<svg")
    assert "forget gate" in text
    with page.expect_download() as saved:
        page.click("#save-png")
    assert Path(saved.value.path()).read_bytes()[:4] == b"\x89PNG"
    with page.expect_download() as saved:
        page.click("#save-csv")
    rows = Path(saved.value.path()).read_text(encoding="utf-8").splitlines()
    assert rows[0].endswith("lstm.0/cell:1")
    assert "sequence=2" in page.locator("#save-json").get_attribute("href")


def test_the_sequence_is_a_table_too(opened):
    page = opened("in=4&units=lstm.0/cell:0&sequence=2")
    page.locator("details.table summary").click()
    page.wait_for_selector("details.table td")
    head = page.locator("details.table th[scope=col]").all_inner_texts()
    assert head[:2] == ["step", "read"]
    assert head[-1] == "lstm.0/cell:0"
    cells = page.locator("details.table tbody tr").nth(1).locator("td").all_inner_texts()
    assert cells[head.index("depth") - 1] == cells[-1]


def test_names_of_a_stranger_are_text_on_the_page(opened):
    page = opened("in=4&sequence=0")
    assert page.locator("img").count() == 0
    page.click("#tab-sequences")
    page.wait_for_selector(".listed .rows [role=row]")
    assert page.locator("text=<b>").count() >= 1


def test_light_dark_and_a_phone(browser, served):
    for how in (
        {"color_scheme": "dark"},
        {"viewport": {"width": 390, "height": 844}},
        {"viewport": {"width": 768, "height": 1024}},
    ):
        page = browser.new_page(**how)
        page.goto(f"{served}?units=lstm.0/cell:1")
        page.wait_for_selector(".gutter .track.unit")
        assert page.evaluate("document.documentElement.dataset.theme") == how.get("color_scheme", "light")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.close()


def test_thousands_of_units_scroll(browser):
    many = Recording.from_arrays(
        {("lstm.0", "cell"): np.random.default_rng(1).normal(size=(400, 10_000)).astype(np.float16)},
        sequence=np.zeros(400),
    )
    with naibu.view(many) as shown:
        page = browser.new_page()
        page.goto(shown.address)
        page.wait_for_selector(".units .rows [role=row]")
        page.evaluate("document.querySelector('.units').scrollTop = 1e7")
        until(page, "document.querySelector('.units .rows [aria-rowindex=\"10001\"]') !== null")
        assert page.locator(".units .rows [role=row]").count() < 60
        assert page.locator(".units").get_attribute("aria-rowcount") == "10001"
        page.close()


@pytest.mark.parametrize(
    "query",
    [
        "units=lstm.0/cell:1&at=2",
        "tab=sequences",
        "tab=find&units=lstm.0/cell:1",
        "units=lstm.0/cell:1&holds=lstm.0/cell:1=0@1:3",
    ],
)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious(browser, served, query, theme):
    if not AXE.exists():
        pytest.skip("axe-core is not installed: npm ci")
    page = browser.new_page(color_scheme=theme, bypass_csp=True)
    page.goto(f"{served}?{query}")
    page.wait_for_selector(".gutter .track")
    page.wait_for_timeout(400)
    page.add_script_tag(path=str(AXE))
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    page.close()
    serious = [
        (each["id"], [node["html"][:160] for node in each["nodes"]][:3])
        for each in found["violations"]
        if each["impact"] in ("serious", "critical")
    ]
    assert serious == []
