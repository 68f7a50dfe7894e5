"""When a trial of today's LSTM is solved: the paper's own criteria, asked after every 100 training sequences."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from naibu.data.generated.embedded_reber import reber_strings
from naibu.data.generated.reber import legal_first
from naibu.papers.hochreiter1997.today_training import WINDOW, Training, from_zero

PORTION = 100
"""Training sequences between two looks."""

Judge = Callable[[Training], tuple[bool, bool]]
"""Says whether the easier of two criteria is met, and whether the whole one is; alike where there is only one."""


def recent(most: int, mean_below: float | None = None, first: int | None = None) -> Judge:
    """Of the last 2000 training sequences at most so many are wrong, and the mean error of all is below.

    Experiments 4, 5 and 6. first: at how many wrong ones at most the easier criterion is met.
    """

    def judge(training: Training) -> tuple[bool, bool]:
        if len(training.worst) < WINDOW:
            return False, False
        wrong = int((training.worst >= training.task.wrong_above).sum())
        whole = wrong <= most and (mean_below is None or bool(training.mean.mean() < mean_below))
        return whole if first is None else wrong <= first, whole

    return judge


def tested(most: int, mean_below: float) -> Judge:
    """Of 256 fresh sequences at most so many are wrong; and, the whole criterion, their mean error is below.

    Experiment 3 (ST1 and ST2).
    """

    def judge(training: Training) -> tuple[bool, bool]:
        wrong, error, _ = training.test(training.testing, 256, most)
        return wrong <= most, error < mean_below

    return judge


def held(count: int) -> Judge:
    """None of so many fresh sequences is wrong; tried only where none of the last 100 in training was.

    Experiment 2; a test that fails is tried again after one look, then two, four ..., at most 32.
    """
    rest, pause = 0, 1

    def judge(training: Training) -> tuple[bool, bool]:
        nonlocal rest, pause
        rest -= 1
        if rest > 0 or (training.worst[-PORTION:] >= training.task.wrong_above).any():
            return False, False
        solved = training.test(training.testing, count, 0)[0] == 0
        rest, pause = pause, min(32, 2 * pause)
        return solved, solved

    return judge


def every_string(strings: Sequence[str]) -> Judge:
    """In every string, after each symbol, all that may follow are more active than all others (experiment 1)."""
    unique = sorted(set(strings), key=len)
    parts = [_laid_out(part) for part in (unique[::16], [s for k, s in enumerate(unique) if k % 16]) if part]

    @torch.no_grad()
    def judge(training: Training) -> tuple[bool, bool]:
        for x, legal in parts:  # nearly all models that fail do so in the few strings of the first part
            output = training.model(x, torch.arange(x.shape[0] * x.shape[1])).view(x.shape)
            if not legal_first(output.numpy(), legal).all():
                return False, False
        return True, True

    return judge


def _laid_out(strings: Sequence[str]) -> tuple[Tensor, NDArray[np.bool_]]:
    """Return strings [time string 7], one-hot, and what may follow, bool [time string 7]: nothing after the end."""
    given = reber_strings(strings)
    x, legal = from_zero(given.x, given.start), from_zero(given.legal, given.start)
    there = np.arange(len(x))[:, None] < given.x.shape[1] - given.start
    return torch.from_numpy(x), legal & there[..., None]
