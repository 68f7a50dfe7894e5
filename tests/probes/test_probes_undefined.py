"""A network that was given NaN: no probe says a number of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from naibu import probes
from naibu.errors import OptionError
from naibu.interventions.hold import training_means
from naibu.recording import Recording, record

KEY = ("lstm.0", "cell")
X = torch.randn(12, 20, 3, generator=torch.Generator().manual_seed(1))
LABELS: dict[str, Any] = {"y": np.random.default_rng(0).normal(size=(20, 12)), "b": np.arange(240).reshape(20, 12) % 2}
PROBES: dict[str, Callable[[Recording], object]] = {
    "correlation": lambda r: probes.correlation(r, "y"),
    "overlap": lambda r: probes.overlap(r, "b"),
    "distributions": probes.distributions,
    "regression": lambda r: probes.regression(r, "y", KEY),
    "l1_path": lambda r: probes.l1_path(r, "b", KEY),
    "means": lambda r: training_means(r, KEY),
}


@pytest.mark.parametrize("dtype", ["float16", "float32"])
@pytest.mark.parametrize("name", PROBES)
def test_a_signal_that_holds_nan_is_refused_with_its_place(name: str, dtype: str) -> None:
    x = X.clone()
    x[3, 7, 0] = float("nan")
    torch.manual_seed(2)
    layer = nn.LSTM(3, 4)
    found = record(layer, x, keep=("cell",), labels=LABELS, dtype=dtype)
    said = "lstm.0/cell: 36 values are NaN, the first at sequence 7, position 3, unit 0"
    with pytest.raises(OptionError, match=said):
        PROBES[name](found)
    again = Recording.from_arrays(
        {KEY: np.asarray(found[KEY])}, sequence=found.index.sequence, labels={n: v.ravel() for n, v in LABELS.items()}
    )
    with pytest.raises(OptionError, match="36 values are NaN"):
        PROBES[name](again)
    PROBES[name](record(layer, X, keep=("cell",), labels=LABELS, dtype=dtype))
