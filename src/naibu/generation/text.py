"""Text that a network writes, symbol by symbol, free or with units held."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np
import torch

from naibu.cells.exchange import edited
from naibu.cells.units import HeldUnit, held_units
from naibu.data.batch import Batch, Stream
from naibu.data.text_coder import TextCoder
from naibu.errors import OptionError
from naibu.generation.sampling import Sampling
from naibu.generation.stepper import Marks
from naibu.generation.text_stepper import TextStepper
from naibu.models.language_model import LanguageModel

LONGEST = 10**7
"""Symbols at most that are written in one go."""
_BYTE = re.compile(r"<0x([0-9A-F]{2})>")


@dataclass(frozen=True)
class Symbol:
    """A symbol that was written: of which sample, what it adds to the text, and how probable the network held it."""

    sample: int
    symbol: str
    text: str
    probability: float


class Writer:
    """A language model of running text that goes on with a text: `length` symbols of `count` samples side by side, each
    up to a text of `stop`.

    Raises OptionError for units that are not there, and symbols of the prime that were not in training unless
    `unknown` allows them to be read as `<unk>`.
    """

    def __init__(
        self,
        model: LanguageModel,
        coder: TextCoder,
        prime: str = "",
        *,
        sampling: Sampling,
        length: int = 400,
        stop: Sequence[str] = (),
        hold: Sequence[str | HeldUnit] = (),
        count: int = 1,
        seed: int = 1,
        unknown: bool = False,
    ) -> None:
        if not 1 <= length <= LONGEST:
            raise OptionError(f"--length {length}: must be from 1 to {LONGEST:,}")
        if "" in stop:
            raise OptionError("--stop '': must be a text; leave it out to write on")
        if count < 1 or seed < 0:
            name, value, least = ("count", count, 1) if count < 1 else ("seed", seed, 0)
            raise OptionError(f"--{name} {value}: must be at least {least}")
        missing = coder.unknown(prime)
        if missing and not unknown:
            shown = ", ".join(map(repr, missing[:5])) + (", ..." if len(missing) > 5 else "")
            raise OptionError(f"--prime: {shown} never came in training; leave out, or --unknown to read <unk> for it")
        self.model, self.coder, self.sampling, self.count = model, coder, sampling, count
        self.held: tuple[HeldUnit, ...] = held_units(hold, model)
        self.length, self.stop, self._seed = length, tuple(stop), seed
        # An unknown word is a word of the text; an unknown character is nothing that can be written.
        unknown_symbol = coder.vocabulary.unknown
        never = () if unknown_symbol is None or coder.level.name == "word" else (unknown_symbol,)
        self._marks = Marks(coder.end, never=never)
        self._prime = np.concatenate([[coder.end], coder.ids(prime)])
        self._begins = self._prime[-1] == coder.end

    def write(self) -> Iterator[Symbol]:
        """Yield symbols as they are written, those of all samples at each step; the same for equal seed, whatever is
        held, in what is drawn."""
        generator = torch.Generator().manual_seed(self._seed)
        stepper = TextStepper(self.model, self._marks)
        pens = [_Pen(self.coder, bool(self._begins)) for _ in range(self.count)]
        prime = torch.from_numpy(self._prime)[:, None].expand(-1, self.count)
        read, last = prime[:-1], prime[-1]
        with ExitStack() as stack:
            for each in self.held:
                each.now, each._kept = -len(self._prime) + 1, None
                stack.enter_context(edited(self.model, {(each.layer, each.signal): each}))
            lengths = torch.full((self.count,), len(read))
            state = stepper.begin(Batch({"input": Stream(read, lengths)}, read))
            for step in range(self.length):
                for each in self.held:
                    each.now = step
                log_p, state = stepper.step(last, state)
                p = log_p.exp()
                log_p[:, self._marks.never] = -torch.inf
                chosen = self.sampling.choose(log_p, torch.rand(self.count, generator=generator))
                told = p.gather(-1, chosen[:, None])[:, 0].tolist()
                for sample, number in enumerate(chosen.tolist()):
                    pen = pens[sample]
                    if not pen.done:
                        symbol, text = pen.put(number, self.stop)
                        yield Symbol(sample, symbol, text, told[sample])
                if all(pen.done for pen in pens):
                    return
                last = chosen


class _Pen:
    """One sample: what its symbols add to its text, and whether a stop has come."""

    def __init__(self, coder: TextCoder, begins: bool) -> None:
        self._coder, self._begins = coder, begins
        self._bytes = b""
        self._last = ""
        self.done = False

    def put(self, number: int, stop: Sequence[str]) -> tuple[str, str]:
        """Return the symbol and its text; bytes of a character are put together with the last of them."""
        symbol = self._coder.vocabulary.symbols[number]
        if found := _BYTE.fullmatch(symbol):
            self._bytes += bytes([int(found[1], 16)])
            try:
                text, self._bytes = self._bytes.decode(), b""
            except UnicodeDecodeError:
                return symbol, ""
        else:
            lost, self._bytes = self._bytes.decode("utf-8", "replace"), b""
            text = lost + self._coder.level.join([symbol], begins=self._begins)
        self._begins = symbol == self._coder.level.end
        if stop:
            seen = self._last + text
            self.done = any(each in seen for each in stop)
            self._last = seen[1 - max(map(len, stop)) :] if max(map(len, stop)) > 1 else ""
        return symbol, text
