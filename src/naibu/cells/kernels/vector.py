"""One SIMD value for every compiled kernel: `LANES` float32 numbers that are loaded, computed and stored as one.

Inside a compiled function a vector is written like a number: `c = f * c + i * g`. It lowers to AVX-512, AVX2
or NEON registers by LLVM, so that no compiler is needed where it runs. Memory is named by its address, an
integer in bytes; `F32` is the size of a number there.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import llvmlite.binding
import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils, config
from numba.core.datamodel import models
from numba.extending import intrinsic, overload, register_model
from numpy.typing import NDArray

F32 = 4
"""Bytes of a number."""


def processor_features() -> set[str]:
    """Return LLVM's names of what the processor, or the one that NUMBA_CPU_FEATURES names, can do."""
    if config.CPU_FEATURES is not None:
        return {name[1:] for name in config.CPU_FEATURES.split(",") if name.startswith("+")}
    return {name for name, there in llvmlite.binding.get_host_cpu_features().items() if there}


WIDE = "avx512f" in processor_features()
"""Whether there are 32 registers of 16 numbers; else kernels are laid out for 16 registers of 8."""
LANES = 16 if WIDE else 8
VECTOR = F32 * LANES
"""Bytes of a vector."""
X86 = "sse2" in processor_features()


class VectorType(types.Type):
    """The type of a vector in compiled code, or of as many vectors as `rows` says that are computed as one."""

    def __init__(self, rows: int = 1) -> None:
        self.rows = rows
        super().__init__(name=f"vector{LANES}" if rows == 1 else f"vector{LANES}x{rows}")


vector = VectorType()
FLOAT, INT, LONG = ir.FloatType(), ir.IntType(32), ir.IntType(64)
FLOATS, INTS = ir.VectorType(FLOAT, LANES), ir.VectorType(INT, LANES)
LOOSE = ("contract", "nsz", "arcp", "afn")
"""Multiply and add may become one rounding; division may be a reciprocal with a Newton step."""


@register_model(VectorType)
class _Model(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, ir.VectorType(FLOAT, LANES * kind.rows))


def floats(value: float, kind: ir.VectorType = FLOATS) -> ir.Constant:
    """Return the vector constant of one number."""
    return ir.Constant(kind, [ir.Constant(FLOAT, float(np.float32(value)))] * kind.count)


def ints(value: int, kind: ir.VectorType = INTS) -> ir.Constant:
    """Return the vector constant of one integer."""
    return ir.Constant(kind, [ir.Constant(INT, value)] * kind.count)


def llvm(builder: Any, name: str, *arguments: Any) -> Any:
    """Return the call of an LLVM intrinsic that makes a vector of vectors of its kind."""
    kind = arguments[0].type
    function = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(kind, [kind] * len(arguments)), f"llvm.{name}.v{kind.count}f32"
    )
    return builder.call(function, arguments)


def fma(builder: Any, x: Any, y: Any, z: Any) -> Any:
    """Return x * y + z, rounded once."""
    return llvm(builder, "fma", x, y, z)


def splat_ir(builder: Any, value: Any) -> Any:
    """Return the vector of one number in every lane."""
    undefined = ir.Constant(FLOATS, ir.Undefined)
    first = builder.insert_element(undefined, value, ir.Constant(INT, 0))
    return builder.shuffle_vector(first, undefined, ir.Constant(INTS, None))


def pointer(builder: Any, address: Any, kind: Any) -> Any:
    """Return an address as a pointer to a value of this kind."""
    return builder.inttoptr(address, kind.as_pointer())


def first_lanes(builder: Any, count: Any) -> Any:
    """Return the mask of the first `count` lanes."""
    count = builder.trunc(count, INT)
    undefined = ir.Constant(INTS, ir.Undefined)
    everywhere = builder.shuffle_vector(
        builder.insert_element(undefined, count, ir.Constant(INT, 0)), undefined, ir.Constant(INTS, None)
    )
    return builder.icmp_signed("<", ir.Constant(INTS, [ir.Constant(INT, k) for k in range(LANES)]), everywhere)


@intrinsic
def load(_: Any, address: Any) -> Any:
    """Return the vector that lies at an address."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.load(pointer(builder, arguments[0], FLOATS), align=4)

    return vector(types.int64), generate


@intrinsic
def store(_: Any, address: Any, value: Any) -> Any:
    """Write a vector to an address."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        builder.store(arguments[1], pointer(builder, arguments[0], FLOATS), align=4)
        return context.get_dummy_value()

    return types.void(types.int64, vector), generate


_MASK = ir.VectorType(ir.IntType(1), LANES)


def load_first_ir(builder: Any, address: Any, count: Any) -> Any:
    """Return the vector at an address of which only the first `count` numbers are read; the rest is 0."""
    place = pointer(builder, address, FLOATS)
    kind = ir.FunctionType(FLOATS, [FLOATS.as_pointer(), INT, _MASK, FLOATS])
    function = cgutils.get_or_insert_function(builder.module, kind, f"llvm.masked.load.v{LANES}f32.p0")
    return builder.call(function, [place, ir.Constant(INT, 4), first_lanes(builder, count), ir.Constant(FLOATS, None)])


@intrinsic
def load_first(_: Any, address: Any, count: Any) -> Any:
    """Return the vector at an address of which only the first `count` numbers, fewer than all, are read."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return load_first_ir(builder, *arguments)

    return vector(types.int64, types.int64), generate


@intrinsic
def store_first(_: Any, address: Any, value: Any, count: Any) -> Any:
    """Write the first `count` numbers, fewer than all, of a vector to an address."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place = pointer(builder, arguments[0], FLOATS)
        kind = ir.FunctionType(ir.VoidType(), [FLOATS, FLOATS.as_pointer(), INT, _MASK])
        function = cgutils.get_or_insert_function(builder.module, kind, f"llvm.masked.store.v{LANES}f32.p0")
        builder.call(function, [arguments[1], place, ir.Constant(INT, 4), first_lanes(builder, arguments[2])])
        return context.get_dummy_value()

    return types.void(types.int64, vector, types.int64), generate


@numba.njit(inline="always")
def load_part(address: int, count: int) -> Any:
    """Return the vector at an address of which only the first `count` numbers may be read; the rest is 0."""
    if count >= LANES:
        return load(address)
    return load_first(address, count)


@numba.njit(inline="always")
def store_part(address: int, value: Any, count: int) -> None:
    """Write the first `count` numbers of a vector to an address."""
    if count >= LANES:
        store(address, value)
    else:
        store_first(address, value, count)


@intrinsic
def splat(_: Any, value: Any) -> Any:
    """Return the vector with one number in every lane."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return splat_ir(builder, arguments[0])

    return vector(types.float32), generate


def _widened(builder: Any, x: Any, times: int) -> Any:
    """Return one vector so many times, as one."""
    if times == 1:
        return x
    lanes = [ir.Constant(INT, lane) for lane in range(x.type.count)] * times
    return builder.shuffle_vector(x, x, ir.Constant(ir.VectorType(INT, len(lanes)), lanes))


def _arithmetic(symbol: Callable[..., Any], operation: str) -> None:
    @intrinsic
    def compute(_: Any, x: Any, y: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            both = zip(arguments, signature.args, strict=True)
            x, y = (_widened(builder, value, signature.return_type.rows // kind.rows) for value, kind in both)
            return getattr(builder, operation)(x, y, flags=LOOSE)

        return max(x, y, key=lambda kind: kind.rows)(x, y), generate

    @overload(symbol, strict=False)
    def of_vectors(x: Any, y: Any) -> Any:
        if not (isinstance(x, VectorType) and isinstance(y, VectorType)):
            return None

        def compiled(x: Any, y: Any) -> Any:
            return compute(x, y)

        # Compiled functions are known by their names to all kernels of a process, those from the cache among them.
        compiled.__qualname__ = compiled.__name__ = f"vectors_{operation}"
        return compiled


for _symbol, _operation in (
    (operator.add, "fadd"),
    (operator.sub, "fsub"),
    (operator.mul, "fmul"),
    (operator.truediv, "fdiv"),
):
    _arithmetic(_symbol, _operation)


def zeros(*shape: int) -> NDArray[np.float32]:
    """Return so many vectors of zeros, `[... LANES]`, none of which lies across two lines of the processor's cache.

    A vector that does costs twice to load and to store, and memory of the system's own choice begins anywhere.
    """
    count = int(np.prod(shape)) * LANES
    memory = np.zeros(count + LANES, np.float32)
    first = -memory.ctypes.data % VECTOR // F32
    return memory[first : first + count].reshape(*shape, LANES)


def _clamped(builder: Any, x: Any, limit: float) -> Any:
    # By comparing, not by maxnum and minnum, which would make a number of what is none (NaN).
    least, most = floats(-limit, x.type), floats(limit, x.type)
    low = builder.select(builder.fcmp_ordered("<", x, least), least, x)
    return builder.select(builder.fcmp_ordered(">", low, most), most, low)


def _exp2(builder: Any, values: list[Any]) -> list[Any]:
    """Return 2^x for each x from -126 to 126: 2^n by the exponent's bits, 2^(x - n) by a polynomial of degree 6.

    Adding 1.5 * 2^23 rounds to the nearest integer and leaves it in the lowest bits. Every operation is done for all
    values before the next: each waits for the one before, and meanwhile the processor can do those of other values.
    """
    kind = values[0].type
    whole_kind = ir.VectorType(INT, kind.count)
    magic = floats(1.5 * 2**23, kind)
    rounded = [builder.fadd(x, magic) for x in values]
    whole = [builder.fsub(n, magic) for n in rounded]
    parts = [builder.fsub(x, n) for x, n in zip(values, whole, strict=True)]
    powers = [floats(_EXP2[-1], kind)] * len(values)
    for coefficient in _EXP2[-2::-1]:
        number = floats(coefficient, kind)
        powers = [fma(builder, power, part, number) for power, part in zip(powers, parts, strict=True)]
    shifted = [builder.shl(builder.bitcast(n, whole_kind), ints(23, whole_kind)) for n in rounded]
    bits = [builder.bitcast(power, whole_kind) for power in powers]
    return [builder.bitcast(builder.add(b, n), kind) for b, n in zip(bits, shifted, strict=True)]


_EXP2 = tuple(float(np.log(2.0)) ** k / float(np.prod(np.arange(1, k + 1))) for k in range(7))


def _function(generate_value: Callable[[Any, Any], Any]) -> Any:
    @intrinsic
    def compute(_: Any, x: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return generate_value(builder, arguments[0])

        return x(x), generate

    return compute


def _reciprocal(builder: Any, x: Any) -> Any:
    return builder.fdiv(floats(1.0, x.type), x, flags=LOOSE)


def _sigmoids(builder: Any, values: list[Any]) -> list[Any]:
    kind = values[0].type
    exponents = [builder.fmul(x, floats(-1 / np.log(2.0), kind)) for x in values]
    powers = _exp2(builder, [_clamped(builder, x, 126.0) for x in exponents])
    sums = [builder.fadd(power, floats(1.0, kind)) for power in powers]
    return [_reciprocal(builder, x) for x in sums]


_TANH_ABOVE = (
    4.89352455891786e-03,
    6.37261928875436e-04,
    1.48572235717979e-05,
    5.12229709037114e-08,
    -8.60467152213735e-11,
    2.00018790482477e-13,
    -2.76076847742355e-16,
)
_TANH_BELOW = (4.89352518554385e-03, 2.26843463243900e-03, 1.18534705686654e-04, 1.19825839466702e-06)


def _tanh(builder: Any, x: Any) -> Any:
    """Return x P(x^2) / Q(x^2), the rational approximation of the Eigen library: exact to 3e-7, also near 0."""
    x = _clamped(builder, x, 7.90531110763549805)
    square = builder.fmul(x, x)
    above, below = floats(_TANH_ABOVE[-1], x.type), floats(_TANH_BELOW[-1], x.type)
    for coefficient in _TANH_ABOVE[-2::-1]:
        above = fma(builder, above, square, floats(coefficient, x.type))
    for coefficient in _TANH_BELOW[-2::-1]:
        below = fma(builder, below, square, floats(coefficient, x.type))
    return builder.fmul(builder.fmul(above, x), _reciprocal(builder, below))


def _exp(builder: Any, x: Any) -> Any:
    return _exp2(builder, [_clamped(builder, builder.fmul(x, floats(1 / np.log(2.0), x.type)), 126.0)])[0]


sigmoid = _function(lambda builder, x: _sigmoids(builder, [x])[0])
"""Return 1 / (1 + exp(-x)), exact to 2e-7."""
tanh = _function(_tanh)
"""Return tanh(x), exact to 3e-7."""
exp = _function(_exp)
"""Return exp(x), x held between -87 and 87, exact to 1e-6 of its value for small x."""
relu = _function(
    lambda builder, x: builder.select(builder.fcmp_ordered("<", x, floats(0.0, x.type)), floats(0.0, x.type), x)
)
"""Return max(0, x)."""


@intrinsic
def squash_four(_: Any, address: Any) -> Any:
    """Write 1 / (1 + exp(-x)) in place of the four vectors that begin at an address."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        steps = [ir.Constant(LONG, VECTOR * index) for index in range(4)]
        places = [pointer(builder, builder.add(arguments[0], step), FLOATS) for step in steps]
        values = _sigmoids(builder, [builder.load(place, align=4) for place in places])
        for place, value in zip(places, values, strict=True):
            builder.store(value, place, align=4)
        return context.get_dummy_value()

    return types.void(types.int64), generate


def _vector_sum(builder: Any, x: Any) -> Any:
    kind = ir.FunctionType(FLOAT, [FLOAT, FLOATS])
    function = cgutils.get_or_insert_function(builder.module, kind, f"llvm.vector.reduce.fadd.v{LANES}f32")
    return builder.call(function, [ir.Constant(FLOAT, -0.0), x], fastmath=("fast",))


@intrinsic
def total(_: Any, x: Any) -> Any:
    """Return the sum of the lanes."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _vector_sum(builder, arguments[0])

    return types.float32(vector), generate


@intrinsic
def highest(_: Any, x: Any) -> Any:
    """Return the largest of the lanes."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = ir.FunctionType(FLOAT, [FLOATS])
        function = cgutils.get_or_insert_function(builder.module, kind, f"llvm.vector.reduce.fmax.v{LANES}f32")
        return builder.call(function, [arguments[0]])

    return types.float32(vector), generate


@intrinsic
def largest(_: Any, x: Any, y: Any) -> Any:
    """Return the larger of each lane."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return llvm(builder, "maxnum", *arguments)

    return vector(vector, vector), generate


@intrinsic
def where_positive(_: Any, x: Any, value: Any) -> Any:
    """Return `value` in the lanes where x is above 0, and 0 in the others."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        above = builder.fcmp_ordered(">", arguments[0], floats(0.0))
        return builder.select(above, arguments[1], floats(0.0))

    return vector(vector, vector), generate


@intrinsic
def integer(_: Any, address: Any, index: Any) -> Any:
    """Return the 64-bit integer number `index` of those at an address."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place = builder.add(arguments[0], builder.mul(arguments[1], ir.Constant(LONG, 8)))
        return builder.load(pointer(builder, place, LONG), align=8)

    return types.int64(types.int64, types.int64), generate


@intrinsic
def write_integer(_: Any, address: Any, index: Any, value: Any) -> Any:
    """Write a 64-bit integer in the place at an index behind an address."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        address, index, value = arguments
        place = builder.add(address, builder.mul(index, ir.Constant(LONG, 8)))
        builder.store(value, pointer(builder, place, LONG), align=8)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.int64), generate


@intrinsic
def read_number(_: Any, address: Any) -> Any:
    """Return the float32 at an address."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.load(pointer(builder, arguments[0], FLOAT), align=4)

    return types.float32(types.int64), generate


@intrinsic
def write_number(_: Any, address: Any, value: Any) -> Any:
    """Write a float32 to an address."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        builder.store(arguments[1], pointer(builder, arguments[0], FLOAT), align=4)
        return context.get_dummy_value()

    return types.void(types.int64, types.float32), generate


@intrinsic
def prefetch(_: Any, address: Any) -> Any:
    """Ask for the line of memory at an address, to be written later."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = ir.FunctionType(ir.VoidType(), [ir.IntType(8).as_pointer(), INT, INT, INT])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        place = pointer(builder, arguments[0], ir.IntType(8))
        builder.call(function, [place, *(ir.Constant(INT, number) for number in (1, 3, 1))])
        return context.get_dummy_value()

    return types.void(types.int64), generate


_LOW = [index for lane in range(LANES // 2) for index in (lane, LANES + lane)]
_INTERLEAVED = [ir.Constant(INTS, [ir.Constant(INT, index + shift) for index in _LOW]) for shift in (0, LANES // 2)]
"""The lower, and the upper, halves of two vectors, taken by turns."""


def sums_of_ir(builder: Any, rows: list[Any]) -> Any:
    """Return the vector whose lane j is the sum of the lanes of row j."""
    while len(rows) > 1:
        half = len(rows) // 2
        low, high = _INTERLEAVED
        rows = [
            builder.fadd(
                builder.shuffle_vector(rows[row], rows[row + half], low),
                builder.shuffle_vector(rows[row], rows[row + half], high),
                flags=LOOSE,
            )
            for row in range(half)
        ]
    return rows[0]


def _transposed(builder: Any, rows: list[Any]) -> list[Any]:
    """Return the columns of a square of `LANES` by `LANES` numbers.

    In each of log2(LANES) rounds, vectors that stand half the rows apart are interleaved; that many rounds of
    it turn rows into columns.
    """
    half = LANES // 2
    for _round in range(LANES.bit_length() - 1):
        rows = [
            builder.shuffle_vector(rows[row], rows[row + half], mask) for row in range(half) for mask in _INTERLEAVED
        ]
    return rows


@intrinsic
def transpose(_: Any, source: Any, source_step: Any, target: Any, target_step: Any) -> Any:
    """Write the transpose of a square of `LANES` by `LANES` numbers; steps from row to row in bytes."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        source, source_step, target, target_step = arguments

        def place(first: Any, step: Any, row: int) -> Any:
            return pointer(builder, builder.add(first, builder.mul(step, ir.Constant(LONG, row))), FLOATS)

        rows = [builder.load(place(source, source_step, row), align=4) for row in range(LANES)]
        for row, value in enumerate(_transposed(builder, rows)):
            builder.store(value, place(target, target_step, row), align=4)
        return context.get_dummy_value()

    return types.void(*(types.int64,) * 4), generate


@intrinsic(prefer_literal=True)
def transpose_part(
    _: Any,
    each: Any,
    source: Any,
    source_step: Any,
    apart: Any,
    rows: Any,
    columns: Any,
    target: Any,
    target_step: Any,
) -> Any:
    """Write the first columns of a square of `LANES` rows as rows: the square is groups of `each` rows, so many bytes
    `apart`, of which the first `rows` of each are read and the others 0."""
    size = each.literal_value

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        _, source, source_step, apart, rows, columns, target, target_step = arguments
        read = []
        for lane in range(LANES):
            group, row = (ir.Constant(LONG, number) for number in divmod(lane, size))
            place = builder.add(source, builder.add(builder.mul(group, apart), builder.mul(row, source_step)))
            there = builder.icmp_signed("<", row, rows)
            read.append(load_first_ir(builder, place, builder.select(there, columns, ir.Constant(LONG, 0))))
        for number, value in enumerate(_transposed(builder, read)):
            row = ir.Constant(LONG, number)
            with builder.if_then(builder.icmp_signed("<", row, columns)):
                place = builder.add(target, builder.mul(row, target_step))
                builder.store(value, pointer(builder, place, FLOATS), align=4)
        return context.get_dummy_value()

    return types.void(each, *(types.int64,) * 7), generate


_PLACES = ir.VectorType(ir.PointerType(FLOAT), LANES)
_EVERY_LANE = ir.Constant(_MASK, [ir.Constant(ir.IntType(1), 1)] * LANES)


def _places(builder: Any, address: Any, indices: Any) -> Any:
    """Return one pointer a lane: the number of this index, the int32 at `indices`, behind an address."""
    longs = ir.VectorType(LONG, LANES)
    index = builder.sext(builder.load(pointer(builder, indices, INTS), align=4), longs)
    undefined = ir.Constant(longs, ir.Undefined)
    base = builder.insert_element(undefined, address, ir.Constant(INT, 0))
    base = builder.shuffle_vector(base, undefined, ir.Constant(INTS, None))
    four = ir.Constant(longs, [ir.Constant(LONG, F32)] * LANES)
    return builder.inttoptr(builder.add(base, builder.mul(index, four)), _PLACES)


@intrinsic
def gather(_: Any, address: Any, indices: Any) -> Any:
    """Return the vector of the numbers that lie behind an address at each lane's own index, an int32 of `LANES`."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = ir.FunctionType(FLOATS, [_PLACES, INT, _MASK, FLOATS])
        function = cgutils.get_or_insert_function(builder.module, kind, f"llvm.masked.gather.v{LANES}f32.v{LANES}p0")
        places = _places(builder, *arguments)
        return builder.call(function, [places, ir.Constant(INT, F32), _EVERY_LANE, ir.Constant(FLOATS, None)])

    return vector(types.int64, types.int64), generate


@intrinsic
def scatter(_: Any, address: Any, indices: Any, value: Any) -> Any:
    """Write each lane's number behind an address at that lane's own index; of equal indices the last lane's stays."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        address, indices, value = arguments
        kind = ir.FunctionType(ir.VoidType(), [FLOATS, _PLACES, INT, _MASK])
        function = cgutils.get_or_insert_function(builder.module, kind, f"llvm.masked.scatter.v{LANES}f32.v{LANES}p0")
        places = _places(builder, address, indices)
        builder.call(function, [value, places, ir.Constant(INT, F32), _EVERY_LANE])
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, vector), generate
