"""What a beam search kept, step by step, as the tree that its prefixes are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

from torch import Tensor

from naibu.data.batch import Batch
from naibu.generation.hypothesis import Hypothesis, Symbols
from naibu.generation.stepper import Attending, Stepper


class Watched:
    """A stepper for the search for one sentence's translation, which remembers every prefix that was gone on with.

    kept: prefix -> ln P of it.
    """

    def __init__(self, stepper: Stepper) -> None:
        self._stepper, self.marks = stepper, stepper.marks
        self.kept: dict[Symbols, float] = {}

    def begin(self, batch: Batch) -> Any:
        """Return the state before anything is written."""
        rows = len(next(iter(batch.streams.values())).lengths)
        return [()] * rows, [0.0] * rows, None, self._stepper.begin(batch)

    def step(self, last: Tensor, state: Any) -> tuple[Tensor, Any]:
        """Return log probabilities of what follows, and the state after it."""
        prefixes, totals, before, inner = state
        if before is not None:
            symbols = last.tolist()
            totals = [
                total + float(before[row, symbol])
                for row, (total, symbol) in enumerate(zip(totals, symbols, strict=True))
            ]
            prefixes = [(*prefix, symbol) for prefix, symbol in zip(prefixes, symbols, strict=True)]
            self.kept |= dict(zip(prefixes, totals, strict=True))
        log_p, inner = self._stepper.step(last, inner)
        return log_p, (prefixes, totals, log_p.clone(), inner)  # what may not follow is struck out in the first

    def pick(self, state: Any, rows: Tensor) -> Any:
        """Return the state of chosen rows."""
        prefixes, totals, before, inner = state
        chosen = rows.tolist()
        picked = self._stepper.pick(inner, rows)
        before = None if before is None else before.index_select(0, rows)
        return [prefixes[k] for k in chosen], [totals[k] for k in chosen], before, picked

    def attention(self, state: Any) -> Tensor:
        """Return the weights of the last step."""
        return cast(Attending, self._stepper).attention(state[3])


def tree_of(
    kept: dict[Symbols, float], found: Sequence[Hypothesis], spelt: Callable[[int], str], end: str
) -> dict[str, Any]:
    """Return the tree of prefixes that were gone on with and of the translations that ended.

    A node has `symbol`, `log_probability` of all up to it, `best`, whether it leads to the best translation, and
    `next`, its children, the most probable first; one that ends has `score`, what it was ranked by, besides. The root
    stands before the first symbol.
    """
    best = found[0].symbols if found else ()
    root: dict[str, Any] = {"symbol": "", "log_probability": 0.0, "best": True, "next": []}
    nodes: dict[Symbols, dict[str, Any]] = {(): root}

    def node(prefix: Symbols, total: float | None) -> dict[str, Any]:
        if prefix not in nodes:
            above = node(prefix[:-1], None)
            nodes[prefix] = {"symbol": spelt(prefix[-1]), "log_probability": total, "next": []}
            nodes[prefix]["best"] = prefix == best[: len(prefix)]
            above["next"].append(nodes[prefix])
        return nodes[prefix]

    for prefix in sorted(kept, key=lambda each: (len(each), -kept[each])):
        node(prefix, kept[prefix])
    for number, each in enumerate(found):
        leaf = {"symbol": end, "log_probability": each.log_probability, "score": each.score, "next": []}
        node(each.symbols, None)["next"].append({**leaf, "best": number == 0, "cut": each.cut})
    return root
