"""A page on somebody's own module in one call."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import naibu
from naibu.data.examples import Column
from naibu.looking.own import redrawn


class Adder(nn.Module):
    """Its first unit is the running sum of what it reads, by hand; its second the last value."""

    def __init__(self) -> None:
        super().__init__()
        self.rnn = nn.RNN(1, 2, nonlinearity="relu")
        with torch.no_grad():
            for parameter, value in zip(
                self.rnn.parameters(), ([[1.0], [1.0]], [[1.0, 0], [0, 0]], [0.0, 0], [0.0, 0]), strict=True
            ):
                parameter.copy_(torch.tensor(value))
        self.drop = nn.Dropout(0.5)

    def forward(self, x: Tensor) -> Tensor:
        return self.drop(self.rnn(x)[0])


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Any:
    x = torch.from_numpy(np.random.default_rng(1).integers(0, 3, (12, 40, 1))).float()
    total = np.cumsum(x.numpy()[..., 0], 0).T  # [sequence time]
    lengths = [12] * 30 + [7] * 10
    flat = np.concatenate([row[:n] for row, n in zip(total, lengths, strict=True)])
    high = Column((flat > 6).astype(np.int32), ("no", "yes"))
    module = Adder()
    out = tmp_path_factory.mktemp("own") / "page.html"
    given = {"labels": {"sum": total, "high": high}, "lengths": lengths}
    return naibu.report(module, x, out=out, **given), module, x, out


def test_one_call_records_probes_and_shows_a_module(found: Any) -> None:
    page, module, _, out = found
    assert page.report() == out
    assert out.read_text(encoding="utf-8").count("Unit 0 of the hidden state follows the sum") >= 1
    analyses = page.summary["networks"]["Adder"]["analyses"]
    assert analyses["label"]["signals"]["hidden"]["unit"] == 0
    assert analyses["label"]["signals"]["hidden"]["r"] == pytest.approx(1, abs=1e-3)
    assert analyses["search"]["high"]["unit"] == 0
    assert analyses["search"]["high"]["untrained"] is not None
    assert module.training
    assert module.drop.training
    assert page.runs == ()
    assert "Unit 0 of the hidden state follows the sum" in page._repr_html_()
    assert len(repr(page)) < 200
    assert page.summary["finding"] == json.loads(out.with_name("summary.json").read_text())["finding"]


def test_a_page_that_is_gone_is_written_again_and_copies_are_equal(found: Any, tmp_path: Path) -> None:
    page, _, _, out = found
    written = out.read_text(encoding="utf-8")
    out.unlink()
    assert page.report().read_text(encoding="utf-8") == written
    assert page.report(tmp_path / "copy.html").read_text(encoding="utf-8") == written


def test_what_cannot_be_reported_is_said(found: Any, tmp_path: Path) -> None:
    _, module, x, _ = found
    for labels in ({}, ["sum"]):
        with pytest.raises(naibu.OptionError, match="labels"):
            naibu.report(module, x, labels=labels, out=tmp_path / "page.html")
    column = Column(np.zeros(5, np.int32))
    with pytest.raises(naibu.OptionError, match="a Column of 5 steps; lengths must add up to that, none are given"):
        naibu.report(module, x, labels={"a": column}, out=tmp_path / "page.html")
    assert not (tmp_path / "page.html").exists()


def test_the_control_is_the_module_drawn_anew_where_all_of_it_can_be() -> None:
    module = Adder()
    bare = redrawn(module)
    assert bare is not None
    assert not torch.equal(bare.rnn.weight_hh_l0, module.rnn.weight_hh_l0)
    assert bare.rnn.weight_hh_l0.abs().max() <= 2**-0.5
    module.own = nn.Parameter(torch.ones(3))
    assert redrawn(module) is None
