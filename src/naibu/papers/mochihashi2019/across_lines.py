"""The lines of the study that set several networks beside each other."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from naibu.papers.mochihashi2019 import across
from naibu.papers.mochihashi2019.analyses import without_sign
from naibu.papers.mochihashi2019.line import Line, above, below, reported, score
from naibu.papers.mochihashi2019.lines import row_name, settings
from naibu.papers.mochihashi2019.questions import BRACKETS, SEEDS
from naibu.papers.mochihashi2019.study import Study
from naibu.papers.runner import Figures
from naibu.reporting.words import headline


def across_lines(study: Study) -> Iterator[Line]:
    """Yield the counters of all seeds, matched, and type 4 against type 2."""
    seeds = study.size.seeds()
    first = f"type 1, {seeds[0].units} units"
    known = settings(study, *seeds)
    for a, b in [(a, b) for a in seeds for b in seeds if a.seed < b.seed]:
        figure = partial(_counters, study, f"seed {a.seed}", f"seed {b.seed}")
        yield Line(SEEDS.title, f"{first}: counters of seeds {a.seed} and {b.seed}", "", figure, reported, None, known)
        figure = partial(_units, study, f"seed {a.seed}", f"seed {b.seed}")
        yield Line(SEEDS.title, f"{first}: all units of seeds {a.seed} and {b.seed}", "", figure, reported, None, known)
    pair = across.compared(study)
    if pair is not None:
        name = f"{row_name(pair[1])}, less {row_name(pair[0])}"
        for statistic, judge in (("recall", above()), ("loss", below())):
            for kind, words in (("all", "all brackets"), ("open", "opening"), ("close", "closing")):
                figure = partial(_compared, study, kind, statistic)
                claim = "type 4 better" if kind == "all" else ""
                row, known, says = f"{name}: {words}, {statistic}", settings(study, *pair), BRACKETS.says_of("words")
                yield Line(BRACKETS.title, row, claim, figure, judge if claim else reported, None, known, says)


def _counters(study: Study, first: str, second: str) -> Figures | None:
    """Return r of the depth units of two seeds with each other on the same sentences."""
    found = across.matched(study)
    if found is None:
        return None
    one = next((m for m in found.labelled if (m.network, m.other) == (first, second)), None)
    bare = next((m for m in found.labelled_untrained if (m.network, m.other) == (first, second)), None)
    if one is None:
        return None
    control = None if bare is None else bare.nearest_r
    r = score("|r| with the unit most like it", one.nearest_r, ("untrained network", control))
    return without_sign(r, one.nearest_r.test.value < 0) | {
        "unit": one.unit,
        "nearest": one.nearest,
        "others_best": one.best,
        "same": "yes" if one.nearest == one.best else "no",
        "partner": one.partner,
    }


def _units(study: Study, first: str, second: str) -> Figures | None:
    found = across.matched(study)
    pair = None if found is None else next((p for p in found.pairs if (p.first, p.second) == (first, second)), None)
    if pair is None:
        return None
    control = None if pair.untrained is None else pair.untrained.median
    figures = score("median |r| of matched units", pair.trained.median, ("untrained network", control))
    return figures | {"random_assignment": headline(pair.trained.random)[0].value}


def _compared(study: Study, kind: str, statistic: str) -> Figures | None:
    """Return type 4 less type 2 on the same brackets of the same sentences."""
    found = across.brackets_compared(study)
    one = None if found is None else found.of(kind)
    scores = None if one is None else one.recall_gain if statistic == "recall" else one.loss_gain
    if found is None or one is None or scores is None:
        return None
    figures = score(f"{statistic}, type 4 less type 2", scores)
    both = one.recall if statistic == "recall" else one.loss
    if both is not None:
        figures |= {name: headline(s)[0].value for name, s in zip(("type_2", "type_4"), both, strict=True)}
    return figures | {"sentences": found.sentences}
