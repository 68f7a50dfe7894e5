"""Drawings opened: read, divided into training, validation and test, scaled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from naibu.data.examples import Data
from naibu.data.parts import drawn, share_of
from naibu.data.strokes.coder import StrokeCoder, WritingCoder, fitted, key_of, written
from naibu.data.strokes.drawings import Drawing
from naibu.data.strokes.examples import Strokes, StrokeSource
from naibu.data.strokes.lettering import TEXT, lettered
from naibu.data.strokes.reading import Read, read_drawings
from naibu.data.strokes.written import Texts, Written
from naibu.errors import CorpusError, OptionError
from naibu.storage import digest_of

FEWEST = 3
"""Drawings at least: one to learn from, one that is held out, and one more."""
VALIDATION, TEST = 0.05, 0.1


@dataclass(frozen=True, repr=False)
class StrokeData(Data):
    """Drawings in three parts; the data of the task `strokes`."""

    train: Strokes
    validation: Strokes
    test: Strokes
    coder: StrokeCoder


def open_strokes(
    files: str | Path | Sequence[str | Path],
    *,
    class_: str | None = None,
    text: str | None = None,
    words: str | Path | None = None,
    font: str | Sequence[str] = (),
    validation: str | Path | float = VALIDATION,
    test: str | Path | float = TEST,
    seed: int = 1,
) -> StrokeData:
    """Return drawings in three parts; the arguments are the options of `naibu train strokes`.

    files: files, folders or archives: `.npz`, `.npy`, JSON lines, InkML, SVG, Hershey's `.jhf`. class_: what drawings
    say of themselves and the network is told: "character". text: what they say of themselves that is the text written.
    words: a file of text, of which one to three words at a time are set in the fonts (`.jhf`) that the files hold, or
    in those that `font` names, and learnt in place of single glyphs; they say their `text` and `font`. validation,
    test: a file, or a share of the drawings, whole ones, drawn at random by `seed`. A drawing that comes again, point
    for point, is learnt once and never in two parts; a test file is scored as it is, and what is in it is not learnt.

    Raises CorpusError for files that cannot be used, with the line, OptionError for options that cannot.
    """
    paths = [Path(each) for each in ([files] if isinstance(files, str | Path) else files)]
    if not paths:
        raise OptionError("no file is named: give files, a folder or an archive")
    shares = {name: share_of(value, name, "drawings") for name, value in (("test", test), ("validation", validation))}
    given = {"test": test, "validation": validation}
    others = {name: read_drawings([Path(str(given[name]))]).drawings for name, share in shares.items() if share is None}
    fonts = (font,) if isinstance(font, str) else tuple(font)
    if fonts and words is None:
        raise OptionError(f"--font {fonts[0]}: is one in which --words are set; say the words")
    if words is not None and text not in (None, TEXT):
        raise OptionError(f"--text {text}: what is set says its text as {TEXT}; leave it out beside --words")
    text = TEXT if words is not None else text
    set_ = None if words is None else lettered(paths, Path(words), fonts, seed)
    read = read_drawings(paths) if set_ is None else Read(set_.drawings, 0, 0)
    held = {key_of(each) for some in others.values() for each in some}
    once = _once(read.drawings, held)
    if len(once) < FEWEST:
        told = f"{len(once)} different drawing{'s' * (len(once) != 1)}, of which one is to be held out; give {FEWEST}"
        raise CorpusError(f"{told} at least, each with a start and an end of its own", paths[0])
    asked = [share or 0.0 for share in shares.values()]
    numbers, _ = drawn(np.arange(len(once)), np.array([len(each.points) for each in once]), asked, seed)
    parts = {name: [once[k] for k in some] for name, some in zip(("train", *shares), numbers, strict=True)} | others
    if not parts["train"] or not parts["test"]:
        raise CorpusError("no drawing is left to learn from, or for the test part; take another --test", paths[0])
    coder = fitted(parts["train"], class_, paths[0])
    if text is not None:
        coder = written(coder, parts["train"], text, paths[0])
    found = [] if set_ is None else list(set_.found)
    found += _found(read.drawings, once, held, read.empty, read.passed_over, parts, coder)
    options = {
        "files": [str(path.resolve()) for path in paths],
        "class_": class_,
        "text": text if words is None else None,
        "words": None if words is None else str(Path(words).resolve()),
        "font": list(fonts),
        "validation": _placed(validation, shares["validation"]),
        "test": _placed(test, shares["test"]),
        "split_seed": seed,
    }
    sizes = {"numbers": 3} | ({"classes": len(coder.classes)} if coder.classes else {})
    if isinstance(coder, WritingCoder):
        sizes |= {"characters": len(coder.characters)}
    said = {name: options[name] for name in ("class_", "validation", "test", "split_seed")}
    said = {name: value for name, value in said.items() if not isinstance(value, str)}
    train, check, tested = _examples(parts, coder)
    return StrokeData(
        name=paths[0].name if len(paths) == 1 else f"{paths[0].name} and {len(paths) - 1} more",
        task="strokes",
        options=options,
        train=train,
        validation=check,
        test=tested,
        sizes=sizes,
        coder=coder,
        asks=("pen_up", "direction_cosine", "direction_sine", "since_pen_up", "strokes_left"),
        fingerprint=digest_of(repr(said), train.source.points.tobytes(), train.source.starts.tobytes(), repr(coder)),
        found=found,
    )


def strokes_of(drawings: Sequence[Drawing], coder: StrokeCoder) -> Strokes:
    """Return drawings as examples, read as a coder says. The pen is lifted at the end of each, whatever it says."""
    points = np.concatenate([each.points for each in drawings])
    starts = np.concatenate([[0], np.cumsum([len(each.points) for each in drawings])]).astype(np.int64)
    points[starts[1:] - 1, 2] = 1
    source = StrokeSource(points, starts, coder, coder.codes(drawings), coder.seen(drawings))
    which = np.arange(len(drawings))
    if not isinstance(coder, WritingCoder):
        return Strokes(source, which)
    ids = coder.texts(drawings)
    begins = np.concatenate([[0], np.cumsum([len(each) for each in ids])]).astype(np.int64)
    known = [each.places for each in drawings if each.places is not None]
    places = np.concatenate(known) if len(known) == len(drawings) else None
    return Written(source, which, Texts(np.concatenate(ids), begins, places))


def _examples(parts: dict[str, list[Drawing]], coder: StrokeCoder) -> tuple[Strokes, Strokes, Strokes]:
    """Return the parts as examples of one source, end to end."""
    if coder.label is not None:  # what is held out and of no class of training cannot be told of
        known = set(coder.classes)
        parts = {name: [each for each in some if each.labels.get(coder.label) in known] for name, some in parts.items()}
        if not parts["test"]:
            raise OptionError(f"--class {coder.label}: no drawing of the test part is of a class that training has")
    if isinstance(coder, WritingCoder):  # nor what has no text, or characters that training had none of
        parts = {name: [each for each in some if _readable(each, coder)] for name, some in parts.items()}
        if not parts["test"]:
            raise OptionError(f"--text {coder.text}: no drawing of the test part has a text in training's characters")
    order = ("train", "validation", "test")
    whole = strokes_of([each for name in order for each in parts[name]], coder)
    ends = np.cumsum([len(parts[name]) for name in order])
    train, validation, test = (
        whole.subset(np.arange(end - len(parts[name]), end)) for name, end in zip(order, ends, strict=True)
    )
    return train, validation, test


def _readable(drawing: Drawing, coder: WritingCoder) -> bool:
    """Return whether a drawing has a text in a coder's characters."""
    text = drawing.labels.get(coder.text, "")
    return bool(text) and set(text) <= set(coder.characters)


def _once(drawings: Sequence[Drawing], held: set[int]) -> list[Drawing]:
    """Return different drawings, the first of equal ones, that are not among those held out."""
    found: dict[int, Drawing] = {}
    for each in drawings:
        found.setdefault(key_of(each), each)
    return [each for key, each in found.items() if key not in held]


def _placed(value: str | Path | float, share: float | None) -> str | float:
    return str(Path(value).resolve()) if share is None and not isinstance(value, float | int) else float(share or 0.0)


def _found(
    read: Sequence[Drawing],
    once: Sequence[Drawing],
    held: set[int],
    empty: int,
    over: int,
    parts: dict[str, list[Drawing]],
    coder: StrokeCoder,
) -> list[tuple[str, str]]:
    """Return what is to be said of what was found."""
    told = ", ".join(f"{len(parts[name]):,} {name}" for name in ("train", "validation", "test"))
    points = sum(len(each.points) for some in parts.values() for each in some)
    strokes = int(sum((each.points[:, 2] > 0).sum() for some in parts.values() for each in some))
    offsets = "whole numbers: uniform noise of ±0.5 is added" if coder.noise else "no whole numbers: as they are"
    found = [
        ("drawings", f"{told}; {points:,} points, {strokes:,} strokes"),
        ("offsets", offsets),
        ("unit of dx, dy", ", ".join(f"{scale:.6g}" for scale in coder.scale) + " (standard deviation in training)"),
    ]
    repeated = len(read) - len({key_of(each) for each in read})
    if repeated:
        found.append(("repeated", f"{repeated:,} drawings that came before are left out"))
    if held and (gone := len({key_of(each) for each in read} & held)):
        found.append(("in another part too", f"{gone:,} drawings, which are not learnt"))
    open_ = sum(each.points[-1, 2] == 0 for each in once)
    if open_:
        found.append(("pen down at the end", f"of {open_:,} drawings; it is taken as lifted there"))
    for name, count in (("without a point", empty), ("files that are no drawings", over)):
        if count:
            found.append((name, f"{count:,} passed over"))
    if coder.label is not None:
        unknown = sum(each.labels.get(coder.label) not in coder.classes for some in parts.values() for each in some)
        more = f"; {unknown:,} held out are of another or none, and left out" if unknown else ""
        found.append(("classes", f"{len(coder.classes):,} of {coder.label}{more}"))
    if isinstance(coder, WritingCoder):
        unread = sum(not _readable(each, coder) for some in parts.values() for each in some)
        more = f"; {unread:,} drawings have none of their own, and are left out" if unread else ""
        found.append(("characters", f"{len(coder.characters)}: {coder.characters}{more}"))
    return found
