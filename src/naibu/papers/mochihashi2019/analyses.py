"""The numbers of the study, each read from a result on disk: the ones the document has, then what goes beyond it."""

from __future__ import annotations

from naibu.interventions.agreement_results import Agreement
from naibu.interventions.results import Holding
from naibu.interventions.ternary_results import Ternary
from naibu.looking.analyses.holding import measured, random_values
from naibu.papers.mochihashi2019.line import score
from naibu.papers.mochihashi2019.networks import Network
from naibu.papers.mochihashi2019.study import Study, result
from naibu.papers.runner import Figures
from naibu.probes.bracket_results import BracketPrediction
from naibu.probes.components_results import UniqueComponents
from naibu.probes.part_of_speech_results import PartOfSpeech
from naibu.probes.results import Confusion, Correlation, Distributions, L1Path, Overlap, Regression, Scores
from naibu.probes.timescales_results import Timescales
from naibu.reporting.words import headline, of_signal, on_split


def end_recall(study: Study, network: Network) -> Figures | None:
    """Return how many ends of sequence are foreseen, and the untrained network's."""
    found: Confusion | None = result(study, network, Confusion, "confusion")
    if found is None or found.end_recall is None:
        return None
    figures = score("ED recall", found.end_recall, ("untrained network", found.end_recall_controls.untrained))
    bare = found.end_precision_controls.untrained
    figures["control_precision"] = None if bare is None else headline(bare)[0].value
    for name, scores in (("precision", found.end_precision), ("accuracy", found.accuracy), ("loss", found.loss)):
        figures[name] = None if scores is None else headline(scores)[0].value
    return figures | {"majority": headline(found.majority)[0].value}


def unit_with(study: Study, network: Network, name: str, signal: str) -> Figures | None:
    """Return r of the unit of a signal that follows depth (`name` "depth") or VP depth ("phrase") best."""
    found: Correlation | None = result(study, network, Correlation, name)
    best = None if found is None else of_signal(found, signal)
    if best is None:
        return None
    controls = best.pearson_controls
    r = score("|r| of the best unit", best.pearson, ("untrained network", controls.untrained))
    falls = bool(best.train_pearson[best.pearson_unit] < 0)
    position = on_split(controls.position, str(r["split"]))
    alone = None if position is None else abs(position.value)
    label = found.label if found is not None else None
    return without_sign(r, falls) | {"unit": best.pearson_unit, "position_alone": alone, "label": label}


def hidden_against_cell(study: Study, network: Network, name: str) -> Figures | None:
    """Return the same of the hidden state, with the interval of the cell's beside it."""
    hidden, cell = (unit_with(study, network, name, signal) for signal in ("hidden", "cell"))
    return None if hidden is None or cell is None else hidden | {"cell_low": cell["low"], "cell_high": cell["high"]}


def without_sign(r: Figures, falls: bool) -> Figures:
    """Return figures of r without its sign, which is chance: of a unit that falls with the label all are turned."""
    control = r.get("control_value")
    turned = r if not isinstance(control, float) else r | {"control_value": abs(control)}
    if not falls:
        return turned
    value, low, high = (-float(r[name] or 0) for name in ("value", "low", "high"))
    return turned | {"value": value, "low": high, "high": low, "falls": "yes"}


def overlap(study: Study, network: Network) -> Figures | None:
    """Return how far the values of the cell's best unit inside the phrase and elsewhere overlap."""
    found: Overlap | None = result(study, network, Overlap, "overlap")
    if found is None:
        return None
    best = next((s for s in found.signals if s.signal == "cell"), found.best())
    figures = score("overlap of one unit", best.overlap, ("untrained network", best.controls.untrained))
    named: Figures = {"unit": best.unit, "signal": best.signal, "label": found.label}
    return figures | named | {"knowing_nothing": best.no_information}


def regression(study: Study, network: Network, name: str, model: str) -> Figures | None:
    """Return R2 of one model of the depth from the cells: linear, lasso, single, monotone ..."""
    found: Regression | None = result(study, network, Regression, name)
    one = None if found is None else next((m for m in found.models if m.name == model), None)
    if one is None:
        return None
    figures = score("R²", one.r2, ("untrained network", one.r2_controls.untrained))
    return figures | {"units": len(one.units), "r": headline(one.r)[0].value}


def bend(study: Study, network: Network, model: str) -> Figures | None:
    """Return by how much a monotone curve through a unit's values tells the phrase's depth better than a line."""
    found: Regression | None = result(study, network, Regression, "regression-phrase")
    one = None if found is None else next((m for m in found.models if m.name == model), None)
    if found is None or one is None or one.gain is None:
        return None
    return score("R², monotone less line", one.gain) | {"label": found.label}


def few_units(study: Study, network: Network, name: str, share: float) -> Figures | None:
    """Return the accuracy of L1-regularised logistic regression with at most this share of the units.

    `name`: of the path. Its row with the weakest penalty is taken that has no more units; nothing is chosen by
    accuracy. Beside it stands the accuracy of the same units fitted again without the penalty.
    """
    found: L1Path | None = result(study, network, L1Path, name)
    if found is None or found.standardised != (name == "l1"):  # of an earlier version, which had raw units alone
        return None
    most = int(share * found.of)
    rows = [row for row in found.strengths if row.nonzero <= most]
    if not rows:
        return None
    row = max(rows, key=lambda each: each.strength)
    figures = score("accuracy", row.accuracy, ("always the commoner answer", found.majority))
    if row.refitted is not None:
        figures["refitted"] = headline(row.refitted)[0].value
    return figures | {"units": row.nonzero, "of": found.of, "C": row.strength, "label": found.label}


def parts_of_speech(study: Study, network: Network, signal: str, minus: str) -> Figures | None:
    """Return how much better two parts of speech are told from one signal than from another, on the same words."""
    found: PartOfSpeech | None = result(study, network, PartOfSpeech, "part_of_speech")
    there = None if found is None else found.difference(signal, minus)
    if found is None or there is None:
        return None
    parts = " from ".join(found.values)
    figures = score(f"accuracy, {parts}: {signal} less {minus}", there.scores, ("untrained network", there.untrained))
    for name in (signal, minus):
        one = found.of(name)
        figures[name] = None if one is None else headline(one.accuracy)[0].value
    figures["told_by"] = found.told_by
    for baseline in found.baselines:
        figures[baseline.name] = headline(baseline.scores)[0].value
    return figures


def word_types(study: Study, network: Network, values: tuple[str, str]) -> Figures | None:
    """Return how surely one component of the words' mean vectors puts words of one tag above those of another."""
    found: UniqueComponents | None = result(study, network, UniqueComponents, "unique_components")
    pair = None if found is None else next((p for p in found.pairs if set(p.values) == set(values)), None)
    if pair is None:
        return None
    bare = None if pair.untrained is None else pair.untrained.value
    figures = score("AUC on held-out words", Scores(pair.auc, None), ("untrained network", bare))
    return figures | {"component": pair.component + 1, "words": len(pair.words), "split": "words held out"}


def held(study: Study, network: Network) -> Figures | None:
    """Return what is left of prediction when the depth unit is held at its mean, and when random units are."""
    found: Holding | None = result(study, network, Holding, "holding")
    if found is None or not found.of("held"):
        return None
    name, split = measured(found)
    before, after = (getattr(found.of(kind)[0], name) for kind in ("before", "held"))
    drawn = random_values(found, name, split)
    worst = min(drawn) if name == "end_recall" else max(drawn)
    words = {"end_recall": "ED recall", "loss": "loss"}[name]
    figures = score(f"{words}, depth unit held", after, (f"worst of {len(drawn)} random units held", worst))
    kept = on_split(before, split)
    return figures | {"before": None if kept is None else kept.value, "unit": found.unit}


def beta_distance(study: Study, network: Network) -> Figures | None:
    """Return how far the forget gates lie from the beta distribution nearest to them; 0 is a perfect fit."""
    found: Distributions | None = result(study, network, Distributions, "distributions")
    gate = None if found is None else next((s for s in found.signals if s.signal == "forget_gate"), None)
    if gate is None or gate.beta is None:
        return None
    bare = None if gate.untrained_beta is None else gate.untrained_beta.distance.value
    distance = Scores(gate.beta.distance, None)
    figures = score("Kolmogorov distance from the nearest beta", distance, ("untrained network", bare))
    return figures | {"a": gate.beta.a.value, "b": gate.beta.b.value, "split": "all test"}


def near_levels(study: Study, network: Network, signal: str) -> Figures | None:
    """Return by how much more of a signal's values lie near one of the document's levels than just beside it.

    Of its levels the one with least is taken: a single hump at 0 shows no levels.
    """
    found: Distributions | None = result(study, network, Distributions, "distributions")
    one = None if found is None else next((s for s in found.signals if s.signal == signal), None)
    if one is None or one.levels is None:
        return None
    level = min(one.levels.places, key=lambda each: each.excess.value)
    bare = None if level.untrained_excess is None else level.untrained_excess.value
    figures = score("share near a level less share beside", Scores(level.excess, None), ("untrained network", bare))
    peaks = ", ".join(f"{peak.place:.2f}" for peak in one.peaks)
    named: Figures = {"level": level.place, "within": one.levels.within, "peaks": peaks, "split": "all test"}
    return figures | named | {"share_of_all_levels": one.levels.together.share.value}


def closing_better(study: Study, network: Network, statistic: str) -> Figures | None:
    """Return opening less closing brackets, recall or loss, on the same sentences."""
    found: BracketPrediction | None = result(study, network, BracketPrediction, "bracket_prediction")
    there = None if found is None else found.difference("close", statistic)
    if found is None or there is None:
        return None
    control = ("two symbols before", there.ngram) if there.ngram else ("untrained network", there.untrained)
    figures = score(f"{'recall' if statistic == 'recall' else 'loss'}, opening less closing", there.scores, control)
    for kind in ("open", "close"):
        one = found.of(kind)
        scores = None if one is None else one.recall if statistic == "recall" else one.loss
        figures[kind] = None if scores is None else headline(scores)[0].value
    return figures


def rounded(study: Study, network: Network, kind: str) -> Figures | None:
    """Return the loss added, as a share of the loss, by rounding the update at every step."""
    found: Ternary | None = result(study, network, Ternary, "ternary")
    one, dropped = (None if found is None else found.of(which) for which in (kind, "dropped"))
    if one is None or one.relative_change is None:
        return None
    control = None if dropped is None else dropped.relative_change
    figures = score("loss added", one.relative_change, ("update left out", control))
    recall = None if one.end_recall is None else headline(one.end_recall)[0].value
    return figures | {"end_recall": recall, "what": one.what}


def timescale(study: Study, network: Network, level: float) -> Figures | None:
    """Return the timescale in symbols that this share of the units lies below."""
    found: Timescales | None = result(study, network, Timescales, "timescales")
    if found is None or not found.layers:
        return None
    layer = found.layers[-1]
    place = min(range(len(layer.levels)), key=lambda k: abs(layer.levels[k] - level))
    bare = None if layer.untrained_quantiles is None else layer.untrained_quantiles[place]
    figures = score("timescale in symbols", layer.quantiles[place], ("untrained network", bare))
    for gate in found.gates:
        if gate.layer == layer.layer:
            figures[f"{gate.signal} open"] = headline(gate.trained.mean_right)[0].value
            figures[f"{gate.signal} shut"] = headline(gate.trained.mean_left)[0].value
    return figures


def agreed(study: Study, network: Network, kind: str) -> Figures | None:
    """Return how often the right verb is the more probable, over sentences of one kind."""
    found: Agreement | None = result(study, network, Agreement, "agreement")
    one = None if found is None else found.of(kind, 0 if kind == "none" else None)
    if found is None or one is None:
        return None
    bare = None if one.untrained is None else one.untrained.value
    figures = score("share of right verbs", Scores(one.accuracy, None), ("untrained network", bare))
    figures["split"] = "sentences made up"
    return figures | {"last_noun": one.last_noun, "more_frequent_form": one.unigram, "nouns": found.nouns}
