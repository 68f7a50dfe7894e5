"""Kernels that are compiled in one process and used in another, beside others."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

LINES = "\n".join(
    f"    write_integer(task.out, {k}, {k} * task.wanted // (task.out % {k + 3} + 1))" for k in range(1, 60)
)
KERNELS = f"""
import os, sys
import numpy as np
from numba import carray, njit
from naibu.cells.kernels.compiled import Kernel, record
from naibu.cells.kernels.vector import integer, write_integer

FIRST = record("wanted", "out", "other")
SECOND = record("out", "other", "wanted")

@njit
def long(task):  # too long to become a part of what calls it, and called twice
{LINES}
    write_integer(task.out, 0, task.wanted)

def _first(address):
    task = carray(address, 1, FIRST)[0]
    long(task)
    if integer(task.out, 0) < 0:
        long(task)

def _second(address):
    task = carray(address, 1, SECOND)[0]
    long(task)
    if integer(task.out, 0) < 0:
        long(task)

KERNELS = {{"first": Kernel("first", _first, FIRST), "second": Kernel("second", _second, SECOND)}}
for names in sys.argv[1:]:
    if process := os.fork():
        os.waitpid(process, 0)
        continue
    for name in names.split():
        out, other = np.zeros((2, 64), np.int64)
        KERNELS[name](1, wanted=3, out=out.ctypes.data, other=other.ctypes.data)
        print(name, out[0], other[0])
    sys.stdout.flush()
    os._exit(0)
"""


def test_a_kernel_from_disk_reads_its_own_fields(tmp_path: Path):
    (tmp_path / "kernels.py").write_text(KERNELS)

    environment = {**os.environ, "NAIBU_CACHE": str(tmp_path / "cache")}
    processes = ["first", "second", "first second", "second first"]
    command = [sys.executable, str(tmp_path / "kernels.py"), *processes]
    said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    first, second = "first 3 0\n", "second 3 0\n"
    assert said == first + second + first + second + second + first
