"""The output layer of a language model: from a hidden vector to the probability of every symbol."""

from __future__ import annotations

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
        if vocabulary < FEWEST_FOR_ADAPTIVE:
            raise OptionError(
                f"--softmax adaptive: needs a vocabulary of {FEWEST_FOR_ADAPTIVE} symbols or more, "
                f"this one has {vocabulary}; take --softmax full"
            )
        cuts = cutoffs or (vocabulary // 20, 3 * vocabulary // 10)
        if list(cuts) != sorted({*cuts}) or cuts[0] < 1 or cuts[-1] >= vocabulary:
            shown = " ".join(map(str, cuts))
            raise OptionError(f"cutoffs {shown}: must rise, from 1 to the vocabulary's {vocabulary} less one")
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
