"""Python by its indentation: worked cases, every block of real files against Python's parser, awkward files."""

from __future__ import annotations

import ast
import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from naibu.data import OPEN, builtin, detect, open_corpus
from naibu.data.forms import FORMS
from naibu.data.python_indentation import HEADERS, read_trees
from naibu.data.typed import read_typed
from naibu.errors import CorpusError, OptionError

SOURCE = '''import os
NAMES = {1: 2}
@decorated
def f(a, b=f"x{a}"):
    """A docstring of more than twenty characters."""
    if a: return 1  # no block: one line
    if a > b:
        for i in (
            1, 2):
            pass

    # a comment, and a tab in place of eight blanks
    else:
\treturn 12345678901234567890123
class A: pass
async def g():
    'short'
if x:
    y
else:
    z
'''

EMAIL = builtin.folder() / "email"


def of(source: str | bytes) -> list[str]:
    return [str(tree) for tree in read_trees(source)]


def test_worked_by_hand() -> None:
    found = [
        "def f ( a , b = <string> ) : (def <string> if a : return 1 if a > b : (if for i in ( 1 , 2 ) : (for pass))"
        " else : (else return <number>))",
        "async def g ( ) : (def 'short')",
        "if x : (if y)",
        "else : (else z)",
    ]
    assert of(SOURCE) == found
    assert of(SOURCE.encode()) == found
    assert of(SOURCE.rstrip("\n")) == found
    assert of(SOURCE.replace("\n", "\r\n")) == found
    assert of("x = 1\nclass A: pass\n") == []


BLOCKS = st.recursive(
    st.just([]),
    lambda inner: st.lists(st.tuples(st.sampled_from(sorted(HEADERS)), inner), min_size=1, max_size=3),
    max_leaves=12,
)
Blocks = list[tuple[str, "Blocks"]]


def written(blocks: Blocks, width: int, depth: int = 0) -> str:
    lines = ""
    for header, inside in blocks:
        lines += " " * depth + f"{header}:\n" + " " * (depth + width) + "s\n" + written(inside, width, depth + width)
    return lines


def wanted(blocks: Blocks) -> str:
    return "".join(f" {header} : ({header} s{wanted(inside)})" for header, inside in blocks)


@given(BLOCKS, st.integers(1, 9))
@settings(max_examples=60, deadline=None)
def test_blocks_nested_at_random(blocks: Blocks, width: int) -> None:
    assert "".join(f" {tree}" for tree in of(written(blocks, width))) == wanted(blocks)


@given(BLOCKS, st.lists(st.sampled_from(["\n", "\r", "\r\n"]), min_size=1, max_size=5))
@settings(max_examples=60, deadline=None)
def test_every_line_end_of_python_ends_a_line(blocks: Blocks, ends: list[str]) -> None:
    lines = written(blocks, 4).splitlines()
    source = "".join(line + ends[number % len(ends)] for number, line in enumerate(lines))
    assert "".join(f" {tree}" for tree in of(source)) == wanted(blocks)
    assert of(source.encode()) == of(source)


@pytest.mark.parametrize(
    "source",
    [
        "def f(x):\n    if x:\r        a\n    while x:\n        b\n",
        "# a comment\rdef f():\r    a\r",
        "x = 1\rdef f():\r    a\r",
        "x\rclass A:\r    def f(): pass\r    x = (1,\r2)\r",
        "if x:\r\r\n    '''a\rb'''\r\r\n    c + \\\r        d\r",
        "# first\r# coding: latin-1\rdef f():\r    return 'é'\r",
    ],
)
def test_a_lone_carriage_return_ends_a_line_as_for_the_parser(source: str) -> None:
    data = source.encode("latin-1" if "latin" in source else "utf-8")
    plain = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    assert ast.dump(ast.parse(data)) == ast.dump(ast.parse(plain))
    assert of(data) == of(plain) != []
    found = Counter(
        name for tree in read_trees(data) for kind, name in zip(tree.kinds, tree.names, strict=True) if kind == OPEN
    )
    assert found == blocks_of(plain)


def blocks_of(source: bytes) -> Counter[str]:
    """The indented blocks of a file by the word above them, as the parser sees them."""
    lines, found = source.split(b"\n"), Counter[str]()

    def count(kind: str, statements: list[ast.stmt]) -> None:
        if statements:
            first = statements[0]
            above = [first, *getattr(first, "decorator_list", [])]
            line, column = min((node.lineno, node.col_offset) for node in above)
            before = lines[line - 1][:column].strip()
            found[kind] += before in (b"", b"@")  # else on the line of the colon

    def is_elif(node: ast.If, statements: list[ast.stmt]) -> bool:
        inner = statements[0] if len(statements) == 1 else None
        return isinstance(inner, ast.If) and lines[inner.lineno - 1][inner.col_offset :].startswith(b"elif")

    for node in ast.walk(ast.parse(source)):
        kind = type(node).__name__.removeprefix("Async").lower()
        if isinstance(node, ast.If):
            count("elif" if lines[node.lineno - 1][node.col_offset :].startswith(b"elif") else "if", node.body)
            if not is_elif(node, node.orelse):
                count("else", node.orelse)
            continue
        if kind == "match":
            found["match"] += 1
        names = {"functiondef": "def", "classdef": "class", "trystar": "try", "excepthandler": "except"}
        names |= {"match_case": "case"}
        if isinstance(getattr(node, "body", None), list) and kind != "module":
            count(names.get(kind, kind), node.body)
            count("else", getattr(node, "orelse", []))
            count("finally", getattr(node, "finalbody", []))
    return +found


def test_the_standard_librarys_blocks_are_those_of_the_parser() -> None:
    """A parser of its own is another road to the same blocks."""
    chosen = [file for number, file in enumerate(builtin.open_library()) if number % 25 == 0]
    seen = Counter[str]()
    for file in chosen:
        source = file.read().replace(b"\r\n", b"\n").replace(b"\f", b" ")
        trees = list(read_trees(source, path=file.name))
        found = Counter(
            name for tree in trees for kind, name in zip(tree.kinds, tree.names, strict=True) if kind == OPEN
        )
        assert found == blocks_of(source), file.name
        seen += found
    assert {"def", "class", "if", "else", "for", "try", "except", "with", "while"} <= seen.keys()


def test_matching_and_groups_of_errors() -> None:
    source = "match x:\n  case 1:\n    y\n  case _:\n    z\ntry:\n  a\nexcept* E:\n  b\n"
    assert of(source) == [
        "match x : (match case 1 : (case y) case _ : (case z))",
        "try : (try a)",
        "except * E : (except b)",
    ]
    assert blocks_of(source.encode()) == Counter(match=1, case=2, **{"try": 1, "except": 1})


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("x = 1\n  y = 2\n", "line 2: not Python: unexpected indent"),
        ("x = lambda:\n  y = 2\n", "line 2: not Python: unexpected indent"),
        ("if x:\n    a\n  b\n", "line 3: not Python: unindent"),
        ("def f():\n  x = (\n", "not Python: .*EOF"),
        ("def f():\n  a = ?\n", "line 2: not Python"),
        (b"# coding: nothing\ndef f():\n  a\n", "not Python: unknown encoding"),
        (b"def f():\n  '\xff'\n", "not Python"),
    ],
)
def test_what_cannot_be_cut_into_blocks_is_named(source: str | bytes, says: str) -> None:
    with pytest.raises(CorpusError, match=f"a.py.*{says}"):
        list(read_trees(source, path="a.py"))


def test_it_has_to_be_asked_for() -> None:
    assert "indentation" in detect.READERS
    assert detect.of_content("def f():\n    pass\n", ".py").reader == "python"
    assert detect.choose(EMAIL, None, "tagged").reader == "python"


def test_a_package_by_its_blocks() -> None:
    corpus = open_corpus(EMAIL, reader="indentation", form="tagged")
    assert corpus.reader == "indentation"
    brackets = {symbol.strip("()") for symbol in corpus.vocabulary.symbols} - {"ST", "ED", "<unk>"}
    assert brackets <= HEADERS
    depth = corpus.test.label("depth").values
    assert depth.max() >= 4
    assert not depth[corpus.test.starts[1:] - 1].any()
    with pytest.raises(OptionError, match="reads plain text"):
        open_corpus("standard-library", reader="indentation", form="characters")


def test_folders_with_a_broken_file_and_files_without_an_extension(tmp_path: Path) -> None:
    folder = tmp_path / "code"
    folder.mkdir()
    for number in range(12):
        (folder / f"{number}.py").write_text(f"def f{number}(x):\n    if x:\n        return {number}\n" * 2)
    (folder / "broken.py").write_text("if x:\n    a\n  b\n")
    corpus = open_corpus(folder, reader="indentation", form="brackets")
    assert (corpus.counts["files"], corpus.counts["skipped_files"]) == (12, 1)
    assert corpus.test.text(0) == ["ST", "(", "(", ")", ")", "ED"]
    for path in sorted(folder.glob("*.py")):
        os.rename(path, path.with_suffix(""))
    assert open_corpus(folder, reader="indentation", form="brackets").counts["files"] == 12


@pytest.mark.parametrize("form", [form for form in FORMS if form != "characters"])
def test_typed_text_is_read_in_the_same_way(form: str) -> None:
    corpus = open_corpus(EMAIL, reader="indentation", form=form)
    typed = read_typed(
        "class A:\n    def f(self):\n        return 1\n",
        reader="indentation",
        options=corpus.options,
        vocabulary=corpus.vocabulary,
    )
    assert np.asarray(typed.label("depth").values).max() == 2
    with pytest.raises(CorpusError, match="no indented block"):
        read_typed("x = 1", reader="indentation", options=corpus.options, vocabulary=corpus.vocabulary)
