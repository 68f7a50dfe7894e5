"""The main numbers of the probes of words under fixed names, for `summary.json`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from naibu.probes.baseline import Baseline
from naibu.probes.components_results import Components, Neighbours, Telling, UniqueComponents, WordTokens
from naibu.probes.part_of_speech_results import PartOfSpeech
from naibu.probes.results import Score, Scores
from naibu.reporting.content import NetworkPart


def summary_of_words(part: NetworkPart) -> dict[str, Any]:
    """Return what there is of `part_of_speech`, `components`, `unique_components`, `word_tokens` and `neighbours`.

    Scores are of test sequences, with their interval and on unseen ones; `baselines` need no network. What was not
    probed is left out.
    """
    found: dict[str, Any] = {}
    if part.part_of_speech is not None:
        found["part_of_speech"] = _parts(part.part_of_speech)
    for name, result in (("components", part.components), ("word_tokens", part.word_tokens)):
        if result is not None:
            found[name] = _along(result)
    if part.unique_components is not None:
        found["unique_components"] = _types(part.unique_components)
    if part.neighbours is not None:
        found["neighbours"] = _near(part.neighbours)
    return found


def _parts(found: PartOfSpeech) -> dict[str, Any]:
    return {
        "values": list(found.values),
        "told_by": found.told_by,
        "signals": {
            s.signal: {
                "layer": s.layer,
                **_scores("accuracy", s.accuracy),
                "untrained": _value(s.controls.untrained),
                "random_label": _value(s.controls.random_label),
                "selectivity": _value(s.selectivity),
            }
            for s in found.signals
        },
        "differences": {
            f"{d.signal}-{d.minus}": {**_scores("difference", d.scores), "untrained": _value(d.untrained)}
            for d in found.differences
        },
        "baselines": _baselines(found.baselines),
    }


def _along(found: Components | WordTokens) -> dict[str, Any]:
    word = {"word": found.word} if isinstance(found, WordTokens) else {}
    names = found.tags if isinstance(found, WordTokens) else found.classes
    return {
        **word,
        "layer": found.layer,
        "signal": found.signal,
        "names": len(names),
        "told_by": found.told_by,
        **{telling.name.replace(" ", "_"): _telling(telling) for telling in found.telling},
        "baselines": _baselines(found.baselines),
    }


def _telling(telling: Telling) -> dict[str, Any]:
    accuracy = _scores("accuracy", telling.scores)
    return {"dimensions": telling.dimensions, **accuracy, "untrained": _value(telling.untrained)}


def _types(found: UniqueComponents) -> dict[str, Any]:
    pairs = {
        "/".join(p.values): {
            "component": p.component + 1,
            **_interval("auc", p.auc),
            "words": p.auc.n,
            "untrained": None if p.untrained is None else p.untrained.value,
        }
        for p in found.pairs
    }
    return {"layer": found.layer, "signal": found.signal, "types": found.types, "pairs": pairs}


def _near(found: Neighbours) -> dict[str, Any]:
    queries = [
        {
            "word": q.symbol,
            "part_of_speech": q.tag,
            "cosine": max((n.cosine for n in q.others), default=None),
            "usual": q.usual,
            "others": len(q.others),
            "others_alike": sum(n.tag == q.tag for n in q.others),
        }
        for q in found.queries
    ]
    return {"layer": found.layer, "signal": found.signal, "looked_at": found.looked_at, "queries": queries}


def _baselines(found: Iterable[Baseline]) -> dict[str, float]:
    return {b.name: b.scores.test.value for b in found}


def _scores(name: str, scores: Scores) -> dict[str, float | None]:
    return {**_interval(name, scores.test), "unseen": None if scores.unseen is None else scores.unseen.value}


def _interval(name: str, score: Score) -> dict[str, float]:
    return {name: score.value, "low": score.low, "high": score.high}


def _value(scores: Scores | None) -> float | None:
    return None if scores is None else scores.test.value
