"""The cells of the table, what Greff et al. 2017 found of them, and their units at equal parameters."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from naibu.config import CellName, ModelConfig
from naibu.models.language_model import recurrent

BASELINE: CellName = "lstm"
UNITS = 100
"""Units of the baseline; the others have as many as give their layer as many parameters."""
EMBEDDING = 64
"""Size of a symbol's vector, the same for every cell."""

BETTER, WORSE, ALIKE = "better", "worse", "not told apart"


@dataclass(frozen=True)
class Variant:
    """A cell by its name in `ModelConfig`, what it is, and what Greff et al. 2017 found of it, where they tried it.

    `within` are the verdicts, on a task against our baseline, that agree with what was found on at least one of
    their three tasks.
    """

    cell: CellName
    words: str
    name_there: str | None = None
    found: str | None = None
    within: tuple[str, ...] = ()


VARIANTS = (
    Variant("lstm", "LSTM with forget gate, without peepholes: what the others are compared with"),
    Variant(
        "lstm-peephole",
        "gates see the cell",
        "V against NP",
        "taking the peepholes away changes nothing significantly on any of the three tasks",
        (ALIKE,),
    ),
    Variant(
        "lstm-coupled",
        "f = 1 - i",
        "CIFG",
        "no significant change of the mean on any of the three tasks",
        (ALIKE,),
    ),
    Variant(
        "lstm-no-input-gate",
        "i = 1",
        "NIG",
        "significantly worse on speech and handwriting, no significant effect on music",
        (WORSE, ALIKE),
    ),
    Variant("lstm-no-forget-gate", "f = 1", "NFG", "significantly worse on all three tasks", (WORSE,)),
    Variant(
        "lstm-no-output-gate",
        "o = 1",
        "NOG",
        "significantly worse on speech and handwriting, no significant effect on music",
        (WORSE, ALIKE),
    ),
    Variant("lstm-1997", "no forget gate, squashing functions of 1997, full gradient"),
    Variant("lstm-cheat-sheet", "a relevance gate in the candidate, no tanh at the output"),
    Variant("lstm-layer-norm", "pre-activations and cell normalised over the layer"),
    Variant("slstm", "exponential input gate, normaliser (xLSTM)"),
    Variant("slstm-exponential", "the same with both gates exponential"),
    Variant("gru", "reset gate after the product"),
    Variant("gru-reset-before", "reset gate before the product"),
    Variant("min-lstm", "gates see the input alone"),
    Variant("min-gru", "gates see the input alone"),
    Variant("rnn", "Elman, tanh"),
    Variant("rnn-relu", "Elman, ReLU"),
    Variant("one-to-one", "no recurrence: the present symbol alone"),
)

SOURCE = "Greff et al. 2017, LSTM: A Search Space Odyssey, section V, comparison of the variants"


def variant_named(cell: str) -> Variant:
    """Return the variant of a cell."""
    return next(variant for variant in VARIANTS if variant.cell == cell)


def config_of(cell: CellName, units: int) -> ModelConfig:
    """Return the shape of a network: one layer, no dropout (a network this small and this briefly trained does not
    overfit), everything else as usual."""
    return ModelConfig(cell=cell, units=units, embedding=EMBEDDING, dropout=0.0)


def layer_parameters(cell: CellName, units: int) -> int:
    """Return how many parameters the recurrent layer of a cell has; nothing is allocated."""
    with torch.device("meta"):
        return sum(p.numel() for p in recurrent(EMBEDDING, config_of(cell, units)).parameters())


def equal_units(cell: CellName, parameters: int | None = None) -> int:
    """Return the units with which the cell's layer comes nearest to `parameters`, by default the baseline's."""
    wanted = layer_parameters(BASELINE, UNITS) if parameters is None else parameters
    high = 1
    while layer_parameters(cell, high) < wanted:
        high *= 2
    low = high // 2  # fewer than wanted at `low`, enough at `high`
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if layer_parameters(cell, middle) < wanted else (low, middle)
    near = (units for units in (low, high) if units)
    return min(near, key=lambda units: abs(layer_parameters(cell, units) - wanted))
