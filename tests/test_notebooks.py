"""The notebooks run from top to bottom, show what they end their cells with, and hold nothing of a machine."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pytest

NOTEBOOKS = sorted((Path(__file__).parents[1] / "examples").glob("*.ipynb"))


def cells(path: Path, kind: str) -> list[str]:
    return ["".join(cell["source"]) for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == kind]


def shown(code: str, names: dict[str, Any]) -> Any:
    """Run a cell and return what a notebook shows below it."""
    body = ast.parse(code).body
    last = body.pop() if isinstance(body[-1], ast.Expr) else None
    exec(compile(ast.Module(body, []), "cell", "exec", dont_inherit=True), names)
    if not isinstance(last, ast.Expr):
        return None
    found = eval(compile(ast.Expression(last.value), "cell", "eval", dont_inherit=True), names)
    for form in ("_repr_html_", "_repr_svg_"):
        if hasattr(found, form):
            assert getattr(found, form)()
    return found


def run(path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.chdir(folder)
    with mpl.rc_context({"backend": "agg"}):
        import matplotlib.pyplot as plt

        names: dict[str, Any] = {"__name__": "__main__"}
        for code in cells(path, "code"):
            shown(code, names)
        plt.close("all")
    return names


def test_an_hour_in_class_finds_the_counting_unit_and_the_network_needs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = run(next(path for path in NOTEBOOKS if "class" in path.name), tmp_path, monkeypatch)
    assert abs(names["best"].pearson.test.value) > 0.98
    effects = names["held"].effects
    before, held = effects[0].end_recall.test.value, effects[1].end_recall.test.value
    others = [effect.end_recall.test.value for effect in effects if effect.kind == "random"]
    assert before > 0.9
    assert held < 0.9 * min(others)


def test_your_own_lstm_is_watched_reported_and_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = run(next(path for path in NOTEBOOKS if "own" in path.name), tmp_path, monkeypatch)
    assert names["seen"].calls == 120
    assert abs(names["label"]["signals"]["cell"]["r"]) > 0.8
    assert (tmp_path / "page.html").exists()
    assert (tmp_path / "seen.csv").exists()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_kept_without_outputs_or_paths_and_every_code_cell_is_introduced(path: Path) -> None:
    whole = json.loads(path.read_text())
    assert all(not cell["outputs"] and cell["execution_count"] is None for cell in whole["cells"] if "outputs" in cell)
    assert not any(word in path.read_text() for word in ("/home", "/work", "/root", "/tmp"))
    assert len(cells(path, "markdown")) >= len(cells(path, "code")) // 2
    assert len({cell["id"] for cell in whole["cells"]}) == len(whole["cells"])
