"""The report's page: complete, self-contained, escaped, the same for equal input."""

from __future__ import annotations

import itertools
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

import fake_results as fake
from naibu.errors import StoredError
from naibu.reporting.markup import element, joined
from naibu.reporting.page import render, write

VOID = {"meta", "link", "br", "hr", "img", "input"}
SHAPES = {"path", "use", "rect", "image"}


class Page(HTMLParser):
    """Reads a page into its ids, references, sections and text; complains where tags do not nest."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.ids: list[str] = []
        self.references: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.sections: dict[str, set[str]] = {}  # anchor of a section's heading -> tags within
        self.text: list[str] = []
        self._open: list[str] = []
        self._names: list[str | None] = []
        self.feed(text)
        self.close()
        assert not self._open, f"left open: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in found.items()]
        if "id" in found:
            self.ids.append(found["id"])
        self.references += [value for name, value in found.items() if name in ("href", "src", "xlink:href")]
        self.references += re.findall(r"url\(([^)]*)\)", " ".join(found.values()))
        if tag == "section":
            self._names.append(found.get("aria-labelledby"))
            self.sections.setdefault(found.get("aria-labelledby", ""), set())
        for name in self._names[-1:]:
            self.sections[name or ""].add(tag)
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open[-1:] == [tag], f"</{tag}> closes {self._open[-1:]}"
        self._open.pop()
        if tag == "section":
            self._names.pop()

    def handle_data(self, data: str) -> None:
        if self._open[-1:] != ["style"]:
            self.text.append(data)


@pytest.fixture(scope="module")
def text() -> str:
    return render(fake.report())


@pytest.fixture(scope="module")
def page(text: str) -> Page:
    return Page(text)


def test_every_section_of_a_full_network_has_a_figure_a_table_and_the_command(page: Page) -> None:
    keys = ("train", "confusion", "depth", "phrase", "overlap", "l1", "regression", "distributions", "holding")
    for key in keys:
        assert {"figure", "svg", "figcaption", "table", "code", "h3"} <= page.sections[f"network-1-{key}"], key


def test_a_network_without_results_says_what_is_missing(page: Page) -> None:
    assert [name for name in page.sections if name.startswith("network-2")] == ["network-2-train"]
    assert "Not in this report" in "".join(page.text)
    assert "Nothing was probed." in "".join(page.text)


def test_the_page_opens_with_the_finding_and_its_proof(text: str, page: Page) -> None:
    opening = text[text.index("<header") : text.index("</header>")]
    assert re.search(r"<h1>Unit 17 of the cell counts the open brackets[^.]*\.</h1>", opening)
    assert re.search(r"r\s=\s0\.9994 with the depth on sequences that do not occur in training", opening)
    assert "Hold it still at its mean, and of the ends of sequence it foresees" in opening
    assert opening.count("<svg") == 2
    assert text.index("</header>") < text.index("<h2")


def test_every_finding_is_a_line_with_the_rest_behind_a_click(text: str) -> None:
    found = text[text.index('<h2 id="found">') : text.index("</ul>")]
    lines = re.findall(r"<summary>(.*?)</summary>", found)
    assert len(lines) > 5
    assert all("[" not in line and "(" not in line and len(line) < 220 for line in lines), lines
    assert found.count("<details>") == len(lines)


def test_headings_go_down_by_one(page: Page) -> None:
    levels = [int(tag[1]) for tag in page.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels)), levels
    assert levels.count(1) == 1


def test_nothing_outside_the_file_is_referred_to(text: str, page: Page) -> None:
    assert page.references
    for reference in page.references:
        assert reference.startswith(("#", "data:image/png;base64,")), reference
    assert "http://" not in text
    assert "https://" not in text
    assert "@import" not in text
    assert page.tags.count("script") == 1


def test_ids_are_unique_and_every_reference_inside_the_page_leads_somewhere(page: Page) -> None:
    assert len(page.ids) == len(set(page.ids))
    inside = {reference[1:] for reference in page.references if reference.startswith("#")}
    assert inside
    assert inside <= set(page.ids)


def test_an_svg_refers_only_to_its_own_clip_paths(text: str) -> None:
    for svg in re.findall(r"<svg.*?</svg>", text, flags=re.DOTALL):
        here = set(re.findall(r' id="([^"]*)"', svg))
        assert set(re.findall(r'(?:href="#|url\(#)([\w.-]+)', svg)) <= here


def test_symbols_names_and_commands_are_escaped(text: str, page: Page) -> None:
    words = "".join(page.text)
    for odd in ("<unk>", 'penn & "lisp"', "ST a <b> ED", "Inside <tagged> & co", "--run 'tagged-40' <&>", "<reader>"):
        assert odd in words, odd
    assert "unk" not in page.tags
    assert "<unk>" not in text
    assert not [a for a in page.attributes if a[0] == "b"]


def test_html_goes_into_an_element_as_it_is_but_never_into_an_attribute() -> None:
    bold = element("b", "<&>")
    assert bold == "<b>&lt;&amp;&gt;</b>"
    assert joined("<", bold) + ">" == f"&lt;{bold}&gt;"
    assert Page(element("p", bold, title=bold, data_x='"')).attributes == [("p", "title", bold), ("p", "data-x", '"')]


def test_every_drawing_says_what_it_shows(text: str) -> None:
    svgs = re.findall(r"<svg [^>]*>", text)
    assert len(svgs) > 20
    for svg in svgs:
        assert 'role="img"' in svg
        label = re.search(r'aria-label="([^"]*)"', svg)
        assert label is not None
        assert len(label[1]) > 20
    assert "Unit 17 of the cell follows the depth: r\u00a0=\u00a00.9994 [0.9992, 0.9996]" in text


def test_drawings_take_the_colour_of_the_page_and_keep_text_as_text(text: str) -> None:
    assert "currentColor" in text
    assert "#010203" not in text
    assert "var(--vermillion" in text
    assert "<text" in text
    assert "DejaVu" not in text.partition("</style>")[2]
    assert max(len(svg) for svg in re.findall(r"<svg.*?</svg>", text, flags=re.DOTALL)) < 150_000


def test_equal_input_gives_equal_bytes(tmp_path: Path) -> None:
    for name in ("a.html", "b.html"):
        write(fake.report(fake.short("a")), tmp_path / name)
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.html", "b.html"]


def test_a_page_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "report.html").mkdir()
    with pytest.raises(StoredError, match="cannot be written"):
        write(fake.report(fake.bare()), tmp_path / "report.html")


def test_what_a_section_measures_is_explained_once() -> None:
    words = "".join(Page(render(fake.report(fake.short("a"), fake.short("b")))).text)
    assert words.count("For every unit, r says how closely") == 1
    assert words.count("A logistic regression, which weighs the units") == 1
    assert words.count("The label at a place is what is known once it has been read") == 2 * 4


def test_two_networks_with_the_same_results_do_not_share_ids() -> None:
    found = Page(render(fake.report(fake.short("a"), fake.short("a"))))
    assert len(found.ids) == len(set(found.ids))


def test_a_network_whose_test_sequences_are_all_seen_has_no_column_for_unseen() -> None:
    network = fake.bare(depth=fake.correlation(unseen=False))
    words = "".join(Page(render(fake.report(network))).text)
    assert "all test" in words
    assert "(unseen)" not in words


def test_a_network_without_cell_or_with_layers_is_shown(tmp_path: Path) -> None:
    gru = fake.bare(depth=fake.correlation(signals=("reset_gate", "hidden")))
    deep = fake.bare(depth=fake.correlation(layers=("lstm.0", "lstm.1")))
    words = "".join(Page(render(fake.report(gru, deep))).text)
    assert "unit 17 of the hidden state" in words
    assert "lstm.1" in words


def test_importing_the_report_loads_no_matplotlib() -> None:
    code = "import sys, naibu.reporting.page, naibu.reporting.terminal; print('matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_public_names_are_what_is_there() -> None:
    import naibu.reporting as public

    for name in public.__all__:
        assert getattr(public, name) is not None
    with pytest.raises(AttributeError, match="it has Part"):
        _ = public.nothing
