"""The linear-chain conditional random field: the probability of a whole sequence of tags, and the most probable one."""

from __future__ import annotations

import importlib
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from naibu.cells.kernels import own
from naibu.cells.unroll import within
from naibu.models.parts.span_tags import Allowed

INFINITY = float("inf")


class CRF(nn.Module):
    """The probability of a path of tags y: exp(score) over the sum of exp(score) of all allowed paths, where
    score = first[y_1] + s_1[y_1] + pairs[y_1, y_2] + s_2[y_2] + ... + last[y_n].

    `allowed` says what may be: forbidden paths have no probability, in training as afterwards. Parameters: `pairs [tag
    tag]`, from and to, `first [tag]`, `last [tag]`, zeros at the beginning; without `learned` there are none, and only
    what is forbidden tells paths apart. Scores s are `[time batch tag]`, lengths at least 1.

    Source: Lafferty, McCallum & Pereira 2001; no CRF library is followed in its layout of parameters.
    """

    may_follow: Tensor
    may_begin: Tensor
    may_end: Tensor
    pairs: Tensor
    first: Tensor
    last: Tensor

    def __init__(self, allowed: Allowed, *, learned: bool = True) -> None:
        super().__init__()
        tags = len(allowed.first)
        for name, may in zip(("may_follow", "may_begin", "may_end"), allowed, strict=True):
            self.register_buffer(name, may, persistent=False)
        for name, shape in (("pairs", (tags, tags)), ("first", (tags,)), ("last", (tags,))):
            zeros = torch.zeros(shape)
            if learned:
                setattr(self, name, nn.Parameter(zeros))
            else:
                self.register_buffer(name, zeros, persistent=False)

    def loss(self, scores: Tensor, target: Tensor, lengths: Tensor) -> Tensor:
        """Return -ln p(target) summed over the batch, with its gradient; of steps whose target is negative it is the
        probability of the others that counts, whatever stands there."""
        weights = self.weights()
        unknown = (target < 0) & within(lengths, len(scores)).to(target.device)
        if bool(unknown.any()):
            of_target = _log_partition(_only(scores, target), *weights, lengths)
        else:
            of_target = self._score(scores, target, lengths)
        found: Tensor = _log_partition(scores, *weights, lengths) - of_target
        return found

    @torch.no_grad()
    def losses(self, scores: Tensor, target: Tensor, lengths: Tensor) -> Tensor:
        """Return -ln p(y_t | y_1 ... y_t-1) of each step, `[time batch]`: what each tag costs once those before it are
        known, which adds up to `loss`; NaN where the target is negative."""
        pairs, first, last = (weight.double() for weight in self.weights())
        wide, held = scores.double(), _only(scores.double(), target)
        total = _totals(_forward(wide, lengths, pairs, first), last, lengths)
        known = torch.logsumexp(_forward(held, lengths, pairs, first) + _backward(wide, lengths, pairs, last), -1)
        costs = torch.diff(total - known, dim=0, prepend=torch.zeros_like(known[:1]))
        return torch.where(target >= 0, costs, torch.nan).to(scores.dtype)

    @torch.no_grad()
    def decode(self, scores: Tensor, lengths: Tensor) -> Tensor:
        """Return the most probable path, int64 `[time batch]`, -1 behind the end of each row (Viterbi's algorithm)."""
        weights = [weight.detach() for weight in self.weights()]
        if _by_kernel(scores):
            path = torch.empty(scores.shape[:2], dtype=torch.int64)
            _kernel("best", scores.detach(), lengths, *weights, path)
            return path
        return _viterbi(scores, lengths, *weights)

    @torch.no_grad()
    def marginals(self, scores: Tensor, lengths: Tensor) -> Tensor:
        """Return the probability of each tag at each step, float64 `[time batch tag]`, 0 behind the end of a row."""
        pairs, first, last = (weight.double() for weight in self.weights())
        wide = scores.double()
        alphas, betas = _forward(wide, lengths, pairs, first), _backward(wide, lengths, pairs, last)
        found = (alphas + betas - _totals(alphas, last, lengths)[:, None]).exp()
        return found.where(within(lengths, len(scores)).to(found.device)[..., None], 0)

    def weights(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return pairs, first and last, -inf where they are forbidden."""
        return (
            self.pairs.masked_fill(~self.may_follow, -INFINITY),
            self.first.masked_fill(~self.may_begin, -INFINITY),
            self.last.masked_fill(~self.may_end, -INFINITY),
        )

    def _score(self, scores: Tensor, target: Tensor, lengths: Tensor) -> Tensor:
        """Return the score of the target paths, summed over the batch."""
        there = target >= 0
        tags = target.clamp_min(0)
        emitted = scores.gather(2, tags[..., None])[..., 0]
        ends = tags.gather(0, (lengths.to(tags.device) - 1)[None])[0]
        pairs, first, last = self.weights()
        moved = pairs[tags[:-1], tags[1:]]
        return emitted[there].sum() + moved[there[1:]].sum() + first[tags[0]].sum() + last[ends].sum()


class _Sums(NamedTuple):
    total: Tensor  # []: the log of the sum over all paths, summed over the batch
    scores: Tensor | None  # its gradients
    pairs: Tensor | None
    first: Tensor | None
    last: Tensor | None


class _LogPartition(torch.autograd.Function):
    """The log of the sum over all paths; its gradients are how often tags, and pairs of them, are to be expected."""

    @staticmethod
    def forward(ctx: Any, scores: Tensor, pairs: Tensor, first: Tensor, last: Tensor, lengths: Tensor) -> Tensor:
        found = _sums(scores, pairs, first, last, lengths, wanted=any(ctx.needs_input_grad))
        ctx.save_for_backward(*found[1:])
        return found.total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        own.refuse_second_derivative("differentiate the sum over paths by hand")
        return (*(gradient * part for part in ctx.saved_tensors), None)


def _log_partition(scores: Tensor, pairs: Tensor, first: Tensor, last: Tensor, lengths: Tensor) -> Tensor:
    found: Tensor = _LogPartition.apply(scores, pairs, first, last, lengths)  # type: ignore[no-untyped-call]
    return found


def _sums(scores: Tensor, pairs: Tensor, first: Tensor, last: Tensor, lengths: Tensor, *, wanted: bool) -> _Sums:
    alphas = _forward(scores, lengths, pairs, first)
    totals = _totals(alphas, last, lengths)
    total = totals.sum().to(scores.dtype)
    if not wanted:
        return _Sums(total, None, None, None, None)
    betas = _backward(scores, lengths, pairs, last)
    if _by_kernel(scores):
        here, moved = torch.zeros(scores.shape, dtype=torch.float64), torch.zeros(pairs.shape, dtype=torch.float64)
        _kernel("expected", scores, lengths, pairs, alphas, betas, totals, here, moved)
    else:
        there = within(lengths, len(scores)).to(scores.device)[..., None]
        here = (alphas + betas - totals[:, None]).exp().where(there, 0)
        after = (scores + betas)[1:, :, None] + pairs  # [time batch from to]
        both = (alphas[:-1, ..., None] + after - totals[:, None, None]).exp()
        moved = both.where(there[1:, ..., None], 0).sum((0, 1))
    ends = here.gather(0, (lengths.to(here.device) - 1)[None, :, None].expand(1, -1, here.shape[2]))[0]
    return _Sums(total, *(part.to(scores.dtype) for part in (here, moved, here[0].sum(0), ends.sum(0))))


def _only(scores: Tensor, target: Tensor) -> Tensor:
    """Return scores under which only the target's paths are left; all tags where it is negative."""
    tags = torch.arange(scores.shape[-1], device=scores.device)
    return scores.masked_fill((target[..., None] >= 0) & (target[..., None] != tags), -INFINITY)


def _forward(scores: Tensor, lengths: Tensor, pairs: Tensor, first: Tensor) -> Tensor:
    """Return log sums over all paths up to each tag at each step, `[time batch tag]`, 0 behind the end of a row."""
    if _by_kernel(scores):
        alphas = torch.zeros(scores.shape, dtype=torch.float64)
        _kernel("forward", scores, lengths, pairs, first, alphas)
        return alphas
    found = [first + scores[0]]
    for emitted in scores[1:]:
        found.append(torch.logsumexp(found[-1][..., None] + pairs, 1) + emitted)
    return torch.stack(found).where(within(lengths, len(scores)).to(scores.device)[..., None], 0)


def _backward(scores: Tensor, lengths: Tensor, pairs: Tensor, last: Tensor) -> Tensor:
    """Return log sums over all that follows each tag at each step, `[time batch tag]`, 0 behind the end of a row."""
    if _by_kernel(scores):
        betas = torch.zeros(scores.shape, dtype=torch.float64)
        _kernel("backward", scores, lengths, pairs, last, betas)
        return betas
    ends = (lengths - 1).to(scores.device)[:, None]
    found = [last.expand(scores.shape[1:])]
    for step in range(len(scores) - 2, -1, -1):
        following = torch.logsumexp((scores[step + 1] + found[-1])[:, None] + pairs, 2)
        found.append(torch.where(step < ends, following, last))
    return torch.stack(found[::-1]).where(within(lengths, len(scores)).to(scores.device)[..., None], 0)


def _totals(alphas: Tensor, last: Tensor, lengths: Tensor) -> Tensor:
    """Return the log of the sum over all paths of each row, `[batch]`."""
    ends = (lengths.to(alphas.device) - 1)[None, :, None].expand(1, -1, alphas.shape[2])
    return torch.logsumexp(alphas.gather(0, ends)[0] + last, -1)


def _viterbi(scores: Tensor, lengths: Tensor, pairs: Tensor, first: Tensor, last: Tensor) -> Tensor:
    there = within(lengths, len(scores)).to(scores.device)
    value, back = first + scores[0], list[Tensor]()
    stay = torch.arange(scores.shape[2], device=scores.device)
    for step in range(1, len(scores)):
        reached, source = (value[..., None] + pairs).max(1)
        value = torch.where(there[step, :, None], reached + scores[step], value)
        back.append(torch.where(there[step, :, None], source, stay))
    path = [(value + last).argmax(-1)]
    for source in reversed(back):
        path.append(source.gather(1, path[-1][:, None])[:, 0])
    return torch.stack(path[::-1]).where(there, -1)


def _by_kernel(scores: Tensor) -> bool:
    """Return whether the compiled kernel computes this: in float64, whatever the type, of what lies in memory."""
    kinds = (torch.float32, torch.float64)
    return scores.is_cpu and scores.dtype in kinds and own.unfit(autocast=True) is None


def _kernel(name: str, scores: Tensor, lengths: Tensor, *parts: Tensor) -> None:
    """Call a function of the kernel; what it fills is float64 or int64, contiguous, and no copy is made of it."""
    module = importlib.import_module("naibu.models.parts.crf_kernel")  # what compiles is slow to import
    wide = [part.double() if part.is_floating_point() else part for part in (scores, lengths.cpu(), *parts)]
    getattr(module, name)(*(part.detach().contiguous().numpy() for part in wide))
