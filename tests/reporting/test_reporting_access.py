"""The page can be read by everybody: contrast from its own palette, tab stops only where something scrolls, one h1."""

from __future__ import annotations

import re
from importlib.resources import files

import numpy as np
import pytest

import fake_results as fake
from naibu.probes.passages import NamedCell, Passage, Passages
from naibu.reporting.page import render, write_reading
from naibu.reporting.palette import DOWN, GATE, LEVELS, RGB, UP, luminance
from naibu.reporting.plots.canvas import BLUE
from naibu.reporting.plots.prediction import BEHIND_NUMBERS

ENOUGH = 4.5
"""Contrast of text with what is behind it, at least (WCAG 2.2, level AA)."""
STYLE = files("naibu.reporting").joinpath("style.css").read_text(encoding="utf-8")


def rgb(hex_: str) -> RGB:
    digits = hex_.lstrip("#")
    digits = "".join(2 * digit for digit in digits) if len(digits) == 3 else digits
    red, green, blue = (int(digits[k : k + 2], 16) for k in (0, 2, 4))
    return red, green, blue


def contrast(one: RGB, other: RGB) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def over(colour: RGB, opacity: float, ground: RGB) -> RGB:
    red, green, blue = (round(opacity * c + (1 - opacity) * g) for c, g in zip(colour, ground, strict=True))
    return red, green, blue


def shades(place: int) -> dict[str, RGB]:
    """The colours of the page: in the light (0), in the dark (1), on paper (2)."""
    roots = re.findall(r":root \{(.*?)\n? *\}", STYLE, re.DOTALL)
    found = dict[str, str]()
    for root in (roots[0], *roots[place : place + 1]):
        found |= dict(re.findall(r"--([\w-]+): (#\w+)", root))
    return {name: rgb(value) for name, value in found.items()}


@pytest.mark.parametrize("place", [0, 1, 2], ids=["light", "dark", "paper"])
def test_text_stands_out_from_what_is_behind_it(place: int) -> None:
    of = shades(place)
    letters = ["text", "quiet", "link", "blue", *(name for name in of if name.endswith("-text"))]
    assert len(letters) == 10
    for name in letters:
        for ground in ("ground", "wash") if name in ("text", "quiet", "link") else ("ground",):
            assert contrast(of[name], of[ground]) >= ENOUGH, (name, ground)


@pytest.mark.parametrize(("place", "step"), [(0, 0), (1, 1), (2, 2)], ids=["light", "dark", "paper"])
def test_coloured_text_stands_out_from_every_colour_behind_it(place: int, step: int) -> None:
    of, opacity = shades(place), float(re.findall(r"--step: ([\d.]+)", STYLE)[step])
    for hue in (UP, DOWN, GATE):
        for level in range(LEVELS + 1):
            assert contrast(of["text"], over(hue, level * opacity, of["ground"])) >= ENOUGH, (hue, level)


@pytest.mark.parametrize("place", [0, 1], ids=["light", "dark"])
def test_numbers_in_a_matrix_stand_out_from_its_darkest_field(place: int) -> None:
    of, drawn = shades(place), rgb(BLUE)
    if place:
        lighter = float(re.search(r"brightness\(([\d.]+)\)", STYLE)[1])
        drawn = tuple(min(255, round(lighter * part)) for part in drawn)
    assert contrast(of["text"], over(drawn, BEHIND_NUMBERS, of["ground"])) >= ENOUGH


def test_letters_of_a_drawing_have_the_shades_for_letters() -> None:
    page = render(fake.report())
    style = dict(re.findall(r"\.(k\d+) \{ ([^}]*) \}", page))
    for text in re.findall(r"<text ([^>]*)>", page):
        said = " ".join([text, *(style.get(name, "") for name in re.findall(r'class="(\w+)"', text))])
        assert all(name.endswith("-text") for name in re.findall(r"var\(--([\w-]+)", said)), said


def test_the_tab_key_stops_only_where_the_script_finds_that_something_scrolls() -> None:
    page = render(fake.report())
    body, script = page[page.index("<main") : page.index("<script")], page[page.index("<script") :]
    assert "tabindex" not in body
    assert 'class="scroll"' in body
    assert ".scroll, .panels" in script
    assert "scrollWidth > box.clientWidth" in script
    assert re.search(r"\.scroll, \.panels \{.*?var\(--shade\)", STYLE, re.DOTALL)


def test_marks_are_explained_in_words_and_every_column_has_a_name() -> None:
    page = render(fake.report())
    assert "A filled mark (●): found" in page
    assert "A hollow mark (○): looked for" in page
    assert not re.search(r"<th[^>]*></th>", page)


@pytest.mark.parametrize(("own", "called"), [(True, "Your text"), (False, "Test text 1")])
def test_a_text_of_the_readers_own_is_called_that(tmp_path, own: bool, called: str) -> None:
    cell = NamedCell("lstm.0", "cell", 3, "", "", float("nan"), True)
    passage = Passage(0, False, ("ST", "a"), np.zeros((1, 2), np.int8), np.full((1, 2), -1, np.int8))
    found = Passages("run", (cell,), np.ones(1), (passage,))
    write_reading(found, "characters", "Inside run", tmp_path / "page.html", own=own)
    page = (tmp_path / "page.html").read_text()
    assert f'aria-label="{called}' in page
    assert ("Your text" in page) == own
