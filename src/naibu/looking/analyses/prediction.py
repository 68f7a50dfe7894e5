"""How well the network predicts, and which brackets it foresees."""

from __future__ import annotations

from collections.abc import Iterator

from naibu import probes
from naibu.data.forms import Form
from naibu.looking.analysis import Analysis, Ask, Numbers, Probed
from naibu.looking.numbers import interval, value
from naibu.probes.bracket_results import BracketPrediction
from naibu.probes.results import Confusion, Scores
from naibu.reporting.findings.brackets import closings
from naibu.reporting.findings.prediction import prediction
from naibu.reporting.numbers import number, share
from naibu.reporting.sections.bracket_prediction import brackets_predicted
from naibu.reporting.sections.training import predicts
from naibu.reporting.terminal import on_both
from naibu.reporting.words import outcome_name


def _confusion(probed: Probed) -> Iterator[Ask]:
    if probed.recording.index.predicted is not None:
        yield Ask("confusion", lambda: probes.confusion(probed.recording, untrained=probed.control))


def _scores(found: Confusion) -> dict[str, Scores | None]:
    ends = {"end_recall": found.end_recall, "end_precision": found.end_precision}
    return {"loss": found.loss, "perplexity": found.perplexity, "accuracy": found.accuracy, **ends}


def _of_confusion(found: Confusion) -> Numbers:
    controls = {"untrained": value(found.accuracy_controls.untrained), "majority": value(found.majority)}
    return {**interval("accuracy", found.accuracy.test), **controls, "singled_out": found.end}


def _lines(found: Confusion) -> dict[str, str]:
    lines = {"perplexity, test / unseen": on_both(found.perplexity, number)}
    if found.end is not None:
        what = outcome_name(found.end).removesuffix(" of sequence")
        lines[f"{what} foreseen, test / unseen"] = on_both(found.end_recall, share)
    return lines


CONFUSION = Analysis(
    "confusion",
    "how well it predicts",
    Confusion,
    predicts,
    prediction,
    asks=_confusion,
    numbers=_of_confusion,
    scores=_scores,
    lines=_lines,
)


def _brackets(probed: Probed) -> Iterator[Ask]:
    if probed.recording.index.predicted is not None:
        yield Ask("bracket_prediction", lambda: probes.bracket_prediction(probed.recording, probed.control))


def _of_brackets(found: BracketPrediction) -> Numbers:
    return {
        k.kind: {**interval("recall", k.recall.test), "ngram": value(k.ngram), "loss": value(k.loss)}
        for k in found.kinds
    }


BRACKET_PREDICTION = Analysis(
    "bracket_prediction",
    "which brackets it foresees",
    BracketPrediction,
    brackets_predicted,
    closings,
    asks=_brackets,
    numbers=_of_brackets,
    suits=lambda subject: subject.form != "" and Form(subject.form).brackets,
)
