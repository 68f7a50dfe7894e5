"""The fastest product of two matrices that this machine can be made to show: what a limit is counted in."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.util import find_spec

import torch
from torch import Tensor
from torch.nn import functional

from naibu.bench.rounds import interleaved

SIZES = (1024, 2048)


@dataclass(frozen=True)
class Peak:
    """The machine's float32 products (sgemm), in GFLOP/s: 1e9 multiplications and additions a second."""

    gflops: dict[str, float]
    best: str
    flops: float  # of one call of `call`
    call: Callable[[], object]  # the best product, to be timed again beside what is measured
    load: float


def measure_peak(*, seconds: float = 0.1, sizes: tuple[int, ...] = SIZES, rounds: int = 5) -> Peak:
    """Return the machine's best of three products: `torch.mm`, the same product written as a 1 by 1 convolution
    (which goes to oneDNN; see cells/recover.py), and a register tile on operands that stay in the first-level
    cache (where llvmlite is at hand). All with as many threads as torch uses now. The tile loads nothing from
    memory, so it is as near to the processor's arithmetic as a program comes, and above what any real layer can.
    """
    ways: dict[str, tuple[float, Callable[[], object]]] = {}
    for size in sizes:
        a, b = torch.randn(size, size), torch.randn(size, size)
        ways[f"torch.mm {size}"] = 2.0 * size**3, _mm(a, b)
        ways[f"oneDNN {size}"] = 2.0 * size**3, _convolution(a, b)
    tile = register_tile(torch.get_num_threads())
    if tile is not None:
        ways["register tile"] = tile
    found = interleaved({name: call for name, (_, call) in ways.items()}, rounds=rounds, seconds=seconds)
    gflops = {name: flops / found.seconds[name] / 1e9 for name, (flops, _) in ways.items()}
    best = max(gflops, key=lambda name: gflops[name])
    return Peak(gflops, best, *ways[best], found.load)


def _mm(a: Tensor, b: Tensor) -> Callable[[], object]:
    out = torch.empty(len(a), b.shape[1])
    return lambda: torch.mm(a, b, out=out)


def _convolution(a: Tensor, b: Tensor) -> Callable[[], object]:
    pictures, weight = a.view(16, 1, -1, a.shape[1]).permute(0, 3, 1, 2), b.t().contiguous()[:, :, None, None]

    def product() -> Tensor:
        with torch.no_grad():
            return functional.conv2d(pictures, weight)

    return product


# A register tile: ROWS x (4 or 2 vectors) sums stay in registers while K columns of A and rows of B pass by.
ROWS, K, TIMES = 6, 96, 5000
_KEPT: list[object] = []  # compiled code lives as long as its engine


def register_tile(threads: int) -> tuple[float, Callable[[], object]] | None:
    """Return the flops of one call, and the call, of a tile repeated in each thread; None without llvmlite."""
    if find_spec("llvmlite") is None:
        return None
    width = _vector_width()
    function = _compiled(_tile_source(width))
    columns = _vectors(width) * width
    pool = ThreadPoolExecutor(threads)
    local = threading.local()

    def work(_: int) -> None:
        if not hasattr(local, "operands"):
            local.operands = torch.randn(K, ROWS) / K, torch.randn(K, columns), torch.zeros(ROWS, columns)
        function(K, TIMES, *(operand.data_ptr() for operand in local.operands))

    return 2.0 * ROWS * columns * K * TIMES * threads, lambda: list(pool.map(work, range(threads)))


def _vector_width() -> int:
    import llvmlite.binding as llvm

    features = llvm.get_host_cpu_features()
    return 16 if features.get("avx512f") else 8 if features.get("avx") else 4


def _vectors(width: int) -> int:
    return 4 if width == 16 else 2  # AVX-512 has 32 registers, others 16


def _compiled(source: str) -> Callable[..., None]:
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    features = llvm.get_host_cpu_features()
    features["prefer-256-bit"] = False
    machine = llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=features.flatten(), opt=3
    )
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(source), machine)
    engine.finalize_object()
    _KEPT.append(engine)
    pointers = [ctypes.c_int64] * 2 + [ctypes.c_void_p] * 3
    return ctypes.CFUNCTYPE(None, *pointers)(engine.get_function_address("tile"))


def _tile_source(width: int) -> str:
    """Return LLVM code that adds A B to C, `times` over; A [K ROWS], B [K columns], C [ROWS columns]."""
    V, vectors = f"<{width} x float>", range(_vectors(width))
    columns, cells = len(vectors) * width, [(m, v) for m in range(ROWS) for v in vectors]
    lines = [
        f"declare {V} @llvm.fma.v{width}f32({V}, {V}, {V})",
        "define void @tile(i64 %K, i64 %times, ptr %A, ptr %B, ptr %C) {",
        "entry:",
        " %all = mul i64 %K, %times",
    ]
    for m, v in cells:
        lines += [
            f" %cp{m}_{v} = getelementptr float, ptr %C, i64 {m * columns + v * width}",
            f" %c{m}_{v} = load {V}, ptr %cp{m}_{v}, align 4",
        ]
    lines += [" br label %loop", "loop:", " %n = phi i64 [0, %entry], [%n1, %loop]"]
    lines += [" %k = phi i64 [0, %entry], [%k2, %loop]"]
    lines += [f" %x{m}_{v} = phi {V} [%c{m}_{v}, %entry], [%y{m}_{v}, %loop]" for m, v in cells]
    lines += [f" %ka = mul i64 %k, {ROWS}", f" %kb = mul i64 %k, {columns}"]
    lines += [" %a = getelementptr float, ptr %A, i64 %ka", " %b = getelementptr float, ptr %B, i64 %kb"]
    for v in vectors:
        lines += [f" %bp{v} = getelementptr float, ptr %b, i64 {v * width}", f" %b{v} = load {V}, ptr %bp{v}, align 4"]
    for m in range(ROWS):
        lines += [
            f" %ap{m} = getelementptr float, ptr %a, i64 {m}",
            f" %s{m} = load float, ptr %ap{m}, align 4",
            f" %i{m} = insertelement {V} poison, float %s{m}, i32 0",
            f" %r{m} = shufflevector {V} %i{m}, {V} poison, <{width} x i32> zeroinitializer",
        ]
    for m, v in cells:
        lines.append(f" %y{m}_{v} = call {V} @llvm.fma.v{width}f32({V} %r{m}, {V} %b{v}, {V} %x{m}_{v})")
    lines += [" %k1 = add i64 %k, 1", " %wrap = icmp eq i64 %k1, %K", " %k2 = select i1 %wrap, i64 0, i64 %k1"]
    lines += [" %n1 = add i64 %n, 1", " %ended = icmp eq i64 %n1, %all", " br i1 %ended, label %end, label %loop"]
    lines += ["end:", *(f" store {V} %y{m}_{v}, ptr %cp{m}_{v}, align 4" for m, v in cells), " ret void", "}"]
    return "\n".join(lines)
