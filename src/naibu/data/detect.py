"""Which reader suits a path, and why: by content first, with the extension as a hint."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from naibu.data import files, lisp, penn, python_source
from naibu.errors import CorpusError, OptionError

READERS = ("penn", "lisp", "python", "text", "indentation")
"""The content decides between the first four; `indentation` has to be asked for."""
EXTENSIONS: dict[str, tuple[str, ...]] = {
    "penn": penn.EXTENSIONS,
    "lisp": lisp.EXTENSIONS,
    "python": python_source.EXTENSIONS,
    "text": (".txt", ".text", ".md", ".rst"),
    "indentation": python_source.EXTENSIONS,
}
_BY_EXTENSION = {extension: reader for reader in READERS[:4] for extension in EXTENSIONS[reader]}
_SAMPLE = 1 << 16
_CONLLU = re.compile(r"^\d+(?:[-.]\d+)?(?:\t[^\t\n]+){9}$", re.MULTILINE)
_NO_READER = (
    "this is CoNLL-U, a treebank of dependencies, which has no reader yet; read are treebanks in Penn brackets "
    f"({' '.join(penn.EXTENSIONS)}), Lisp, Python and plain text, and any file by its letters with --form characters"
)

_ALONE = re.compile(penn.LEAF)
_LABEL = re.compile(r"\(\s*[^\s()]*")
_WORD = re.compile(r"[^\s()]+")


class Choice(NamedTuple):
    """A reader and the reason for it, in words that can be shown."""

    reader: str
    reason: str


def choose(path: Path, reader: str | None, form: str) -> Choice:
    """The reader for a path.

    reader: one of READERS, or None to look. form: `characters` reads any file as text.
    Raises OptionError for a reader that does not exist, CorpusError for a path without a readable file.
    """
    if reader is not None:
        if reader not in READERS:
            raise OptionError(f"reader {reader!r} does not exist: choose one of {', '.join(READERS)}")
        return Choice(reader, "asked for")
    if form == "characters":
        return Choice("text", "the form characters reads any file as text")
    if not files.is_many(path):
        for file in files.open_files(path):
            return _known(_sample(file), file.extension, path)
    counts: Counter[str] = Counter()
    first: tuple[str, str] | None = None
    for file in files.open_files(path):
        counts[_BY_EXTENSION.get(file.extension, "")] += 1
        if first is None and file.extension in ("", ".conllu", *EXTENSIONS["text"]):
            first = (_sample(file, strict=False), file.extension)
    if not counts:
        raise CorpusError("holds no files", path)
    best = max(("penn", "lisp", "python"), key=lambda name: counts[name])
    # A helper script does not make source code of a folder of texts.
    if counts[best] and 10 * counts[best] >= counts["text"]:
        noun = "files are" if counts[best] > 1 else "file is"
        return Choice(best, f"{counts[best]} {noun} named {' '.join(EXTENSIONS[best])}")
    return _known(*first, path) if first else Choice("text", "no file has a name of treebank or source code")


def _known(beginning: str, extension: str, path: Path) -> Choice:
    """The reader for the beginning of a file's text. Raises CorpusError for a kind that has none yet."""
    if extension == ".conllu" or len(_CONLLU.findall(beginning[:4096])) > 1:
        raise CorpusError(_NO_READER, path)
    return of_content(beginning, extension)


def of_content(beginning: str, extension: str) -> Choice:
    """The reader for the beginning of a file's text."""
    hint = _BY_EXTENSION.get(extension)
    begin = beginning.lstrip()
    if hint in ("python", "lisp"):
        return Choice(hint, f"the name ends in {extension}")
    if begin.startswith("("):
        alone = len(_ALONE.findall(beginning))
        loose = len(_WORD.findall(_LABEL.sub(" ", _ALONE.sub(" ", beginning))))
        # A few more words than leaves: the sample may end inside a leaf, and some treebanks have none.
        if alone and loose <= 1 + 0.05 * alone:
            return Choice("penn", "Penn Treebank brackets: every leaf stands alone in its bracket")
        if loose <= 1:
            return Choice("penn", "Penn Treebank brackets: no words beside the categories")
        # Prose may begin with a bracket too, but has few.
        if hint != "penn" and beginning.count("(") > 0.1 * loose:
            return Choice("lisp", "S-expressions: it begins with a bracket, and several words share one")
    if hint == "penn":
        return Choice("penn", f"Penn Treebank brackets: the name ends in {extension}")
    if re.match(r"(?:;|#\|)", begin) and re.search(r"^\(", beginning, re.MULTILINE):
        return Choice("lisp", "S-expressions: a comment, then lines that begin with a bracket")
    if re.search(r"^[ \t]*(?:async )?def \w+\(", beginning, re.MULTILINE) and _parses(beginning):
        return Choice("python", "Python: it has function definitions and Python's parser reads it")
    return Choice("text", "plain text: neither treebank, S-expressions nor Python")


def _parses(beginning: str) -> bool:
    lines = beginning.split("\n")
    # A sample that was cut ends anywhere: the last block before a line at the margin is whole.
    if len(beginning) >= _SAMPLE:
        margin = [number for number, line in enumerate(lines) if re.match(r"(?:async )?def |class |@", line)]
        lines = lines[: margin[-1]] if margin else lines
    try:
        python_source.parsed("\n".join(lines))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _sample(file: files.SourceFile, *, strict: bool = True) -> str:
    data = file.read()
    if files.is_binary(data) and strict:
        raise CorpusError("a binary file (or UTF-16), not text in UTF-8", file.name)
    return sample(data)


def sample(data: bytes) -> str:
    """The beginning of a file as text, whatever its encoding."""
    return files.with_line_ends(data[:_SAMPLE].decode("utf-8", "replace").lstrip("\ufeff"))
