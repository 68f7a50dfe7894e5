"""A corpus opened: the door between files and networks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from naibu.data import builtin, detect, text
from naibu.data.categories import Category, choose_category, frequent_categories
from naibu.data.events import Array, Events, join
from naibu.data.examples import Column, Data
from naibu.data.forms import FORMS, Form, form_named
from naibu.data.labels import read_labels
from naibu.data.measures import fingerprint, form_lengths, keys_of, seen_in_training, unknown_share
from naibu.data.reading import is_builtin, read_events
from naibu.data.sequences import Sequences, Source
from naibu.data.split import Split, split
from naibu.data.typed import TreeCoder
from naibu.data.vocabulary import Vocabulary, build, numbered
from naibu.errors import CorpusError, OptionError

LONGEST = {"penn": 0, "lisp": 300, "python": 300, "indentation": 300}
FEWEST = 10
DEPTHS = ("depth", "bracket_depth", "line_position")
"""What a depth is, by order of preference: of trees, of brackets in plain text, of a line."""
_SUFFIXES = frozenset(
    (
        ".gz",
        ".tar",
        ".tgz",
        ".zip",
        *(extension for known in detect.EXTENSIONS.values() for extension in known),
    )
)


@dataclass(frozen=True)
class Corpus(Data):
    """What was found behind a path, in one form, numbered and divided; the data of the task `trees`.

    name: of the file or folder. reader: one of detect.READERS, and reader_reason why.
    seen: bool [test sequence], whether its symbols, before rare ones become `<unk>`, also occur in training;
    seen_share their share. unknown_share: the share of test symbols that became `<unk>`.
    category: the phrase that probes ask about, None without trees; inside_share: the share of training tokens
    inside it. split_by: "document", "sentence" or "file". counts: files, sentences, symbols, what was skipped.
    """

    reader: str
    reader_reason: str
    form: str
    vocabulary: Vocabulary
    train: Sequences
    validation: Sequences
    test: Sequences
    seen: Array
    seen_share: float
    unknown_share: float
    category: str | None
    inside_share: float | None
    split_by: str
    counts: dict[str, int]
    skipped_files: tuple[str, ...] = ()

    def __repr__(self) -> str:
        parts = ", ".join(f"{len(getattr(self, part)):,} {part}" for part in ("train", "validation", "test"))
        return f"Corpus({self.name}, form {self.form}, {len(self.vocabulary):,} symbols; sequences: {parts})"

    @property
    def facts(self) -> dict[str, Any]:
        """The form and the reader that were chosen, the phrase, and what was counted."""
        shares = {name: getattr(self, name) for name in ("inside_share", "seen_share", "unknown_share")}
        return {"form": self.form, "reader": self.reader, "category": self.category, **shares, "counts": self.counts}

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbols of the vocabulary."""
        return self.vocabulary.symbols

    def with_symbols(self, symbols: tuple[str, ...]) -> Corpus:
        """Return the corpus numbered by other symbols; see `Data.with_symbols`."""
        if symbols == self.symbols:
            return self
        before = self.train.source
        known, numbers = numbered(symbols, before.form, before.events.table)
        source = Source(before.events, before.form, known, numbers, before.categories)
        parts = {name: getattr(self, name).numbered_by(source) for name in ("train", "validation", "test")}
        for part in parts.values():
            if (part.ids < 0).any():
                symbol = before.form.spell(int(part.keys[part.ids < 0][0]), before.events.table)
                raise OptionError(
                    f"{self.name}: the symbol {symbol!r} is not among those given, and has no unknown one"
                )
        found = replace(
            self,
            **parts,
            vocabulary=known,
            sizes={"input": len(known)},
            coder=TreeCoder(known, self.reader, self.options),
            unknown_share=unknown_share(parts["test"], source),
            counts={**self.counts, "vocabulary": len(known)},
        )
        return replace(found, found=list(_described(found)))

    def example(self) -> str:
        """Return a short test sequence, its symbols separated by spaces."""
        short = min(range(min(len(self.test), 500)), key=lambda s: abs(int(self.test.lengths[s]) - 24))
        return " ".join(self.test[short].symbols[:60])

    def describe(self) -> list[tuple[str, str]]:
        """What was found, as rows of a name and a text for people to read."""
        return self.found


def open_corpus(
    path: str | Path,
    *,
    form: str = "tagged",
    test: str | Path | None = None,
    reader: str | None = None,
    category: str | None = None,
    vocabulary: int = 10_000,
    longest: int | None = None,
    seed: int = 1,
    function_tags: bool = False,
    traces: bool = False,
    labels: str | Path | None = None,
) -> Corpus:
    """The corpus behind a path: read, divided into training, validation and test, and numbered.

    path: a file, folder or archive (.gz, .tar.gz, .tgz, .zip) of treebank, source code or text, or the
        built-in `standard-library`.
    form: one of FORMS. test: a file that is the test part; without one, 10 % of the documents or sentences.
    reader: "penn", "lisp", "python", "text" or "indentation" (Python by its blocks); without one the content decides.
    category: the phrase to probe; without one VP, or else the one that about half of the tokens lie inside.
    vocabulary: the most symbols, counted in training only; the others become `<unk>`.
    longest: leave out longer sequences (300 symbols for source code, no limit for treebanks) or, in text, the
        length of a passage (1,000 characters or 400 words); 0 for no limit.
    seed: of the split. function_tags, traces: keep them in treebanks. labels: a file of columns, see labels.py.

    Raises CorpusError for files that cannot be used, OptionError for options that cannot.
    """
    path = Path(path)
    if form not in FORMS:
        raise OptionError(f"form {form!r} does not exist: choose one of {', '.join(FORMS)}")
    chosen = _of_builtin(reader, form) if is_builtin(path) else detect.choose(path, reader, form)
    shape = form_named(form, trees=chosen.reader != "text")
    longest = _longest(longest, chosen.reader, form)
    if category is not None and not shape.trees:
        raise OptionError(f"category {category!r} needs trees and this corpus is plain text: leave the category out")
    if seed < 0:
        raise OptionError(f"seed {seed} is negative: give 0 or more")
    options = {
        "corpus": builtin.NAME if is_builtin(path) else str(path.resolve()),
        "form": form,
        "test": None if test is None else str(Path(test).resolve()),
        "reader": reader,
        "category": category,
        "vocabulary": vocabulary,
        "longest": longest,
        "split_seed": seed,
        "function_tags": function_tags,
        "traces": traces,
        "labels": None if labels is None else str(Path(labels).resolve()),
    }
    events, test_from = _read(path, test, chosen.reader, options)
    return _opened(_name(path), chosen, events, test_from, shape, options)


def _of_builtin(reader: str | None, form: str) -> detect.Choice:
    if reader not in (None, "python", "text", "indentation"):
        raise OptionError(f"reader {reader!r} does not suit {builtin.NAME}, which is Python: leave the reader out")
    if reader == "text" or (reader is None and form == "characters"):
        return detect.Choice("text", "built in, read as text")
    if reader == "indentation":
        return detect.Choice("indentation", "built in, asked for")
    return detect.Choice("python", "built in")


def _opened(
    name: str,
    choice: detect.Choice,
    events: Events,
    test_from: int | None,
    form: Form,
    options: dict[str, Any],
) -> Corpus:
    path = options["corpus"]
    _enough(len(events), test_from, path, form)
    parts = split(events, options["split_seed"], test_from)
    lengths = form_lengths(events, form)
    fits = np.ones(len(events), bool) if not form.trees or not options["longest"] else lengths <= options["longest"]
    train, validation, test = (part[fits[part]] for part in parts[:3])
    parts = Split(train, validation, test, parts.by)
    _none_empty(parts, int((~fits).sum()), path, options["longest"])
    _hold_words(parts, events, form, path)

    categories = frequent_categories(events) if form.trees else np.zeros(0, np.int64)
    keys = keys_of(events, parts.train, form)
    known, numbers = build(keys, form, events.table, options["vocabulary"])
    source = Source(events, form, known, numbers, categories)
    own = _own_labels(source, options["labels"])
    training, validating, testing = (_part(source, sentences, own) for sentences in parts[:3])

    asked = choose_category(training, events, form, categories, options["category"]) if form.trees else None
    seen = seen_in_training(training, testing)
    unknown = unknown_share(testing, source)
    counts = {
        "files": len(events.document_names),
        "sentences": int(fits.sum()),
        "symbols": int(lengths[fits].sum()),
        "vocabulary": len(known),
        "different_symbols": len(np.unique(keys_of(events, np.flatnonzero(fits), form))),
        "skipped_files": len(events.skipped_files),
        "too_long": int((~fits).sum()),
        "empties": events.left_out.get("empties", 0),
        "failed_parses": events.left_out.get("failed_parses", 0),
    }
    category = asked or Category(None, None)
    asks = () if category.name is None else (f"depth:{category.name}", f"inside:{category.name}")
    corpus = Corpus(
        name=name,
        task="trees",
        options=options,
        train=training,
        validation=validating,
        test=Sequences(source, testing.sentences, testing.own, seen),
        sizes={"input": len(known)},
        coder=TreeCoder(known, choice.reader, options),
        asks=(*(name for name in DEPTHS if name in testing.label_names), *asks),
        fingerprint=fingerprint(events, options, own),
        found=[],
        reader=choice.reader,
        reader_reason=choice.reason,
        form=form.name,
        vocabulary=known,
        seen=seen,
        seen_share=float(seen.mean()),
        unknown_share=unknown,
        category=category.name,
        inside_share=category.inside_share,
        split_by=parts.by,
        counts=counts,
        skipped_files=events.skipped_files,
    )
    return replace(corpus, found=list(_described(corpus)))


def _described(corpus: Corpus) -> Iterator[tuple[str, str]]:
    count = corpus.counts
    parts = (("train", corpus.train), ("validation", corpus.validation), ("test", corpus.test))
    unit = "passage" if corpus.reader == "text" else "sentence"
    different = f"the corpus has {count['different_symbols']:,} different ones"
    yield "corpus", corpus.name
    yield "reader", f"{corpus.reader} ({corpus.reader_reason})"
    yield "form", corpus.form
    yield "files", f"{count['files']:,}"
    yield f"{unit}s", f"{count['sentences']:,}"
    yield "symbols", f"{count['symbols']:,}"
    yield "vocabulary", f"{len(corpus.vocabulary):,} symbols; {different}"
    by = unit if corpus.split_by == "sentence" else corpus.split_by
    yield f"split by {by}", ", ".join(f"{len(part):,} {name}" for name, part in parts)
    yield "test sequences also in training", f"{100 * corpus.seen_share:.1f} %"
    yield "test symbols unknown", f"{100 * corpus.unknown_share:.1f} %"
    if count["too_long"]:
        yield "left out", f"{count['too_long']:,} longer than {corpus.options['longest']} symbols"
    if count["empties"]:
        yield "empty elements dropped", f"{count['empties']:,}; --traces keeps them"
    if count["failed_parses"]:
        yield "failed parses", f"{count['failed_parses']:,} without any label or word, no sentences"
    if count["skipped_files"]:
        yield "files skipped", f"{count['skipped_files']:,} that cannot be read, the first: {corpus.skipped_files[0]}"
    if corpus.category is not None and corpus.inside_share is not None:
        share = f"{corpus.category} ({100 * corpus.inside_share:.0f} % of training symbols are inside)"
        yield "category probed", share


def _read(path: Path, test: str | Path | None, reader: str, options: Mapping[str, Any]) -> tuple[Events, int | None]:
    """All sentences, and from which one on they are the user's test file."""
    chosen = {name: options[name] for name in ("form", "longest", "function_tags", "traces")}
    events = read_events(path, reader, **chosen)
    if test is None:
        return events, None
    return join(events, read_events(Path(test), reader, **chosen)), len(events)


def _name(path: Path) -> str:
    name = path.name or path.resolve().name
    while path.is_file() and Path(name).suffix.lower() in _SUFFIXES:
        name = Path(name).stem
    return name


def _longest(longest: int | None, reader: str, form: str) -> int:
    if longest is None:
        return text.LONGEST[form] if reader == "text" else LONGEST[reader]
    if longest < 0:
        raise OptionError(f"longest {longest} is negative: give a number of symbols, or 0 for no limit")
    return longest


def _enough(sentences: int, test_from: int | None, path: str, form: Form) -> None:
    usable = sentences if test_from is None else test_from
    needed = FEWEST if test_from is None else 2
    if usable < needed:
        noun = "sequence" if usable == 1 else "sequences"
        verb = "is" if usable == 1 else "are"
        hint = "" if test_from is not None else ", or a test file of its own (--test FILE) and at least 2"
        hint += "" if form.trees else "; shorter passages (--longest) are more"
        raise CorpusError(f"{usable} {noun} {verb} too few to split: at least {needed} are needed{hint}", path)


def _none_empty(parts: Split, left_out: int, path: str, longest: int) -> None:
    for name, part in zip(("training", "validation", "test"), parts[:3], strict=True):
        if not len(part):
            reason = f"{left_out} sequences longer than {longest} symbols were left out" if left_out else "too few"
            raise CorpusError(f"no {name} sequence remains: {reason}; raise --longest or give more text", path)


def _hold_words(parts: Split, events: Events, form: Form, path: str) -> None:
    """Refuse a form with words for trees that have categories alone, or words in brackets of their own."""
    if not (form.trees and form.words):
        return
    words = form_lengths(events, Form("words")) - 2  # ST and ED
    for name, part in zip(("training", "validation", "test"), parts[:3], strict=True):
        if not words[part].any():
            what = f"form {form.name!r} shows words and the {name} trees hold none"
            raise CorpusError(f"{what}, as `(NN dog)` holds dog; choose 'brackets' or 'tagged'", path)


def _own_labels(source: Source, path: str | None) -> dict[str, Column]:
    if path is None:
        return {}
    return read_labels(path, Sequences(source, np.arange(len(source.events))))


def _part(source: Source, sentences: Array, own: dict[str, Column]) -> Sequences:
    return (
        Sequences(source, np.arange(len(source.events)), own).subset(sentences) if own else Sequences(source, sentences)
    )
