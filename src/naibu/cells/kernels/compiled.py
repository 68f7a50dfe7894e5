"""Compiled kernels: built for this processor at their first use, kept on disk, run on the framework's own threads.

A kernel is a function of the address of one record; all threads are given the same record and share out the work
by their number. They are the threads of the OpenMP that torch has loaded, still awake from the product before,
so that starting them costs a microsecond; where torch runs on something else, threads of our own are used.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import sys
import threading
from array import array
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, cached_property
from typing import Any, NamedTuple

import numba
import numpy as np
import torch
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from torch import Tensor

from naibu.cells.kernels.vector import LONG, X86, pointer
from naibu.compiling import folder_of, kept_in

COUNTERS = [(name, "i8", (8,)) for name in ("arrived", "waiting", "round")]
HEAD = [*COUNTERS, ("threads", "i8"), ("team", "i8"), ("give_way", "i8")]
"""The fields with which every record begins: three counters, a cache line each, and the team."""
_ONE_AT_A_TIME = threading.Lock()
"""Of kernels on threads of our own: two that wait for each other's threads would wait for ever."""


def _name_of_record(kind: types.Record) -> tuple[str, tuple[int]]:
    """Return what the names of compiled functions have of a record that they take: all that tells it from others.

    Of functions of one name a process keeps the first, be it compiled here or years ago and loaded from disk. The
    compiler's own way is to number records as they come, so that two of other fields have one name if they have
    been compiled in two processes, and a kernel reads its numbers from the other's fields.
    """
    digest = hashlib.blake2b(kind.name.encode(), digest_size=7).digest()
    return "Record", (int.from_bytes(digest, "big"),)


types.Record.mangling_args = property(_name_of_record)


def record(*fields: str) -> np.dtype[Any]:
    """Return the record of a kernel: addresses and sizes, 64-bit integers under these names."""
    return np.dtype([*HEAD, *((field, "i8") for field in fields)])


def address(tensor: Tensor | None) -> int:
    """Return where a tensor's numbers lie, 0 for none."""
    return 0 if tensor is None else tensor.data_ptr()


class Kernel:
    """A function of the address of a record, compiled at its first use."""

    def __init__(self, name: str, function: Callable[[int], None], fields: np.dtype[Any]) -> None:
        self.name, self.function, self.fields, self.__doc__ = name, function, fields, function.__doc__

    @cached_property
    def _entry(self) -> Any:
        folder = folder_of(self.function)
        if not any(folder.rglob(f"*.{self.function.__name__}-*.nbi")):
            what = f"naibu: compiling the {self.name} for this processor, once, for some seconds"
            print(f"{what}; it is kept in {folder}", file=sys.stderr, flush=True)
        with kept_in(folder):
            return numba.cfunc(types.void(types.voidptr), cache=True)(self.function)

    def __call__(self, threads: int, **values: int) -> None:
        """Run the kernel on so many threads; fields of its record are given by name, tensors as addresses; 0 if not."""
        openmp, task, places = _openmp(), self._blank[:], self._places
        for name, value in values.items():
            task[places[name]] = value
        task[places["threads"]] = threads
        address = task.buffer_info()[0]
        if openmp is not None and threads > 1:
            task[places["team"]], task[places["give_way"]] = openmp.team, openmp.give_way
            openmp.parallel(self._code, address, threads, 0)
            return
        if threads == 1:
            self._call(address)
            return
        with _ONE_AT_A_TIME:
            others = [_pool(threads - 1).submit(self._call, address) for _ in range(threads - 1)]
            self._call(address)
            for other in others:
                other.result()

    @cached_property
    def _call(self) -> Any:
        return ctypes.CFUNCTYPE(None, ctypes.c_void_p)(self._code)

    @cached_property
    def _code(self) -> int:
        return int(self._entry.address)

    @cached_property
    def _blank(self) -> array[int]:
        return array("q", bytes(self.fields.itemsize))

    @cached_property
    def _places(self) -> dict[str, int]:
        """Where in the record each field has its number."""
        assert self.fields.fields is not None
        return {name: self.fields.fields[name][1] // 8 for name in self.fields.fields}


class _OpenMP(NamedTuple):
    parallel: Any  # GOMP_parallel
    team: int  # address of omp_get_num_threads
    give_way: int  # address of sched_yield


@cache
def _openmp() -> _OpenMP | None:
    """Return the OpenMP that torch runs on, where it is GNU's."""
    process = ctypes.CDLL(None) if os.name == "posix" else None
    if process is None or "OpenMP" not in torch.__config__.parallel_info():
        return None
    try:
        parallel, team, give_way = process.GOMP_parallel, process.omp_get_num_threads, process.sched_yield
    except AttributeError:
        return None
    parallel.argtypes, parallel.restype = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint, ctypes.c_uint), None
    return _OpenMP(parallel, *(ctypes.cast(function, ctypes.c_void_p).value or 0 for function in (team, give_way)))


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, "naibu-kernel")


@intrinsic
def _call(_: Any, address: Any) -> Any:
    """Return what the C function `int f(void)` at this address returns."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = ir.FunctionType(ir.IntType(32), [])
        result = builder.call(builder.inttoptr(arguments[0], kind.as_pointer()), [])
        return builder.sext(result, LONG)

    return types.int64(types.int64), generate


@intrinsic
def _fetch_add(_: Any, address: Any, value: Any) -> Any:
    """Return the integer at an address and add to it, as one act."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.atomic_rmw("add", pointer(builder, arguments[0], LONG), arguments[1], "acq_rel")

    return types.int64(types.int64, types.int64), generate


@intrinsic
def _read(_: Any, address: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.load_atomic(pointer(builder, arguments[0], LONG), "acquire", 8)

    return types.int64(types.int64), generate


@intrinsic
def _write(_: Any, address: Any, value: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        builder.store_atomic(arguments[1], pointer(builder, arguments[0], LONG), "release", 8)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), generate


@intrinsic
def _pause(_: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        if X86:
            kind = ir.FunctionType(ir.VoidType(), [])
            builder.call(cgutils.get_or_insert_function(builder.module, kind, "llvm.x86.sse2.pause"), [])
        return context.get_dummy_value()

    return types.void(), generate


@numba.njit
def enter(task: Any) -> tuple[int, int]:
    """Return this thread's number and how many there are."""
    threads = _call(task.team) if task.team else task.threads
    return _fetch_add(task.arrived.ctypes.data, 1), threads


@numba.njit
def wait(task: Any, threads: int) -> None:
    """Wait until all threads are here; give the core away where one of them is long in coming."""
    if threads == 1:
        return
    turn = _read(task.round.ctypes.data)
    if _fetch_add(task.waiting.ctypes.data, 1) == threads - 1:
        _write(task.waiting.ctypes.data, 0)
        _write(task.round.ctypes.data, turn + 1)
        return
    spins = 0
    while _read(task.round.ctypes.data) == turn:
        _pause()
        spins += 1
        if spins == 4000:
            spins = 0
            if task.give_way:
                _call(task.give_way)


@numba.njit
def shares(task: Any, thread: int, threads: int, panels: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the rows of the batch, and the panels of units, that are this thread's: all of one, its part of the
    other, as the record's `by_units` says."""
    if task.by_units:
        return (0, task.batch), (panels * thread // threads, panels * (thread + 1) // threads)
    return (task.batch * thread // threads, task.batch * (thread + 1) // threads), (0, panels)


@numba.njit
def turns(task: Any, panels: tuple[int, int], thread: int, threads: int) -> tuple[int, int, int]:
    """Return the first, the end and the step of the panels that this thread prepares: its own, or, where they are all
    threads', every so many."""
    if task.by_units:
        return panels[0], panels[1], 1
    return thread, panels[1], threads


@numba.njit
def to_and_fro(panels: tuple[int, int], turn: int, step: int) -> int:
    """Return the panel whose turn it is in a step: what one step ends with is in the cache when the next begins."""
    return panels[1] - 1 - turn if step & 1 else panels[0] + turn
