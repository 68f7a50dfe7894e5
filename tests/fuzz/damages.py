"""Damage to stored files, one at a time, and what the commands that read them make of it."""

from __future__ import annotations

import contextlib
import io
import json
import random
import shutil
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from naibu.cli import main
from naibu.recording import store
from random_trees import sentences

SMALL = ("--units", "8", "--steps", "20", "--threads", "1")
UNTOLD = ("seconds.json", "summary.json", "report.html", "look.json", ".lock")
"""Files that differ from call to call: they hold times and dates."""

READERS: dict[str, tuple[tuple[str, ...], ...]] = {
    "weights.safetensors": (("record",), ("intervene",), ("report",), ("train",), ("colour", "--unit", "3")),
    "settings.toml": (("record",), ("report",), ("train",)),
    "vocabulary.txt": (("colour", "--unit", "3", "--text", "(S (N a) (V a))"), ("record",)),
    "finished.json": (("report",), ("record",), ("train",)),
    "metrics.jsonl": (("report",), ("train",)),
    "recordings/trained/manifest.json": (("probe", "--label", "depth"), ("record",), ("report",)),
    "recordings/trained/shards/*/*.npy": (("probe", "--label", "depth"), ("record",), ("report",), ("colour",)),
    "recordings/trained/index/*": (("probe", "--label", "depth"), ("record",), ("report",), ("intervene",)),
    "recordings/untrained/*/*/*.npy": (("probe", "--label", "depth"), ("record",)),
    "results/*.json": (("report",), ("intervene",), ("look",)),
    "../summary.json": (("look",),),
    "../report.html": (("look",),),
    "../look.json": (("look",),),
    "checkpoint.safetensors": (("train",),),
}
"""What is damaged, inside the folder of a network -> the commands that read it."""
MENDS = {"record", "look", "train"}
"""Commands that go on: what they leave well has to be whole."""


def flipped(data: bytes, rng: random.Random) -> bytes:
    """One bit, anywhere."""
    place = rng.randrange(len(data))
    return data[:place] + bytes([data[place] ^ 1 << rng.randrange(8)]) + data[place + 1 :]


def zeroed(data: bytes, rng: random.Random) -> bytes:
    """A page of zeros, as a file system leaves it after a power cut."""
    size = min(len(data), 4096 if len(data) > 8192 else 64)
    place = rng.randrange(0, max(1, len(data) - size + 1))
    return data[:place] + bytes(size) + data[place + size :]


def cut(data: bytes, rng: random.Random) -> bytes:
    """The beginning of it."""
    return data[: rng.randrange(len(data))]


def doubled(data: bytes, rng: random.Random) -> bytes:
    """Written twice."""
    return data + data


def other_number(data: bytes, rng: random.Random) -> bytes:
    """One digit another: what is text stays valid."""
    digits = [place for place, byte in enumerate(data) if byte in b"0123456789"]
    if not digits:
        return flipped(data, rng)
    place = rng.choice(digits)
    return data[:place] + str((int(chr(data[place])) + rng.randint(1, 9)) % 10).encode() + data[place + 1 :]


CHANGES: tuple[Callable[[bytes, random.Random], bytes], ...] = (flipped, flipped, zeroed, cut, doubled, other_number)


@dataclass(frozen=True)
class Damage:
    """What was done to which file, and the command that read it."""

    file: str
    change: str
    command: tuple[str, ...]


@dataclass(frozen=True)
class Outcome:
    """What a command did: its status (None: an exception), what it said, and what was wrong."""

    damage: Damage
    kind: str  # refused, none, silent, unnoticed, traceback
    said: str


class Worked:
    """A network that was looked into, and one whose training was broken off, to be damaged in copies."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.corpus = place / "trees.mrg"
        self.corpus.write_text(sentences(80))
        self.look = ("look", str(self.corpus), "--form", "tagged", *SMALL)
        self.train = ("train", "trees", str(self.corpus), "--form", "tagged", *SMALL)
        with small_shards():
            assert run([*self.look, "--out", str(place / "whole")])[0] == 0, "the look"
        self.expected: dict[tuple[str, ...], dict[str, bytes]] = {}

    def copy(self, name: str) -> Path:
        """Return the folder of a network, whole, in a new copy of the look."""
        shutil.rmtree(self.place / name, ignore_errors=True)
        shutil.copytree(self.place / "whole", self.place / name)
        return self.place / name / "tagged-8"

    def broken_off(self, name: str) -> Path:
        """Return the folder of a network whose training was stopped after some steps."""
        shutil.rmtree(self.place / name, ignore_errors=True)
        folder = self.place / name / "tagged-8"
        from naibu.training import loop

        before, loop.CHECKPOINT_SECONDS = loop.CHECKPOINT_SECONDS, 0.0
        steps = 0

        def stopping(self: loop.Loop, real: Callable[[loop.Loop], None] = loop.Loop._save) -> None:
            nonlocal steps
            real(self)
            steps += 1
            if steps == 9:
                raise KeyboardInterrupt

        real, loop.Loop._save = loop.Loop._save, stopping  # type: ignore[method-assign]
        try:
            assert run([*self.train, "--out", str(folder)])[0] == 130
        finally:
            loop.Loop._save, loop.CHECKPOINT_SECONDS = real, before  # type: ignore[method-assign]
        return folder

    def typed(self, command: tuple[str, ...], folder: Path) -> list[str]:
        """Return a command as it is typed for a network."""
        name, *options = command
        if name == "look":
            return [*self.look, "--out", str(folder.parent)]
        if name == "train":
            return [*self.train, "--out", str(folder)]
        more = ["--out", str(folder.parent / "again.html")] if name == "report" else []
        return [name, str(folder), *options, *more]

    def rightly(self, command: tuple[str, ...], broken: bool) -> dict[str, bytes]:
        """Return what a command leaves and says where nothing is damaged."""
        key = (*command, str(broken))
        if key not in self.expected:
            folder = self.broken_off("right") if broken else self.copy("right")
            with small_shards():
                status, said, _ = run(self.typed(command, folder))
            assert status == 0, (command, said)
            self.expected[key] = content(folder) | {"said": _told(command, said, folder)}
        return self.expected[key]

    def outcome(self, damage: Damage, rng: random.Random) -> Outcome:
        """Damage a copy, run the command and judge what it did."""
        broken = damage.file == "checkpoint.safetensors"
        expected = self.rightly(damage.command, broken)
        folder = self.broken_off("damaged") if broken else self.copy("damaged")
        files = sorted(folder.glob(damage.file)) if "*" in damage.file else [folder / damage.file]
        file = rng.choice([each for each in files if each.is_file()])
        before = file.read_bytes()
        touched = _do(damage.change, file, rng)
        after = file.read_bytes() if file.exists() else None
        with small_shards():
            status, said, error = run(self.typed(damage.command, folder))
        what = Damage(str(file.relative_to(folder.parent)), damage.change, damage.command)
        if error is not None:
            return Outcome(what, "traceback", error)
        if status != 0:
            return Outcome(what, "refused" if said.count("naibu: ") == 1 else "traceback", said)
        now = content(folder) | {"said": _told(damage.command, said, folder)}
        differing = [name for name in {*now, *expected} if now.get(name) != expected.get(name)]
        for path, left in touched.items():  # the damage itself
            name = str(path.relative_to(folder)) if path.is_relative_to(folder) else ""
            if name in differing and now.get(name) == left:
                differing.remove(name)
        if differing:
            return Outcome(what, "silent", f"{differing[:4]}: {said[-200:]}")
        if damage.command[0] in MENDS and after != before:
            status, said, error = run(["check", str(folder.parent)])
            if status != 0:
                return Outcome(what, "unnoticed", error or said[-300:])
        return Outcome(what, "none", "")


def _do(change: str, file: Path, rng: random.Random) -> dict[Path, bytes | None]:
    """Damage a file; return what now is in it, and in another that was touched."""
    touched = [file]
    if change == "removed":
        file.unlink()
    elif change == "emptied":
        file.write_bytes(b"")
    elif change == "exchanged":
        alike = [each for each in file.parent.glob(f"*{file.suffix}") if each != file]
        same = [each for each in alike if each.stat().st_size == file.stat().st_size] or alike
        if same:
            other = rng.choice(same)
            data = other.read_bytes()
            touched.append(other)
            other.write_bytes(file.read_bytes())
            file.write_bytes(data)
        else:
            file.write_bytes(flipped(file.read_bytes(), rng))
    else:
        made = next(each for each in CHANGES if each.__name__ == change)
        file.write_bytes(made(file.read_bytes(), rng))
    return {path: path.read_bytes() if path.exists() else None for path in touched}


def damages(rng: random.Random) -> Iterator[Damage]:
    """Yield damages without end, every file and command in turn."""
    changes = [*(each.__name__ for each in CHANGES), "removed", "emptied", "exchanged"]
    pairs = [(file, command) for file, commands in READERS.items() for command in commands]
    while True:
        rng.shuffle(pairs)
        for file, command in pairs:
            yield Damage(file, rng.choice(changes), command)


def run(words: list[str]) -> tuple[int | None, str, str | None]:
    """Run a command in this process; return status, what it said, and the traceback of an exception."""
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said), warnings.catch_warnings():
            warnings.simplefilter("default")
            return main(words), said.getvalue(), None
    except BaseException:
        return None, said.getvalue(), traceback.format_exc()


def content(folder: Path) -> dict[str, bytes]:
    """Return the bytes of every file of a network but those that hold times."""
    found = {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name not in UNTOLD
    }
    ended = ("seconds", "tokens_per_second", "digest", "metrics")
    for name, timed in (("finished.json", ended), ("metrics.jsonl", ())):
        if name in found:
            found[name] = _untimed(found[name], timed)
    return found


def _untimed(data: bytes, names: tuple[str, ...]) -> bytes:
    """Return lines of JSON without what tells a time; what is none as it is."""
    try:
        lines = [json.loads(data)] if names else [json.loads(line) for line in data.splitlines()]
        for line in lines:
            for name in names or ("seconds",):
                line.pop(name, None)
        return json.dumps(lines).encode()
    except (ValueError, AttributeError):
        return data


def _told(command: tuple[str, ...], said: str, folder: Path) -> bytes:
    """Return what a command said, where that is its result."""
    return said.replace(str(folder.parent), "").encode() if command[0] == "colour" else b""


@contextlib.contextmanager
def small_shards() -> Iterator[None]:
    """Record in several shards, which is what small recordings do not have."""
    before, store.SHARD_BYTES = store.SHARD_BYTES, 8000
    try:
        yield
    finally:
        store.SHARD_BYTES = before


def round_of(count: int, place: Path, seed: int) -> tuple[Counter[str], list[Outcome]]:
    """Make so many damages; return how each kind of outcome came out, and the outcomes that must not be."""
    rng, worked = random.Random(seed), Worked(place)
    kinds: Counter[str] = Counter()
    wrong = []
    for _, damage in zip(range(count), damages(rng), strict=False):
        found = worked.outcome(damage, rng)
        kinds[found.kind] += 1
        if found.kind in ("silent", "unnoticed", "traceback"):
            wrong.append(found)
    return kinds, wrong
