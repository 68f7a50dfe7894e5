"""What a language model says of two verbs after the same prefix, and what it holds there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from naibu.models.language_model import LanguageModel
from naibu.probes.source import Key

BATCH = 128


@dataclass(frozen=True)
class Texts:
    """Prefixes, and for each verb what follows in the singular and in the plural: one symbol, or a bracket and one."""

    ids: list[np.ndarray]  # int64 [time] each
    verbs: Sequence[tuple[Sequence[int], Sequence[int]]]

    def subset(self, which: np.ndarray) -> Texts:
        """Some of the prefixes."""
        return Texts([self.ids[k] for k in which], self.verbs)

    def batches(self) -> Iterator[tuple[np.ndarray, Tensor]]:
        """Numbers of prefixes of one length, and these as `[time batch]`: no padding, for the end is what counts."""
        lengths = np.array([len(ids) for ids in self.ids])
        for length in np.unique(lengths):
            which = np.flatnonzero(lengths == length)
            for a in range(0, len(which), BATCH):
                some = which[a : a + BATCH]
                yield some, torch.from_numpy(np.stack([self.ids[k] for k in some], axis=1))


@torch.no_grad()
def verb_odds(model: LanguageModel, texts: Texts) -> np.ndarray:
    """log p(plural) - log p(singular) of each verb after each prefix, [prefix verb].

    What follows in two symbols has p(first) p(second | first); both are read after the very same prefix.
    """
    out = np.zeros((len(texts.ids), len(texts.verbs)))
    opening = sorted({form[0] for verb in texts.verbs for form in verb if len(form) == 2})
    for which, ids in texts.batches():
        second: dict[int, Tensor] = {}
        if opening:
            _, state = model(ids[:-1])
            for symbol in opening:
                output, _ = model(torch.stack([ids[-1], torch.full_like(ids[-1], symbol)]), state)
                first, second[symbol] = _log_p(model, output[0]), _log_p(model, output[1])
        else:
            first = _log_p(model, model(ids)[0][-1])
        for v, forms in enumerate(texts.verbs):
            one, many = (first[:, f[0]] + (second[f[0]][:, f[1]] if len(f) == 2 else 0.0) for f in forms)
            out[which, v] = (many - one).numpy()
    return out


def _log_p(model: LanguageModel, output: Tensor) -> Tensor:
    """log p of the next symbol after a step, [batch hidden] -> [batch vocabulary]."""
    return model.logits(output).log_softmax(-1)


@torch.no_grad()
def number_values(model: LanguageModel, texts: Texts, signal: str) -> dict[Key, np.ndarray]:
    """A signal of every layer at the last symbol of each prefix, [prefix unit]."""
    found: dict[Key, np.ndarray] = {}
    for which, ids in texts.batches():
        for key, value in model.watch(ids, keep=(signal,)).signals.items():
            if key not in found:
                found[key] = np.zeros((len(texts.ids), value.shape[-1]))
            found[key][which] = value[-1].numpy()
    return found
