"""From a path to the events of all its sentences, with what had to be skipped; read once per process."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

from naibu.data import builtin, detect, files, lisp, penn, python_indentation, python_source, text
from naibu.data.events import Events, Gatherer
from naibu.data.files import SourceFile
from naibu.data.trees import Document, Tree
from naibu.errors import CorpusError
from naibu.memory import check_memory
from naibu.progress import shown_if_long


def read_events(path: Path, reader: str, *, form: str, longest: int, function_tags: bool, traces: bool) -> Events:
    """All sentences behind a path, in reading order.

    form, longest: how text is cut into passages; trees are the same for every form and length.
    Inside folders and archives of source code, a file that cannot be used is skipped and named in
    `skipped_files`; anywhere else it raises CorpusError, as do a path without sentences and broken brackets
    of a treebank.
    """
    if not is_builtin(path) and not path.exists():
        raise CorpusError(f"there is no such file or folder (always there: {builtin.NAME})", path)
    stamp = () if is_builtin(path) else files.stamp(path)
    if reader != "text":
        form, longest = "", 0
    if reader != "penn":
        function_tags = traces = False
    return _read(path, stamp, reader, form, longest, function_tags, traces)


def is_builtin(path: Path) -> bool:
    """Whether the path means the standard library and no file of the user's."""
    return str(path) == builtin.NAME and not path.exists()


@lru_cache(maxsize=3)
def _read(path: Path, stamp: object, reader: str, form: str, longest: int, function_tags: bool, traces: bool) -> Events:
    """stamp: what changes when a file does, so that a changed file is read again."""
    if reader == "text":
        texts = ((file.name, files.text_of(file.read(), file.name)) for file in _chosen(path, reader))
        events = text.read_text(texts, form, longest)
    else:
        gatherer = Gatherer()
        lenient = reader != "penn" and (is_builtin(path) or files.is_many(path))
        for file in _chosen(path, reader):
            try:
                trees: Iterable[Tree] = _trees(file, reader, function_tags, traces, gatherer.left_out)
                # A file that breaks off later must leave nothing behind.
                gatherer.add(Document(file.name, list(trees) if lenient else trees))
            except CorpusError as error:
                if not lenient:
                    raise
                gatherer.skipped_files.append(str(error))
        events = gatherer.events()
    if not len(events):
        raise CorpusError(_nothing(reader, events), path)
    return events


def _chosen(path: Path, reader: str) -> Iterator[SourceFile]:
    """The files that the reader knows by name; all text files where it knows none."""
    if is_builtin(path):
        yield from builtin.open_library()
        return
    many = files.is_many(path)
    # A folder of source code read as text is its code, not the few notes beside it.
    known = detect.EXTENSIONS[detect.choose(path, None, "words").reader if many and reader == "text" else reader]
    there = list(files.open_files(path)) if path.is_dir() else None
    anything = many and not any(file.extension in known for file in there or files.open_files(path))
    if there is not None:
        there = [file for file in there if anything or file.extension in known]
        if not anything:
            check_memory(sum(file.size for file in there), f"{path}: reading its {len(there):,} files")
    for file in files.open_files(path) if there is None else _told(path, there):
        if not many or file.extension in known or (anything and _suits(file, reader)):
            yield file


def _told(path: Path, there: list[SourceFile]) -> Iterator[SourceFile]:
    """The files of a folder; where reading them takes long it is said how many and how large they are."""
    done, whole = 0, sum(file.size for file in there)
    title = f"{path}: reading {len(there):,} files, {whole / 1e6:,.1f} MB (Ctrl-C stops)"
    with shown_if_long(title, "bytes") as progress:
        for file in there:
            progress(done, whole, Path(file.name).name)
            yield file
            done += file.size


def _suits(file: SourceFile, reader: str) -> bool:
    data = file.read()
    if files.is_binary(data):
        return False
    found = detect.of_content(detect.sample(data), file.extension).reader
    return reader == "text" or found == ("python" if reader == "indentation" else reader)


def _trees(file: SourceFile, reader: str, function_tags: bool, traces: bool, left_out: Counter[str]) -> Iterator[Tree]:
    data = file.read()
    if reader in ("python", "indentation"):
        if files.is_binary(data):
            raise CorpusError("a binary file, not Python source", file.name)
        if reader == "indentation":
            return python_indentation.read_trees(data, path=file.name)
        return python_source.read_trees(data, path=file.name)
    if reader == "lisp":
        if files.is_binary(data):
            raise CorpusError("a binary file, not Lisp source", file.name)
        source = lisp.decode(data, file.name)
        return lisp.read_trees(source, path=file.name, dialect=lisp.DIALECTS.get(file.extension))
    source = files.text_of(data, file.name)
    return penn.read_trees(source, path=file.name, function_tags=function_tags, traces=traces, left_out=left_out)


def _nothing(reader: str, events: Events) -> str:
    what = {
        "penn": "no trees in brackets",
        "lisp": "no list at top level",
        "python": "no function definition",
        "indentation": "no indented block",
        "text": "no text",
    }[reader]
    skipped, failed = len(events.skipped_files), events.left_out.get("failed_parses", 0)
    if failed:
        return f"{what}: its {failed:,} brackets without any label or word are failed parses"
    if skipped:
        return f"{what}: {skipped} files could not be used, the first because: {events.skipped_files[0]}"
    return f"{what} was found"
