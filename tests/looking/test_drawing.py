"""One result as a picture of its own, and what a result says of itself."""

from __future__ import annotations

import json
import sys

import pytest

import fake_results as fake
from naibu import probes
from naibu.cli import main
from naibu.errors import OptionError, StoredError
from naibu.probes.result import KINDS, PLOTS
from naibu.probes.tables import save


@pytest.mark.parametrize(
    "found", [fake.correlation(), fake.overlap(), fake.regression(), fake.l1_path(), fake.holding(), fake.confusion()]
)
def test_a_result_is_short_has_a_table_and_a_plot(found, tmp_path):
    assert len(repr(found)) < 200
    assert type(found).__name__ in repr(found)
    for part in getattr(found, "signals", ()):
        assert len(repr(part)) < 2500
    assert found.rows()[0].keys() <= set(found.table()[0] if isinstance(found.table(), list) else found.table().columns)
    html = found._repr_html_()
    assert html.count("<tr>") <= 21
    assert "<script" not in html
    assert found.plot().figure is not None
    save(found, tmp_path, "found")
    assert repr(probes.load(tmp_path / "found.json").rows()) == repr(found.rows())  # NaN is no NaN's equal


def test_names_in_a_table_are_no_html():
    html = fake.correlation(layers=("<b>", "&")).__class__._repr_html_(fake.correlation(layers=("<b>x", "&")))
    assert "<b>" not in html


def test_every_plot_is_of_a_result_that_there_is():
    assert set(PLOTS) <= set(KINDS)


def test_what_is_no_result_is_said(tmp_path):
    (tmp_path / "x.json").write_text('{"result": "Nothing"}')
    with pytest.raises(StoredError, match="no result; there are"):
        probes.load(tmp_path / "x.json")


def test_a_table_only_is_not_drawn():
    undrawn = next(kind for name, kind in KINDS.items() if name not in PLOTS)
    with pytest.raises(OptionError, match="it is a table"):
        undrawn.plot(object.__new__(undrawn))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("drawn")
    (folder / "a.mrg").write_text("".join("(S (NP (N a)) (VP (V b) (NP (N c) (N a))))\n" for _ in range(60)))
    small = ("--units", "8", "--steps", "20", "--threads", "1")
    assert main(["train", str(folder / "a.mrg"), "--form", "tagged", *small, "--out", str(folder / "run")]) == 0
    assert main(["record", str(folder / "run")]) == 0
    assert main(["probe", str(folder / "run"), "--label", "depth"]) == 0
    return folder / "run"


@pytest.mark.parametrize("kind", ["svg", "png", "pdf"])
def test_the_command_draws_what_it_lists(run, tmp_path, capsys, kind):
    assert main(["plot", str(run), "--list"]) == 0
    assert capsys.readouterr().out.split() == ["correlation-depth", "trajectory"]
    out = tmp_path / f"x.{kind}"
    assert main(["plot", str(run), "--what", "correlation-depth", "--out", str(out)]) == 0
    assert out.read_bytes()[:4] in (b"<?xm", b"\x89PNG", b"%PDF")


def test_a_network_is_shown_with_its_labels_and_what_can_be_drawn(run, capsys):
    assert main(["show", str(run), "--json", "-"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["cell"], found["units"], found["finished"], found["steps"]) == ("lstm", 8, True, 20)
    assert {"depth", "depth:VP", "inside:VP"} <= {*found["labels"]}
    assert "lstm.0/forget_gate" in found["recordings"]["trained"]["signals"]
    assert found["drawable"] == ["correlation-depth", "trajectory"]
    assert found["named"] == []
    assert main(["show", str(run)]) == 0
    assert "inside:VP" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--what", "nothing"), "--what nothing: there are correlation-depth"),
        (("--out", "x.gif"), "--out x.gif: must end in .svg, .png, .pdf"),
        (("--what", "trajectory"), "no label is known to draw it on"),
    ],
)
def test_what_cannot_be_drawn_is_said_in_one_line(run, capsys, options, said):
    assert main(["plot", str(run), *options]) == 2
    assert said in capsys.readouterr().err


def test_the_memory_of_a_process_is_not_told_where_nobody_says_it(monkeypatch):
    from naibu.memory import peak_memory

    assert (peak_memory() or 0) > 10
    monkeypatch.setitem(sys.modules, "resource", None)
    assert peak_memory() is None
