"""What turns drawings into what a network reads, and back: centre, scale, noise, classes; kept in the run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from hashlib import blake2b
from pathlib import Path

import numpy as np

from naibu.data.examples import Array
from naibu.data.strokes.drawings import Drawing
from naibu.errors import CorpusError, OptionError
from naibu.storage import MALFORMED, damaged, read_json, write_json

FILE = "strokes.json"
HALF = 0.5
"""Half of the distance between whole numbers."""


@dataclass(frozen=True)
class StrokeCoder:
    """How drawings are read: offsets as (offset - centre) / scale, `(dx, dy)` each, in the data's units.

    noise: offsets are whole numbers, and are read with uniform noise from -noise up to noise added, without which a
    density of them has no bound; 0 where they are not. label, classes: what says of which class a drawing is, and the
    classes; None and none where the network is not told. learnt: what stands for each drawing of training, to say
    which occur there too.
    """

    centre: tuple[float, float]
    scale: tuple[float, float]
    noise: float
    label: str | None = None
    classes: tuple[str, ...] = ()
    learnt: tuple[int, ...] = ()

    def read(self, offsets: Array) -> Array:
        """Return offsets `[... 2]` as a network reads them."""
        found: Array = (offsets - np.array(self.centre)) / np.array(self.scale)
        return found

    def written(self, z: Array) -> Array:
        """Return offsets `[... 2]` in the data's units of what a network tells; whole numbers where the data are."""
        found: Array = z * np.array(self.scale) + np.array(self.centre)
        return np.rint(found) if self.noise else found

    def codes(self, drawings: Sequence[Drawing]) -> Array | None:
        """Return the class of each drawing, int32 [drawing], None where no class is read.

        Raises CorpusError for a drawing of no class that was learnt.
        """
        if self.label is None:
            return None
        known = {name: code for code, name in enumerate(self.classes)}
        for each in drawings:
            said = each.labels.get(self.label)
            if said is None:
                raise CorpusError(f"a drawing says no {self.label}, which the network is told", each.name, each.line)
            if said not in known:
                told = f"a drawing has {said!r} as {self.label}, which training had none of"
                raise CorpusError(told, each.name, each.line)
        return np.array([known[each.labels[self.label]] for each in drawings], np.int32)

    def code(self, name: str) -> int:
        """Return the code of a class that was typed. Raises OptionError with some of those there are."""
        if self.label is None:
            raise OptionError(f"--class {name}: the network was told no classes; train it with --class LABEL")
        if name not in self.classes:
            some = ", ".join(self.classes[:12]) + (", ..." if len(self.classes) > 12 else "")
            raise OptionError(f"--class {name}: training had no such {self.label}; there are {some}")
        return self.classes.index(name)

    def seen(self, drawings: Sequence[Drawing]) -> Array:
        """Return whether each drawing was learnt, point for point, bool [drawing]."""
        learnt = set(self.learnt)
        return np.array([key_of(each) in learnt for each in drawings], bool)

    def save(self, folder: Path) -> None:
        """Write `strokes.json`."""
        write_json(folder / FILE, asdict(self))

    @classmethod
    def load(cls, folder: Path) -> StrokeCoder:
        """Return the coder of a run. Raises StoredError where it is missing or damaged."""
        path, what = folder / FILE, "what reads the strokes of a run"
        found = read_json(path, what, sealed=lambda _: True)
        try:
            for name in ("centre", "scale"):
                found[name] = float(found[name][0]), float(found[name][1])
            found["learnt"] = tuple(map(int, found["learnt"]))
            of = WritingCoder if "characters" in found else cls
            return of(**{**found, "classes": tuple(found["classes"])})
        except MALFORMED as error:
            raise damaged(path, what, error) from None


@dataclass(frozen=True)
class WritingCoder(StrokeCoder):
    """The same of drawings of which a text is known, in whose characters it is read.

    text: what drawings say of themselves that is the text written. characters: those of training, in order.
    """

    text: str = "text"
    characters: str = ""

    def ids(self, text: str) -> Array:
        """Return the numbers of a text's characters, int32 [place]. Raises OptionError that names those that training
        had none of, and for a text without any."""
        known = {character: number for number, character in enumerate(self.characters)}
        unknown = "".join(dict.fromkeys(character for character in text if character not in known))
        if unknown:
            told = " ".join(repr(character) for character in unknown[:12])
            raise OptionError(f"text {text!r}: training had no {told}; it had {self.characters!r}")
        if not text:
            raise OptionError("the text is empty; there is nothing to write")
        return np.array([known[character] for character in text], np.int32)

    def texts(self, drawings: Sequence[Drawing]) -> list[Array]:
        """Return the numbers of the characters of every drawing's text.

        Raises CorpusError for a drawing without one, and for characters that training had none of.
        """
        found = []
        for each in drawings:
            if self.text not in each.labels:
                raise CorpusError(f"a drawing says no {self.text}", each.name, each.line)
            try:
                found.append(self.ids(each.labels[self.text]))
            except OptionError as error:
                raise CorpusError(str(error), each.name, each.line) from None
        return found


def written(coder: StrokeCoder, drawings: Sequence[Drawing], text: str, where: str | Path) -> WritingCoder:
    """Return a coder with the characters of drawings that are learnt. Raises OptionError where none says its text."""
    characters = sorted({character for each in drawings for character in each.labels.get(text, "")})
    if not characters:
        known = ", ".join(sorted({name for each in drawings for name in each.labels})) or "nothing"
        raise OptionError(f"--text {text}: no drawing of {where} says so; what drawings say of them is {known}")
    plain = {each.name: getattr(coder, each.name) for each in fields(coder)}
    return WritingCoder(**plain, text=text, characters="".join(characters))


def fitted(drawings: Sequence[Drawing], label: str | None, where: str | Path) -> StrokeCoder:
    """Return the coder of drawings that are learnt. Raises CorpusError where one of the offsets never changes.

    `where` is the file that an error names.
    """
    offsets = np.concatenate([each.points[:, :2] for each in drawings])
    for name, column in zip(("dx", "dy"), offsets.T, strict=True):
        if column.min() == column.max():
            raise CorpusError(f"{name} is always {column[0]:g}; there is nothing to learn", where)
    noise = HALF if bool((offsets == np.rint(offsets)).all()) else 0.0
    classes = () if label is None else tuple(sorted({each.labels[label] for each in drawings if label in each.labels}))
    if label is not None and len(classes) < 2:
        known = ", ".join(sorted({name for each in drawings for name in each.labels})) or "nothing"
        raise OptionError(f"--class {label}: at least two different are needed; what drawings say of them is {known}")
    centre, scale = offsets.mean(0).tolist(), np.sqrt(offsets.var(0) + noise**2 / 3).tolist()
    learnt = tuple(map(key_of, drawings))
    return StrokeCoder((centre[0], centre[1]), (scale[0], scale[1]), noise, label, classes, learnt)


def key_of(drawing: Drawing) -> int:
    """Return what stands for the points of a drawing: equal ones have equal numbers, others hardly ever."""
    points = drawing.points + 0.0  # -0 is 0
    points[-1, 2] = 1
    return int.from_bytes(blake2b(points.tobytes(), digest_size=8).digest(), "little")
