"""The documents: their examples run as they stand, and what they promise exists."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import naibu
from naibu.cli import main
from naibu.looking.subject import README
from naibu.probes.result import PLOTS
from random_trees import sentences
from scribbles import scribbles
from series_tables import hourly

ROOT = Path(__file__).parents[1]
EXAMPLES = [path for path in (ROOT / "docs").glob("*.md") if "import naibu" in path.read_text(encoding="utf-8")]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_the_examples_of_a_document_run_as_they_stand(path, tmp_path, monkeypatch):
    (tmp_path / "treebank.mrg").write_text(sentences(60))
    (tmp_path / "novel.txt").write_text("The cat sat on the mat; it was so, and so it goes.\n" * 300)
    for name in ("train", "dev", "test"):
        lines = [f"so {number} it goes" for number in range(len(name), 60)]
        (tmp_path / f"{name}.en").write_text("".join(f"{line}\n" for line in lines))
        (tmp_path / f"{name}.ja").write_text("".join(f"{line[::-1]}\n" for line in lines))
    (tmp_path / "traffic.csv").write_text(hourly(1200))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sketches.jsonl").write_text(scribbles())
    code = "\n".join(re.findall(r"```python\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL))
    exec(compile(code, str(path), "exec"), {"__name__": path.stem})


def test_public_names_are_there_and_none_is_missing_from_the_list():
    for name in naibu.__all__:
        assert getattr(naibu, name) is not None
    assert set(naibu.__all__) <= set(dir(naibu))
    with pytest.raises(AttributeError, match="no attribute 'recrod'"):
        _ = naibu.recrod


def test_no_module_hides_a_function():
    """Once every module has been imported, each command still has the function of its name."""
    names = ("train", "record", "probe", "intervene", "report", "look", "open_trees")
    code = (
        "import importlib, pkgutil, naibu\n"
        "for module in pkgutil.walk_packages(naibu.__path__, 'naibu.'):\n"
        "    if not module.name.endswith('__main__'):\n"
        "        importlib.import_module(module.name)\n"
        f"print([name for name in {names} if not callable(getattr(naibu, name))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


def test_importing_naibu_loads_nothing_heavy():
    heavy = ("torch", "numpy", "sklearn", "matplotlib", "numba")
    code = f"import sys, naibu; print([m for m in {heavy} if m in sys.modules])"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )


def test_the_readme_names_both_commands_and_every_document():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "make look" in readme
    assert "make test" in readme
    for path in (ROOT / "docs").glob("*.md"):
        assert f"docs/{path.name}" in readme
    assert len(readme.splitlines()) <= 150
    kept = json.loads((ROOT / "docs" / "standard-library.json").read_text(encoding="utf-8"))
    assert {name: kept[name] for name in README} == README
    assert " ".join(kept["finding"].split()) in " ".join(readme.replace("> ", "").split())


@pytest.mark.parametrize("path", [ROOT / "README.md", *(ROOT / "docs").glob("*.md")], ids=lambda path: path.name)
def test_every_link_inside_the_documents_leads_somewhere(path):
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        target, _, anchor = link.partition("#")
        there = path.parent / target if target else path
        assert there.exists(), link
        if anchor:
            heads = re.findall(r"^#+ (.+)$", there.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}, link


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    """Return the pages that the site makes from the program itself."""
    sys.path.insert(0, str(ROOT / "docs" / "made"))
    try:
        return importlib.import_module("pages").pages()
    finally:
        sys.path.pop(0)


def test_the_site_has_every_command_as_it_says_itself(made, monkeypatch):
    told = dict(re.findall(r"^## (naibu[^\n]*)\n\n```text\n(.*?)\n```", made["commands.md"], re.MULTILINE | re.DOTALL))
    assert {"naibu", "naibu look trees", "naibu papers hochreiter1997", "naibu plot"} <= set(told)
    monkeypatch.setenv("COLUMNS", "80")
    for words in (["record"], ["look", "trees"], ["papers"]):
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            assert main([*words, "--help-all"]) == 0
        assert (
            told[" ".join(["naibu", *words])]
            == "\n".join(line.rstrip() for line in output.getvalue().splitlines()).strip()
        )


def test_the_site_has_every_public_name_and_every_made_page_in_its_menu(made):
    told = re.findall(r"heading: (.+)|^## (.+)", "\n".join(made[page] for page in made if "/" in page), re.MULTILINE)
    headings = {name for each in told for name in (each[0] or each[1]).split(", ")}
    for name in naibu.__all__:
        assert f"naibu.{name}" in headings or f"reference/{name}.md" in made or name == "papers", name
    assert {"naibu.probes.regression", "naibu.probes.compare_brackets", "naibu.data.OPEN"} <= headings
    menu = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    for page in [*made, *(path.name for path in (ROOT / "docs").glob("*.md"))]:
        assert f": {page}\n" in menu, page


def test_the_gallery_has_every_plot():
    text = (ROOT / "docs" / "gallery.md").read_text(encoding="utf-8")
    functions = [
        getattr(getattr(naibu, room), name) for room, name in re.findall(r"`(probes|interventions)\.(\w+)\(", text)
    ]
    assert {each.__annotations__["return"] for each in (*functions, naibu.intervene)} >= set(PLOTS)
    assert "--what trajectory" in text


@pytest.fixture
def figures(monkeypatch):
    """Return what measures the figures of documents anew."""
    monkeypatch.syspath_prepend(str(ROOT / "docs" / "made"))
    return importlib.import_module("figures")


def test_every_command_behind_a_figure_can_be_typed(figures):
    rows = [row for page in (ROOT / "docs").glob("*.md") for row in figures.rows(page.read_text(encoding="utf-8"))]
    assert len(rows) > 10
    told: dict[tuple[str, ...], str] = {}
    for words in (command.split() for row in rows for command in row.commands):
        if words[0] == "python":
            assert (ROOT / words[1]).is_file(), words
            continue
        assert not {"RUN", "FILE", "FILES", "N"} & set(words), f"{words}: names no run or file"
        nouns = words[1:3] if words[1] in ("train", "bench", "vectors", "papers") else words[1:2]
        nouns = [word for word in nouns if not word.startswith("-")]
        if tuple(nouns) not in told:
            output = io.StringIO()
            with contextlib.redirect_stdout(output):
                assert main([*nouns, "--help-all"]) == 0
            told[tuple(nouns)] = output.getvalue()
        for option in (word for word in words if word.startswith("--")):
            assert option in told[tuple(nouns)], f"{words}: {option}"


def test_the_figures_of_a_task_are_measured_once_and_shown_beside_those_stated(figures, tmp_path, capfd, monkeypatch):
    corpora, docs, folder = tmp_path / "data", tmp_path / "docs", tmp_path / "figures"
    (corpora / "few").mkdir(parents=True)
    (corpora / "few" / "counts.txt").write_text("a b a b\n")
    docs.mkdir()
    commands = "`naibu --version`, `naibu no-such`, `python examples/pen_digits.py counts.txt`"
    row = f"| what | figure | command |\n|---|---|---|\n| the version | 9.9 | {commands} |\n"
    (docs / "toy.md").write_text(f"# Toy\n\n| x | `naibu never` | `naibu never` |\n\n## Measured\n\n{row}")
    monkeypatch.setenv("NAIBU_DATA", str(corpora))
    assert figures.main("toy", folder, docs) == 1
    page = (folder / "figures.md").read_text()
    assert "toy.md states: 9.9" in page
    assert naibu.__version__ in page
    assert "failed: exit status 2" in page
    assert "never" not in page
    assert "0 digits of 30 writers" in page
    assert (folder / "counts.txt").read_text() == "a b a b\n"
    capfd.readouterr()
    figures.main("toy", folder, docs)
    assert capfd.readouterr().out.count("$ naibu") == 1, "what went well is not run again"
    assert figures.main("toys", folder, docs) == 2
