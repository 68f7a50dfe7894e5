"""What may be written next: marks never, the end neither too early nor too late, a prefix as given, nothing twice."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from naibu.errors import OptionError
from naibu.generation.hypothesis import Symbols
from naibu.generation.options import SearchOptions
from naibu.generation.stepper import Marks


class Rules:
    """The rules for some sentences, by their number.

    `lengths` are those of the sources; `prefixes` are symbols with which translations have to begin. A prefix counts
    among a translation's words; where it is longer than is allowed, the translation ends after it.
    """

    def __init__(
        self, marks: Marks, options: SearchOptions, lengths: Sequence[int], prefixes: Sequence[Symbols] | None = None
    ) -> None:
        if marks.end < 0:
            raise OptionError("a search needs a symbol that ends what is written")
        self.options, self.marks = options, marks
        given = prefixes if prefixes is not None else [()] * len(lengths)
        self.fewest = torch.tensor([options.fewest(n) for n in lengths])
        longest = [max(options.longest(n), len(prefix)) for n, prefix in zip(lengths, given, strict=True)]
        self.longest = torch.tensor(longest)
        width = max((len(prefix) for prefix in given), default=0)
        rows = [[*prefix] + [-1] * (width - len(prefix)) for prefix in given]
        self._prefixes = torch.tensor(rows, dtype=torch.int64).view(len(rows), width)
        self._never = torch.tensor(marks.never, dtype=torch.int64)

    def most(self, sentence: int) -> int:
        """Return the longest T of a translation of a sentence: its words and the end."""
        return int(self.longest[sentence]) + 1

    def aligned(self, written: Sequence[Symbols]) -> Tensor:
        """Return prefixes of different lengths as `apply` takes them; empty where no rule reads them."""
        width = max(map(len, written)) if self.options.no_repeat else 0
        rows = [(-1,) * (width - len(symbols)) + symbols for symbols in written] if width else []
        return torch.tensor(rows, dtype=torch.int64).view(len(written), width)

    def apply(self, log_p: Tensor, sentence: Tensor, length: Tensor, written: Tensor) -> None:
        """Make what may not follow impossible in `log_p [row vocabulary]`, in place; nothing is scaled up for it.

        `sentence [row]` numbers sentences, `length [row]` counts what was written, and `written [row most]` is that,
        -1 standing before what is shorter. Where nothing may follow, the end may.
        """
        end, given = self.marks.end, self._given(sentence, length)
        of_end = log_p[:, end].clone()
        of_given = None if given is None else log_p.gather(1, given.clamp(min=0)[:, None])
        log_p[:, self._never] = -torch.inf
        early = length < self.fewest[sentence]
        if early.any():
            log_p[early, end] = -torch.inf
        if self.options.no_repeat:
            self._not_again(log_p, written)
        stuck = log_p.amax(1) == -torch.inf if self.options.no_repeat or early.any() else early
        late = (length >= self.longest[sentence]) | stuck
        if late.any():
            log_p[late] = -torch.inf
            log_p[late, end] = of_end[late]
        if given is not None and of_given is not None:
            rows = (given >= 0).nonzero()[:, 0]
            log_p[rows] = -torch.inf
            log_p[rows, given[rows]] = of_given[rows, 0]

    def _given(self, sentence: Tensor, length: Tensor) -> Tensor | None:
        """Return the symbol that has to follow, `[row]`, -1 where any may; None where that is so in all rows."""
        width = self._prefixes.shape[1]
        if not width or int(length.min()) >= width:
            return None
        return self._prefixes[sentence, length.clamp(max=width - 1)].masked_fill(length >= width, -1)

    def _not_again(self, log_p: Tensor, written: Tensor) -> None:
        """Make the last words of runs that were there impossible."""
        n = self.options.no_repeat
        if written.shape[1] < n:
            return
        runs, before = written.unfold(1, n, 1), written[:, None, written.shape[1] - n + 1 :]  # [row run n], [row 1 n-1]
        again = (runs[:, :, : n - 1] == before).all(-1) & (runs[:, :, -1] >= 0)
        rows, places = again.nonzero(as_tuple=True)
        log_p[rows, runs[rows, places, -1]] = -torch.inf
