"""The output layer of a language model: from a hidden vector to the probability of every symbol."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from naibu.cells.products import padded_rows, product
from naibu.errors import OptionError
from naibu.models.cross_entropy import chunked_cross_entropy

FEWEST_FOR_ADAPTIVE = 1000
"""Symbols below which an adaptive softmax is refused: it has nothing to save there."""


class FullSoftmax(nn.Linear):
    """softmax(W h + b) over the whole vocabulary; parameters `weight [vocabulary hidden]`, `bias [vocabulary]`."""

    def __init__(self, units: int, vocabulary: int) -> None:
        super().__init__(units, vocabulary)

    def scores(self, hidden: Tensor) -> Tensor:
        """Return unnormalised log probabilities, `[... hidden] -> [... vocabulary]`."""
        rows = hidden.shape[:-1].numel()
        if torch.is_grad_enabled() or rows < 64:
            return self(hidden)  # type: ignore[no-any-return]
        flat = functional.pad(hidden.reshape(rows, -1), (0, 0, 0, padded_rows(rows) - rows))
        return product(flat, self.weight, self.bias)[:rows].view(*hidden.shape[:-1], -1)

    def loss(self, hidden: Tensor, targets: Tensor, reduction: str) -> Tensor:
        """Return the cross-entropy in nats of `targets [...]` after `hidden [... hidden]`; negative ones are padding.

        `reduction` is "sum", or "mean" over what is not padding.
        """
        return chunked_cross_entropy(hidden, self.weight, self.bias, targets, reduction)

    def smoothing(self, hidden: Tensor, targets: Tensor) -> Tensor:
        """Return what label smoothing of 1 adds to the sum of `loss`: ln p(target) less the mean of ln p."""
        return above_mean(hidden, self.weight, self.bias, targets)


class AdaptiveSoftmax(nn.AdaptiveLogSoftmaxWithLoss):
    """Softmax in two steps: the frequent symbols at once, each group of rarer ones after a symbol of its own.

    Symbols 0 up to `cutoffs[0]` stand in the head with one symbol more for every group; group i reaches from
    `cutoffs[i]` to the next cutoff, and its vectors are projected to a quarter of the size of those before (not
    below 64 units). Numbers must follow falling frequency, which naibu's vocabularies do; the few
    marks and unknown symbols before them stand in the head, whatever their frequency. With no `cutoffs` given
    they are a twentieth and three tenths of the vocabulary, near the best for symbols by Zipf's law.

    Source: Grave et al. 2017, by way of torch's layer. Raises OptionError for a vocabulary below a thousand,
    or cutoffs that do not rise within it.
    """

    def __init__(self, units: int, vocabulary: int, cutoffs: tuple[int, ...] = ()) -> None:
        cuts = cutoffs or (vocabulary // 20, 3 * vocabulary // 10)
        _check_cutoffs(vocabulary, cuts)
        small = units < 4 ** (len(cuts) + 1)
        super().__init__(units, vocabulary, list(cuts), div_value=1.0 if small else 4.0, head_bias=True)

    def scores(self, hidden: Tensor) -> Tensor:
        """Return log probabilities, `[... hidden] -> [... vocabulary]`."""
        return self.log_prob(hidden.reshape(-1, self.in_features)).view(*hidden.shape[:-1], self.n_classes)

    def loss(self, hidden: Tensor, targets: Tensor, reduction: str) -> Tensor:
        """Return the cross-entropy in nats of `targets [...]` after `hidden [... hidden]`; negative ones are padding.

        `reduction` is "sum", or "mean" over what is not padding.
        """
        there = targets >= 0
        counted = targets[there]
        if not len(counted):
            return hidden.sum() * 0
        total: Tensor = -self(hidden[there], counted).output.sum()
        return total / len(counted) if reduction == "mean" else total


class TiedAdaptiveSoftmax(nn.Module):
    """Softmax in two steps as `AdaptiveSoftmax`, whose vectors are all of one size: the rows of the embedding.

    The head has the vectors of symbols 0 up to `cutoffs[0]` and one more for every group of rarer symbols; a group
    has those of its own. Parameters: `weight [vocabulary hidden]`, the embedding's; `rare [group hidden]`; `bias
    [vocabulary+group]`, first the head's. With no `cutoffs` there is one, `fastest_cutoff`.

    Raises OptionError as `AdaptiveSoftmax` does.
    """

    cutoffs: Tensor

    def __init__(self, weight: Tensor, cutoffs: tuple[int, ...] = ()) -> None:
        super().__init__()
        vocabulary, units = weight.shape
        cuts = cutoffs or (fastest_cutoff(vocabulary),)
        _check_cutoffs(vocabulary, cuts)
        edges = (0, *cuts, vocabulary)
        self.sizes = [end - begin for begin, end in itertools.pairwise(edges)]
        self.register_buffer("cutoffs", torch.tensor(cuts), persistent=False)
        self.weight = weight
        self.rare = nn.Parameter(torch.zeros(len(cuts), units))
        self.bias = nn.Parameter(torch.zeros(vocabulary + len(cuts)))
        with torch.no_grad():  # so that at first all symbols are as likely
            self.bias[cuts[0] : cuts[0] + len(cuts)] = torch.tensor(self.sizes[1:]).log()

    def scores(self, hidden: Tensor) -> Tensor:
        """Return log probabilities, `[... hidden] -> [... vocabulary]`."""
        logits = [functional.linear(hidden, weight, bias) for weight, bias in self._parts()]
        head, *groups = (each.float().log_softmax(-1) for each in logits)
        few = self.sizes[0]
        return torch.cat([head[..., :few], *(g + head[..., few + k, None] for k, g in enumerate(groups))], -1)

    def loss(self, hidden: Tensor, targets: Tensor, reduction: str) -> Tensor:
        """Return the cross-entropy in nats of `targets [...]` after `hidden [... hidden]`; negative ones are padding.

        `reduction` is "sum", or "mean" over what is not padding.
        """
        total = self._summed(chunked_cross_entropy, hidden, targets)
        return total / (targets >= 0).sum().clamp_min(1) if reduction == "mean" else total

    def smoothing(self, hidden: Tensor, targets: Tensor) -> Tensor:
        """Return what label smoothing of 1 adds to the sum of `loss`, where each of the two steps spreads its own
        target over its own symbols."""
        return self._summed(above_mean, hidden, targets)

    def _summed(self, each: Callable[[Tensor, Tensor, Tensor, Tensor], Tensor], h: Tensor, targets: Tensor) -> Tensor:
        """Return the sum of a function of vectors, weight, bias and targets over the head and each group."""
        h, targets = h.reshape(-1, h.shape[-1]), targets.flatten()
        (weight, bias), *groups = self._parts()
        group = torch.bucketize(targets, self.cutoffs, right=True)
        total = each(h, weight, bias, targets.where(group == 0, self.sizes[0] - 1 + group))
        begin = self.sizes[0]
        for number, (weight, bias) in enumerate(groups, 1):
            rows = (group == number).nonzero()[:, 0]
            if len(rows):
                total = total + each(h.index_select(0, rows), weight, bias, targets[rows] - begin)
            begin += self.sizes[number]
        return total

    def _parts(self) -> list[tuple[Tensor, Tensor]]:
        """Return weight and bias of the head and of each group."""
        few, *rest = self.sizes
        head, *groups = torch.split(self.weight, self.sizes)
        biases = torch.split(self.bias, [few + len(rest), *rest])
        return list(zip([torch.cat((head, self.rare)), *groups], biases, strict=True))


def fastest_cutoff(vocabulary: int) -> int:
    """Return how many symbols are to stand in the head of a softmax in two steps with one group.

    A place costs as many products as the head has vectors, and one whose symbol is rare as many again as the group has:
    C + 1 + (V - C) P(rare), where the r-th symbol is as frequent as 1 / r (Zipf). At 10,000 symbols 1,158 are best,
    and cost 0.31 of the whole.
    """
    share = (1 / torch.arange(1, vocabulary + 1, dtype=torch.float64)).cumsum(0)
    few = torch.arange(1, vocabulary)
    return 1 + int((few + 1 + (vocabulary - few) * (1 - share[:-1] / share[-1])).argmin())


def above_mean(hidden: Tensor, weight: Tensor, bias: Tensor | None, targets: Tensor) -> Tensor:
    """Return by how much the logits of `targets [...]` are above the mean of all logits, summed; no padding counts.

    Of W h + b, `hidden [... hidden]`: h (W_y - mean W) + b_y - mean b, for which no logit but the target's is needed.
    """
    there = (targets >= 0).nonzero(as_tuple=True)
    hidden, targets = hidden[there].float() if hidden.dtype == torch.bfloat16 else hidden[there], targets[there]
    above = (hidden * functional.embedding(targets, weight)).sum() - hidden.sum(0) @ weight.mean(0)
    return above if bias is None else above + bias[targets].sum() - len(targets) * bias.mean()


def _check_cutoffs(vocabulary: int, cuts: tuple[int, ...]) -> None:
    """Raise OptionError for a vocabulary that has nothing to save, or cutoffs that do not rise within it."""
    if vocabulary < FEWEST_FOR_ADAPTIVE:
        raise OptionError(
            f"--softmax adaptive: needs a vocabulary of {FEWEST_FOR_ADAPTIVE} symbols or more, "
            f"this one has {vocabulary}; take --softmax full"
        )
    if list(cuts) != sorted({*cuts}) or cuts[0] < 1 or cuts[-1] >= vocabulary:
        shown = " ".join(map(str, cuts))
        raise OptionError(f"cutoffs {shown}: must rise, from 1 to the vocabulary's {vocabulary} less one")
