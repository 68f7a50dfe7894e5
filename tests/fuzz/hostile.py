"""Files of strangers that mean harm, or are merely odd: what a command does with each, in a process of its own."""

from __future__ import annotations

import gzip
import io
import json
import os
import random
import shutil
import struct
import subprocess
import sys
import tarfile
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from random_trees import sentences

MEMORY = 1_000_000
"""Kilobytes that a command may take for such a file."""
SECONDS = 10.0
TRAIN = ("--units", "8", "--steps", "5", "--threads", "1")
ZEROS = 1 << 20


@dataclass(frozen=True)
class Case:
    """`make(folder)` writes the files and returns what is typed; `welcome`: the file is odd, yet may well be taken."""

    name: str
    make: Callable[[Path], list[str]]
    welcome: bool = False


@dataclass(frozen=True)
class Outcome:
    """What came of a case: nothing in `wrong` where it went as it should."""

    case: str
    status: int
    seconds: float
    memory: int
    said: str
    wrong: str


def _corpus(name: str, content: Callable[[Path], object] | bytes, *options: str) -> Callable[[Path], list[str]]:
    def make(folder: Path) -> list[str]:
        path = folder / name
        path.write_bytes(content) if isinstance(content, bytes) else content(path)
        return ["train", "trees", str(path), *TRAIN, *options, "--out", str(folder / "o")]

    return make


def _beside(option: str, content: Callable[[Path], object] | bytes) -> Callable[[Path], list[str]]:
    def make(folder: Path) -> list[str]:
        (folder / "trees.mrg").write_text(sentences(60))
        path = folder / "beside"
        path.write_bytes(content) if isinstance(content, bytes) else content(path)
        words = ["train", "trees", str(folder / "trees.mrg"), *TRAIN, option, str(path), "--out", str(folder / "o")]
        return words if option != "--settings" else ["train", "trees", "--settings", str(path), *TRAIN]

    return make


def _gzipped(megabytes: int, before: bytes = b"") -> Callable[[Path], object]:
    """Zeros that unpack to so many megabytes, behind an honest beginning."""

    def make(path: Path) -> None:
        zeros = gzip.compress(bytes(100 * ZEROS), 9)
        with path.open("wb") as file:
            file.write(gzip.compress(before) if before else b"")
            for _ in range(megabytes // 100):
                file.write(zeros)

    return make


def _zipped(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("a.mrg", "w") as member:
        for _ in range(1500):
            member.write(bytes(ZEROS))


def _lying_zip(path: Path) -> None:
    """A zip whose directory says that its member is small."""
    _zipped(path)
    data = bytearray(path.read_bytes())
    where = data.rindex(b"PK\x01\x02")
    data[where + 24 : where + 28] = struct.pack("<I", 1000)
    path.write_bytes(data)


def _lzma_zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("a.mrg", sentences(300))
    data = bytearray(path.read_bytes())
    for place in range(60, 400, 7):
        data[place] ^= 0x5A
    path.write_bytes(data)


def _named_zip(name: bytes) -> Callable[[Path], object]:
    def make(path: Path) -> None:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("aaaa.mrg", sentences(60))
        data = path.read_bytes().replace(b"aaaa.mrg", (name + b"aaaa.mrg")[:8])
        path.write_bytes(data.replace(b"\x00\x00\x00\x00\x00aaaa", b"\x00\x08\x00\x00\x00aaaa"))

    return make


def _sparse_tar(path: Path) -> None:
    member = tarfile.TarInfo("a.mrg")
    member.size, member.type = 6 << 30, tarfile.GNUTYPE_SPARSE
    header = bytearray(member.tobuf(tarfile.GNU_FORMAT))
    header[483:495] = b"%011o\0" % (6 << 30)
    path.write_bytes(bytes(header) + bytes(1024))


def _members(count: int, kind: str) -> Callable[[Path], object]:
    def make(path: Path) -> None:
        with gzip.open(path, "wb", 1) if kind == "gz" else path.open("wb") as file:
            for number in range(count):
                file.write(tarfile.TarInfo(f"{number}.txt").tobuf())
            file.write(bytes(1024))

    return make


def _link(target: str) -> Callable[[Path], object]:
    return lambda path: path.symlink_to(target)


def _loop(path: Path) -> None:
    path.mkdir()
    (path / "a.mrg").write_text(sentences(60))
    (path / "again").symlink_to(path)
    (path / "itself").symlink_to(path / "itself")
    os.mkfifo(path / "pipe.mrg")


def _marked(path: Path) -> None:
    path.mkdir()
    (path / "[").mkdir()
    (path / "[" / "[red]x.py").write_text("def f(x):\n    return x\n" * 60)
    (path / "[" / "b].py").write_text("def f(:\n")


def _odd_name(folder: Path) -> list[str]:
    path = os.fsdecode(os.fsencode(folder) + b"/bad\xff.mrg")
    Path(path).write_text(sentences(60))
    return ["look", "trees", path, "--form", "brackets", *TRAIN, "--out", str(folder / "o")]


CORPORA = (
    Case("a pipe", _corpus("pipe.mrg", os.mkfifo)),
    Case("a pipe as text", _corpus("pipe.txt", os.mkfifo)),
    Case("a link to a pipe's device", _corpus("zero.mrg", _link("/dev/zero"))),
    Case("a device as text", _corpus("random.txt", _link("/dev/urandom"))),
    Case("a pipe as labels", _beside("--labels", os.mkfifo)),
    Case("a device as labels", _beside("--labels", _link("/dev/zero"))),
    Case("a pipe as test", _beside("--test", os.mkfifo)),
    Case("a device as test", _beside("--test", _link("/dev/zero"))),
    Case("a pipe as settings", _beside("--settings", os.mkfifo)),
    Case("a device as settings", _beside("--settings", _link("/dev/zero"))),
    Case("a label beyond numbers", _beside("--labels", b"symbol\tx\n(\t1e999\n")),
    Case("labels without a line", _beside("--labels", b"")),
    Case("gzip: 10 GB of zeros", _corpus("bomb.mrg.gz", _gzipped(10_000))),
    Case("gzip: 10 GB of zeros as text", _corpus("bomb.txt.gz", _gzipped(10_000))),
    Case(
        "gzip: an honest beginning, then zeros",
        _corpus("bomb.mrg.gz", _gzipped(5_000, random.Random(1).randbytes(5_000_000).hex().encode())),
    ),
    Case("gzip: a bomb as test", _beside("--test", _gzipped(5_000))),
    Case("zip: 1.5 GB of zeros", _corpus("bomb.zip", _zipped)),
    Case("zip: a member that lies", _corpus("bomb.zip", _lying_zip)),
    Case("zip: damaged LZMA", _corpus("bad.zip", _lzma_zip)),
    Case("zip: a name that is no UTF-8", _corpus("bad.zip", _named_zip(b"\xff\xfe")), welcome=True),
    Case("zip: empty", _corpus("bad.zip", b"")),
    Case("tar: a sparse member of 6 GB", _corpus("bomb.tar", _sparse_tar)),
    Case("tar.gz: 1,000,000 empty members", _corpus("many.tar.gz", _members(1_000_000, "gz"))),
    Case("tar: 200,000 empty members", _corpus("many.tar", _members(200_000, "plain"))),
    Case("tar.gz: zeros", _corpus("bomb.tar.gz", _gzipped(5_000))),
    Case("tar that is a zip", _corpus("bad.tar", _lzma_zip)),
    Case("tar that is xz", _corpus("bad.tar", b"\xfd7zXZ\x00" + random.Random(2).randbytes(500))),
    Case("tar: noise", _corpus("bad.tar", random.Random(3).randbytes(5_000))),
    Case("30 MB of words on one line", _corpus("a.txt", b"word and another " * 1_800_000, "--form", "words"), True),
    Case("3 MB of letters on one line", _corpus("a.txt", b"abc" * 1_000_000, "--form", "characters"), True),
    Case("Emacs Lisp: names of characters", _corpus("a.el", b"(a)" * 30 + b"(b " + rb"?\N{ " * 100_000)),
    Case("Emacs Lisp: open strings", _corpus("a.el", b'(a "' + b"\\" * 300_000)),
    Case("Lisp: 1,000,000 open brackets", _corpus("a.lisp", b"(" * 1_000_000)),
    Case("Lisp: quotes", _corpus("a.scm", b"'" * 500_000)),
    Case("Lisp: block comments", _corpus("a.scm", b"#|" * 300_000)),
    Case("trees: 1,000,000 open brackets", _corpus("a.mrg", b"(S " * 1_000_000)),
    Case("trees: 500,000 deep", _corpus("a.mrg", b"(S " * 500_000 + b"a" + b")" * 500_000)),
    Case("trees: one word of 20 MB", _corpus("a.mrg", b"(S (N " + b"a" * 20_000_000 + b"))")),
    Case(
        "Python as characters: an indent a line",
        _corpus("a.py", b"if x:\n a\n" * 200_000, "--reader", "text", "--form", "characters"),
        True,
    ),
    Case("Python: a name of 200,000 parts", _corpus("a.py", b"import a" + b".a" * 200_000)),
    Case("Python: the same over lines", _corpus("a.py", b"import a" + b".\\\na" * 200_000)),
    Case("Python: the same behind from", _corpus("a.py", b"from a" + b" . a" * 200_000 + b" import b")),
    Case("Python: deep brackets", _corpus("a.py", b"def f():\n x = " + b"(" * 100_000)),
    Case("Python: deep indents", _corpus("a.py", b"".join(b" " * k + b"if x:\n" for k in range(3_000)))),
    Case("Python: an operator without end", _corpus("a.py", b"def f():\n return " + b"-" * 200_000 + b"1")),
    Case("Python: f-strings", _corpus("a.py", b"def f():\n return " + b'f"{' * 50_000)),
    *(
        Case(f"Python: coding {name}", _corpus("a.py", f"# coding: {name}\nif x:\n  a\n".encode(), "--reader", reader))
        for name in ("hex", "base64", "bz2", "rot13", "zlib", "uu", "unicode_escape", "idna", "undefined", "\\x00")
        for reader in ("indentation", "python")
    ),
    Case("a folder that holds itself, and a pipe", _corpus("folder", _loop), welcome=True),
    Case("names that look like markup", _corpus("folder", _marked), welcome=True),
    Case("a name that is no UTF-8", _odd_name, welcome=True),
    Case("a category that looks like markup", _corpus("a.mrg", sentences(60).encode(), "--category", "[/VP]")),
    Case("a label that looks like markup", _corpus("a.mrg", sentences(60).replace("VP", "[/red]").encode()), True),
    Case("NUL", _corpus("a.txt", bytes(1000))),
    Case("lone surrogates", _corpus("a.txt", b"\xed\xa0\x80" * 1000)),
    Case("marks without letters", _corpus("a.txt", "\u0301\u200d".encode() * 300_000), welcome=True),
    Case("lone carriage returns", _corpus("a.txt", b"a\r" * 500_000), welcome=True),
    Case("quotes and brackets that never end", _corpus("a.txt", b'("\n\n' * 300_000), welcome=True),
    Case("a million short lines", _corpus("a.txt", b"a\n" * 1_000_000, "--form", "words"), welcome=True),
)


JSON = (
    b"null",
    b"[]",
    b"{}",
    b'"text"',
    b"1e999",
    b"[" * 200_000,
    b'{"a":' * 200_000,
    b"9" * 100_000,
    b'{"version": null, "format": "naibu-recording"}',
    b'{"steps": [], "seconds": {}}',
    b'{"digest": 1}',
    b"\xff\xfe",
    b'{"found": "\\ud800"}',
)
STORED = (
    "settings.toml",
    "finished.json",
    "metrics.jsonl",
    "weights.safetensors",
    "vocabulary.txt",
    "recordings/trained/manifest.json",
    "recordings/trained/index/names.json",
    "recordings/trained/index/sequence.npy",
    "recordings/trained/shards/00000/lstm.0.cell.npy",
    "results/depth.json",
    "results/corpus.json",
    "results/seconds.json",
    "results/search.json",
)
COMMANDS = (("record",), ("probe", "--label", "depth"), ("intervene",), ("report",), ("colour",), ("check",))


def _npy(shape: tuple[int, ...], dtype: Any, values: int = 64) -> bytes:
    header = io.BytesIO()
    described = {"descr": np.lib.format.dtype_to_descr(np.dtype(dtype)), "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(header, described)
    return header.getvalue() + bytes(values)


ARRAYS = (
    _npy((2**64, 8), "f2"),
    _npy((10, 2**50), "f2"),
    _npy((-1, 8), "f2"),
    _npy((), "f2"),
    _npy((10, 0), "f2"),
    _npy((10, 39), "f2"),
    _npy((10, 8, 1), "f2"),
    _npy((10, 8), "f8"),
    _npy((10,), "U100"),
    _npy((10,), "O"),
    b"\x93NUMPY\x01\x00\xff\xff" + b"(" * 70_000,
    b"\x93NUMPY\x09\x00" + bytes(100),
)


def stored(worked: Path, rng: random.Random) -> Iterator[Case]:
    """Yield cases of a network's folder, without end: a stored file replaced, or links put in."""
    while True:
        file, command = rng.choice(STORED), rng.choice(COMMANDS)
        kind = rng.choice(("pipe", "folder", "zero", "sparse", "text", "text", "text", "array", "tensors", "link"))

        def make(folder: Path, file: str = file, command: tuple[str, ...] = command, kind: str = kind) -> list[str]:
            shutil.copytree(worked, folder / "mine", symlinks=True)
            run = folder / "mine" / "tagged-8"
            _replaced(run / file, kind, rng)
            more = ["--out", str(folder / "mine" / "again.html")] if command[0] == "report" else []
            return [command[0], str(run), *command[1:], *more]

        yield Case(f"{kind} as {file}, {command[0]}", make, welcome=True)


def _replaced(path: Path, kind: str, rng: random.Random) -> None:
    if kind == "link" and path.parent.name in ("results", "index", "00000"):
        place = path.parent  # the whole folder elsewhere
        outside = place.parents[len(place.parts) - place.parts.index("mine") - 1] / "outside"
        shutil.move(place, outside)
        place.symlink_to(outside)
        return
    path.unlink()
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "zero":
        path.symlink_to("/dev/zero")
    elif kind == "sparse":
        with path.open("wb") as file:
            file.truncate(20 << 30)
    elif kind == "link":
        outside = path.parents[len(path.parts) - path.parts.index("mine") - 1] / "outside.txt"
        outside.write_text("precious")
        path.symlink_to(outside)
    elif kind == "array":
        path.write_bytes(rng.choice(ARRAYS))
    elif kind == "tensors":
        header = json.dumps({"a": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 2**42]}}).encode()
        size = rng.choice((len(header), 2**60, 0))
        path.write_bytes(struct.pack("<Q", size) + header)
    else:
        path.write_bytes(rng.choice(JSON))


def tried(case: Case, folder: Path) -> Outcome:
    """Run a case; `folder` is made for it."""
    folder.mkdir(parents=True)
    words = case.make(folder)
    inside = {path for path in (folder / "o", folder / "mine") if path.exists()} | {folder / "o"}
    before = _outside(folder, inside)
    began = time.monotonic()
    script = "import sys; from naibu.cli import main; sys.exit(main(sys.argv[1:]))"
    log = (folder.parent / f"{folder.name}.log").open("w+b")
    process = subprocess.Popen(
        [sys.executable, "-c", script, *words], stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=folder
    )
    try:
        status, memory = _waited(process, 3 * SECONDS)
    finally:
        log.seek(0)
        said = log.read().decode("utf-8", "replace")
        log.close()
    seconds, wrong = time.monotonic() - began, []
    if seconds > SECONDS + 4:  # the start of Python and torch on a busy machine
        wrong.append(f"{seconds:.0f} s")
    if memory > MEMORY:
        wrong.append(f"{memory / 1e6:.1f} GB")
    if "Traceback" in said or (status == 2 and said.count("naibu: ") != 1) or status not in (0, 2):
        wrong.append("no one line")
    if status == 0 and not case.welcome:
        wrong.append("taken")
    if _outside(folder, inside) != before:
        wrong.append("outside its folder")
    return Outcome(case.name, status, seconds, memory, said[-600:], ", ".join(wrong))


def _waited(process: subprocess.Popen[bytes], limit: float) -> tuple[int, int]:
    """Return the status of a process, -9 where it ran past the limit, and the most kilobytes that it held.

    They are read from its own status while it runs: what the system tells of an ended child begins with what its parent
    held when it was started.
    """
    deadline, most = time.monotonic() + limit, 0
    while process.poll() is None:
        most = max(most, _held(process.pid))
        if time.monotonic() > deadline:
            process.kill()
            process.wait()
            return -9, most
        time.sleep(0.01)
    return process.returncode, most


def _held(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM")), 0)
    except OSError:
        return 0


def _outside(folder: Path, inside: set[Path]) -> dict[str, object]:
    """Return what lies beside the folders that a command may write into."""
    found: dict[str, object] = {}
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if Path(place, name) not in inside]
        for name in (*folders, *names):
            status = os.lstat(Path(place, name))
            found[os.path.join(place, name)] = (status.st_mode, status.st_size, status.st_mtime_ns * (name in names))
    return found
