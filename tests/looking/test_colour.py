"""Text coloured by a unit: the values are the network's, in the terminal and on the page, and mistakes are one line."""

from __future__ import annotations

import base64
import io
import json
import re
from dataclasses import replace
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import torch
from rich.console import Console

import fake_results as fake
from fake_recording import fake_recording
from naibu.cli import main
from naibu.looking.analyses.search import naming
from naibu.probes.passages import FULL, Passages, named_cells, passages
from naibu.probes.search import search
from naibu.reporting.coloured import print_coloured
from naibu.reporting.page import render
from naibu.reporting.palette import colour, ink, level, luminance
from naibu.reporting.reading import AT_ONCE, MOST
from naibu.runs import open_run
from naibu.runs.load import load

SMALL = ("--units", "8", "--steps", "20", "--threads", "1")
PYTHON = 'def f(x):\n    if x:  # why\n        return "a" + x[0]\n    return None\n\n\n'


@pytest.fixture(scope="module")
def read(tmp_path_factory):
    """The folder of a small network that read Python as characters, recorded and searched."""
    folder = tmp_path_factory.mktemp("characters")
    source = folder / "source"
    source.mkdir()
    for number in range(20):
        (source / f"m{number}.py").write_text(PYTHON.replace("why", f"why {number}") * 12)
    out = folder / "characters-8"
    train = ["train", str(source), "--form", "characters", "--longest", "200", *SMALL, "--out", str(out)]
    for command in (train, ["record", str(out)], ["probe", str(out)]):
        assert main(command) == 0
    return out


@pytest.fixture(scope="module")
def treed(tmp_path_factory):
    """The folder of a small network that read trees."""
    folder = tmp_path_factory.mktemp("trees")
    (folder / "a.mrg").write_text("".join("(S (NP (N a)) (VP (V b) (NP (N c))))\n" for _ in range(40)))
    out = folder / "out"
    assert main(["train", str(folder / "a.mrg"), "--form", "tagged", *SMALL, "--out", str(out)]) == 0
    return out


def rows_of(capsys, *arguments: str) -> list[dict]:
    capsys.readouterr()
    assert main(["colour", *arguments, "--json", "-"]) == 0
    return json.loads(capsys.readouterr().out)


def test_the_values_are_those_of_the_network(read, capsys):
    text = 'x "a"  # \u00e9\n'
    rows = rows_of(capsys, str(read), "--unit", "3", "--signal", "forget_gate", "--text", text)
    run = open_run(read)
    vocabulary = (run.path / "vocabulary.txt").read_text().split("\n")
    ids = [vocabulary.index({"\n": "\\n", "\u00e9": "<unk>"}.get(letter, letter)) for letter in ("ST", *text)]
    model = load(run)
    with torch.no_grad():
        embedded = model.embed(torch.tensor(ids)[:, None])
        expected = model.layers.signals(embedded, None, keep=("forget_gate",))[2]["lstm.0", "forget_gate"][:, 0, 3]
    assert [row["symbol"] for row in rows] == ["ST", *text]
    assert np.abs(np.array([row["value"] for row in rows]) - expected.numpy()).max() <= 0.5 / FULL + 1e-6


def test_a_long_text_is_cut_and_a_file_is_read_as_text_is(read, tmp_path, capsys):
    (tmp_path / "a.py").write_text(PYTHON * 30)
    options = (str(read), "--unit", "0", "--symbols", "50")
    of_file = rows_of(capsys, *options, "--file", str(tmp_path / "a.py"))
    of_text = rows_of(capsys, *options, "--text", PYTHON * 30)
    whole = rows_of(capsys, *options[:-1], "5000", "--file", str(tmp_path / "a.py"))
    assert of_file == of_text
    assert len(of_file) == 50
    assert [row["symbol"] for row in whole[:50]] == [row["symbol"] for row in of_file]
    assert "".join(row["symbol"] for row in whole[1:]) == PYTHON * 30


def test_a_named_cell_is_shown_and_its_label_marked(read, capsys):
    rows = rows_of(capsys, str(read), "--label", "inside_comment", "--text", PYTHON)
    assert "".join(row["symbol"] for row in rows if row["holds"]) == "# why"
    rows = rows_of(capsys, str(read), "--label", "inside_comment", "--signal", "hidden")
    assert {row["signal"] for row in rows} == {"hidden"}
    assert re.fullmatch(r"(# why [^#]+)+", "".join(row["symbol"] for row in rows if row["holds"]))


def test_trees_are_read_as_the_corpus_was(treed, capsys):
    tree = "(S (NP (N a)) (VP (V b) (NP (N zzz))))"
    rows = rows_of(capsys, str(treed), "--unit", "1", "--text", tree)
    expected = "ST (S (NP (N N) NP) (VP (V V) (NP (N N) NP) VP) S) ED"
    assert " ".join(row["symbol"] for row in rows) == expected


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--unit", "8", "--text", "a"), "--unit 8: the network has units 0 to 7"),
        (("--unit", "1", "--signal", "reset_gate", "--text", "a"), "--signal reset_gate: there are input_gate"),
        (("--unit", "1", "--layer", "gru.0", "--text", "a"), "--layer gru.0: the network has lstm.0"),
        (("--label", "nothing"), "--label nothing: searched were line_position"),
        (("--unit", "1", "--label", "nothing", "--text", "a"), "--label nothing: there are line_position"),
        (("--text", "a", "--file", "b"), "give one of the two"),
        (("--file", "/nowhere/at/all"), "--file /nowhere/at/all: cannot be read"),
        (("--text", ""), "--text: empty"),
        (("--symbols", "0"), "--symbols 0: must be at least 1"),
    ],
)
def test_mistakes_are_one_line(read, capsys, options, says):
    assert main(["colour", str(read), *options]) == 2
    said_ = capsys.readouterr().err
    assert says in said_
    assert said_.count("\n") == 1


def test_without_a_search_or_trees_it_says_what_to_do(treed, capsys):
    for options, says in ((("--text", "(S (N a))"), "naibu probe"), (("--unit", "1"), "naibu record")):
        assert main(["colour", str(treed), *options]) == 2
        assert says in capsys.readouterr().err
    assert main(["colour", str(treed), "--unit", "1", "--text", "no tree"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


# In the terminal


def printed(symbols: str, values: list[float], *, system: str | None, width: int = 20, **options) -> str:
    out = io.StringIO()
    console = Console(file=out, color_system=system, force_terminal=system is not None, width=width)
    held = options.pop("held", [False] * len(symbols))
    print_coloured(console, list(symbols), values, held, **{"scale": 2.0, "signed": True, "spaced": False, **options})
    return out.getvalue()


def test_the_terminal_shows_the_colours_of_the_values():
    text = printed("ab", [2.0, -1.0], system="truecolor", held=[True, False])
    for value, letter in ((2.0, "a"), (-1.0, "b")):
        red, green, blue = colour(value / 2.0, True)
        assert re.search(rf"48;2;{red};{green};{blue}m{letter}", text)
    assert re.search(r"\x1b\[4;", text)


def test_without_colours_a_digit_stands_below_each_symbol():
    assert printed("abc", [-2.0, 0.0, 2.0], system=None) == "abc\n059\n"
    assert printed("abc", [0.0, 0.5, 1.0], system=None, signed=False, scale=1.0) == "abc\n059\n"
    assert printed("ab", [-2.0, 2.0], system=None, spaced=True) == "a b \n0 9 \n"


def test_lines_end_with_the_text_s_and_with_the_terminal_s():
    assert printed("a\nbcdef", [0.0] * 7, system=None, width=4).split("\n")[::2] == ["a⏎", "bcde", "f", ""]


@pytest.mark.parametrize("signed", [True, False])
def test_colours_are_readable_and_grow_with_the_value(signed):
    shares = np.linspace(-1 if signed else 0, 1, 41)
    for share in shares:
        light, dark = sorted((luminance(colour(share, signed)), luminance(ink(colour(share, signed)))), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5  # WCAG AA
    lights = [luminance(colour(share, signed)) for share in shares[shares >= 0]]
    assert np.all(np.diff(lights) < 0)
    assert colour(0.0, signed) == (255, 255, 255)
    assert colour(7.0, signed) == colour(1.0, signed)
    assert [level(value, FULL, signed) for value in (0, 7, FULL)] == ["", "", "u9" if signed else "g9"]
    assert level(-FULL, FULL, True) == "d9"


# On the page


@pytest.fixture(scope="module")
def part():
    recording = fake_recording()
    found = search(recording, resamples=20, permutations=9)
    shown = passages(recording, named_cells(found), symbols=300)
    return fake.bare(search=found, passages=shown)


class Reading(HTMLParser):
    """The coloured texts of a page: attributes of each box and text, and the spans."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.box: dict[str, str] = {}
        self.texts: list[dict[str, str]] = []
        self.spans: list[list[tuple[str, str]]] = []
        self.options = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if "data-cells" in found:
            self.box = found
        elif tag == "pre":
            self.texts.append(found)
            self.spans.append([])
        elif tag == "span" and "title" in found:
            self.spans[-1].append((found["class"], found["title"]))
        self.options += tag == "option"


def test_the_page_holds_the_values_of_all_cells(part):
    page, shown = Reading(render(fake.report(part))), part.results["passages"]
    cells = json.loads(page.box["data-cells"])
    assert len(cells) == page.options == len(shown.cells)
    assert len(page.texts) == min(MOST, len(shown.passages))
    for k, (attributes, spans, passage) in enumerate(zip(page.texts, page.spans, shown.passages, strict=False)):
        values = np.frombuffer(base64.b64decode(attributes["data-values"]), np.int8)
        assert (values.reshape(len(cells), -1) == passage.values).all()
        bits = np.unpackbits(np.frombuffer(base64.b64decode(attributes["data-holds"]), np.uint8), bitorder="little")
        assert (bits[: passage.holds.size].reshape(passage.holds.shape) == (passage.holds == 1)).all()
        if k >= AT_ONCE:  # behind a click, coloured by the script
            continue
        first = passage.values[0] / FULL * shown.scales[0]
        assert [float(title.replace("\u2212", "-")) for _, title in spans] == pytest.approx(first.tolist(), abs=0.0051)
        assert [kind.split(" ")[0] for kind, _ in spans] == [level(int(v), FULL, True) for v in passage.values[0]]


def test_the_one_script_is_allowed_by_its_hash(part):
    text = render(fake.report(part))
    (script,) = re.findall(r"<script>(.*?)</script>", text, flags=re.DOTALL)
    digest = base64.b64encode(sha256(script.encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-{digest}'" in text
    for word in ("fetch", "XMLHttpRequest", "http:", "https:", "import(", "eval"):
        assert word not in script
    nothing = Passages("run", (), np.zeros(0), ())
    assert "<pre" not in render(fake.report(part.having(passages=nothing)))


def test_the_section_says_what_was_found_and_what_was_not(part):
    found = naming(part.results["search"])
    assert found.present
    assert "inside an X is told best by one unit, 5 of the " in found.text
    nothing = naming(replace(part.results["search"], found=()))
    assert (nothing.text, nothing.present) == ("No label was searched.", False)
    weak = [replace(f, best=replace(f.best, scores=fake.scores(0.6))) for f in part.results["search"].found]
    assert "though not surely" in naming(replace(part.results["search"], found=tuple(weak))).text
    searched = replace(part.results["search"].found[0], untrained=part.results["search"].found[0].best)
    found = [
        replace(
            searched, best=replace(searched.best, scores=fake.scores(0.8)), controls=fake.controls(bare), symbol=alone
        )
        for bare, alone in ((0.7, fake.scores(0.5)), (0.7, fake.scores(0.9)), (0.795, fake.scores(0.5)))
    ]
    three = replace(part.results["search"], found=tuple(found))
    assert "1 of 3 labels is told better than by the best unit" in naming(three).text
    page = render(fake.report(part))
    assert "Not searched: kind (it is categorical)" in page


def test_symbols_of_the_text_are_escaped(part):
    shown = part.results["passages"]
    odd = replace(shown.passages[0], symbols=("<b>", *shown.passages[0].symbols[1:]))
    page = render(fake.report(part.having(passages=replace(shown, passages=(odd,)))))
    assert "<b>" not in page
    assert ">&lt;b&gt;</span>" in page


def test_a_page_of_one_s_own_text(read, tmp_path, capsys):
    path = tmp_path / "own.html"
    options = ("--unit", "2", "--text", PYTHON, "--html", str(path))
    assert main(["colour", str(read), *options]) == 0
    page = Reading(path.read_text())
    assert page.options > 8
    assert len(page.texts) == 1
    assert len(page.spans[0]) == len(PYTHON) + 1


def test_look_leaves_the_search_in_the_report(read):
    assert main(["report", str(read), "--out", str(read / "report.html")]) == 0
    page = Path(read / "report.html").read_text()
    assert "The cells people look for" in page
    assert (read / "results" / "search.csv").read_text().startswith("run,split,layer,signal,unit,label")


def test_what_the_network_saw_of_a_tree_is_read_as_the_tree(treed, capsys):
    tree = rows_of(capsys, str(treed), "--unit", "1", "--text", "(S (NP (N a)) (VP (V b)))")
    seen = rows_of(capsys, str(treed), "--unit", "1", "--text", "(S (NP (N N) NP) (VP (V V) VP) S)")
    assert [(row["symbol"], row["value"]) for row in seen] == [(row["symbol"], row["value"]) for row in tree]
    assert main(["colour", str(treed), "--unit", "1", "--text", "(S (NP"]) == 2
    assert "or give what the form tagged shows of one, (S (NP NP) (VP VP) S) for example" in capsys.readouterr().err
