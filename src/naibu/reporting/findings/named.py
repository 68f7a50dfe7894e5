"""What was found by searching all units for each label."""

from __future__ import annotations

from naibu.probes.found import Found, Search
from naibu.reporting.findings.finding import CLOSE, Finding, controlled
from naibu.reporting.numbers import number, with_interval
from naibu.reporting.words import headline, label_name, on_split, signal_name

TELLS = 0.95  # AUC from which a unit is said to tell a label


def naming(search: Search) -> Finding:
    """Say which label one unit tells best, and how many labels are told better than by an untrained network."""
    if not search.found:
        return Finding("No label was searched.", False)
    told = [found for found in search.found if found.statistic == "auc"] or list(search.found)
    best = max(told, key=lambda found: found.best.train)
    score, split = headline(best.best.scores)
    area = best.statistic == "auc"
    sure = score.value >= (TELLS if area else CLOSE)
    text = (
        f"Of the labels searched, {label_name(best.label)} is told best by one unit, {best.best.unit} of the "
        f"{signal_name(best.best.signal)}{'' if sure else ', though not surely'}: the "
        f"{'AUC' if area else 'rank correlation'} is {with_interval(score)} ({split}; {_controls(best, split)})."
    )
    bare = _controlled(best, split)
    if bare is not None and not score.low > bare:
        text += f" That training made it so is not shown: what needs no training reaches {number(bare)}."
    if any(found.untrained is not None for found in search.found):
        beyond = sum(_beyond(found) for found in search.found)
        how_many = f"{beyond or 'None'} of {len(search.found)} labels {'is' if beyond == 1 else 'are'}"
        text += (
            f" {how_many} told better than by the best unit of the untrained network (the intervals do not touch) and "
            "than the symbol just read tells them."
        )
    return Finding(text, sure and (bare is None or score.low > bare))


def _controls(found: Found, split: str) -> str:
    controls = {"best of the untrained network": found.controls.untrained, "symbol alone": found.symbol}
    values = {name: controlled(scores, split) for name, scores in controls.items()}
    said = [f"{name}: {number(value)}" for name, value in values.items() if value is not None]
    return "; ".join([*said, f"p = {number(found.p)}, corrected for the units searched"])


def _controlled(found: Found, split: str) -> float | None:
    """Return the greater of what the untrained network and the symbol alone reach."""
    values = (controlled(scores, split) for scores in (found.controls.untrained, found.symbol))
    return max((value for value in values if value is not None), default=None)


def _beyond(found: Found) -> bool:
    score, split = headline(found.best.scores)
    bare, symbol = on_split(found.controls.untrained, split), on_split(found.symbol, split)
    return bare is not None and symbol is not None and score.low > max(bare.high, symbol.value)
