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
def test_the_examples_of_a_document_run_as_they_stand(path, tmp_path):
    (tmp_path / "treebank.mrg").write_text(sentences(60))
    (tmp_path / "novel.txt").write_text("The cat sat on the mat; it was so, and so it goes.\n" * 300)
    for name in ("train", "dev", "test"):
        lines = [f"so {number} it goes" for number in range(len(name), 60)]
        (tmp_path / f"{name}.en").write_text("".join(f"{line}\n" for line in lines))
        (tmp_path / f"{name}.ja").write_text("".join(f"{line[::-1]}\n" for line in lines))
    (tmp_path / "traffic.csv").write_text(hourly(1200))
    (tmp_path / "sketches.jsonl").write_text(scribbles())
    code = "\n".join(re.findall(r"```python\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL))
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]


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
