"""Why translations went wrong, of a whole text: counts, the sweep of the beam's width, the worst, what to change."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from naibu.data.parallel import Pairs, source_batch
from naibu.data.parallel_coder import ParallelCoder
from naibu.generation.errors import VERDICTS, Judged, Width, judge, sweep
from naibu.generation.forced import forced
from naibu.generation.options import Budget, SearchOptions
from naibu.generation.translating import Translating
from naibu.generation.translation_stepper import TranslationStepper
from naibu.progress import Report
from naibu.tasks.bleu import chrf_of_each

WORST = 6
"""Sentences that are shown with their attention."""
Scored = Callable[[Sequence[str]], dict[str, Any]]
"""From the translations of all sentences to BLEU, chrF and the ratio of lengths."""


def analysis(
    stepper: TranslationStepper,
    coder: ParallelCoder,
    pairs: Pairs,
    options: SearchOptions,
    translated: Translating,
    budget: Budget,
    widths: Sequence[int],
    scored: Scored,
    progress: Report,
) -> dict[str, Any]:
    """Return what an error analysis tells, in plain numbers and texts; `translated` is what a search with the options
    found.

    `verdicts` and `fault` count sentences (see `Judged`); `of_reference` counts those whose reference no search may
    find; `proof` has what the proofs took and the scores of the proved best translations, which are no better for being
    likelier; `sweep` has a row for each width; `sentences` one for each sentence; `worst` those of the lowest chrF,
    with their attention; `advice` says in sentences what to change.
    """
    usual = Width(options, [best[0] for best in translated.best], translated.seconds)
    rest = sweep(stepper, coder, pairs, options, sorted({*widths} - {options.beam}), progress=progress)
    swept = sorted([usual, *rest], key=lambda each: each.options.beam)
    others = [[best.found for best in each.best] for each in rest]
    mine = [best.found for best in usual.best]
    judged = judge(stepper, coder, pairs, mine, options, budget, others=others, progress=progress)
    references = [pairs.target.text(each.number) for each in judged]
    found = [coder.spell(each.found.symbols) for each in judged]
    best = [coder.spell(each.proof.best.symbols) for each in judged]
    decided = [k for k, each in enumerate(judged) if each.proof.decided]
    proof = {
        "decided": len(decided),
        "prefixes": sum(each.proof.prefixes for each in judged),
        "seconds": sum(each.proof.seconds for each in judged),
        "best": _shown(scored(best)),
        "empty": sum(not judged[k].proof.best.symbols for k in decided) / len(decided) if decided else None,
    }
    told: dict[str, Any] = {
        "ranked_by": _ranked_by(options),
        "count": len(judged),
        "verdicts": {name: sum(each.verdict == name for each in judged) for name in VERDICTS},
        "fault": dict(Counter(each.fault for each in judged)),
        "of_reference": sum(not each.writable for each in judged),
        "found": _shown(scored(found)),
        "beam": options.beam,
        "proof": proof,
        "sweep": [_width(each, judged, scored) for each in swept],
        "sentences": [
            _sentence(each, pairs.source.text(each.number), y, translation, likeliest)
            for each, y, translation, likeliest in zip(judged, references, found, best, strict=True)
        ],
    }
    order = np.argsort(chrf_of_each(found, references), kind="stable")[:WORST].tolist()
    told["worst"] = [_seen(stepper, coder, pairs, judged[k]) | told["sentences"][k] for k in order]
    return told | {"advice": advice(told)}


def _ranked_by(options: SearchOptions) -> str:
    if not options.alpha:
        return "ln P(y|x)"
    return f"ln P(y|x) / {'T' if options.penalty == 'power' else '((5 + T) / 6)'}^{options.alpha:g}"


def _shown(scores: dict[str, Any]) -> dict[str, float]:
    return {name: scores[name] for name in ("bleu", "chrf", "length_ratio")}


def _width(found: Width, judged: Sequence[Judged], scored: Scored) -> dict[str, Any]:
    """Return the row of a width."""
    missed = found.missed(judged)
    row: dict[str, Any] = {"beam": found.options.beam, **_shown(scored([best.text for best in found.best]))}
    row["search_errors"] = None if math.isnan(missed) else missed
    return row | {"empty": found.empty, "seconds": found.seconds}


def _sentence(each: Judged, source: str, reference: str, translation: str, best: str) -> dict[str, Any]:
    """Return the row of a sentence."""
    proof = {name: value for name, value in asdict(each.proof).items() if name != "best"}
    return {
        "source": source,
        "reference": reference,
        "translation": translation,
        "verdict": each.verdict,
        "fault": each.fault,
        "log_probability": each.found.log_probability,
        "score": each.found.score,
        "reference_log_probability": each.reference.log_probability,
        "reference_score": each.reference.score,
        "reference_writable": each.writable,
        "best": best,
        "best_score": each.proof.best.score,
        "proof": proof,
    }


def _seen(stepper: TranslationStepper, coder: ParallelCoder, pairs: Pairs, each: Judged) -> dict[str, Any]:
    """Return the symbols of a sentence and its translation, and the attention between them."""
    batch = source_batch(pairs.source, np.array([each.number]))
    (read,) = forced(stepper, batch, [each.found.symbols], attention=True)
    assert read.attention is not None
    end = coder.target.level.end
    return {
        "source_symbols": [*pairs.source.symbols_of(each.number), end],
        "target_symbols": [*coder.target.vocabulary.decode(each.found.symbols), end],
        "attention": np.round(read.attention.astype(np.float64), 4).tolist(),
    }


def advice(told: dict[str, Any]) -> list[str]:
    """Return what an analysis says is to be changed, in document E's words, and what the proof adds to it."""
    count, fault, verdicts = told["count"], told["fault"], told["verdicts"]
    search, network, right = (fault.get(name, 0) for name in ("search", "network", "none"))
    found = [
        f"Of {count:,} translations {right:,} are the reference. Of the other {search + network:,} the reference ranks "
        f"above what was found in {search:,}: there the search is at fault, and the remedy is a wider beam. In "
        f"{network:,} it does not: there the network is at fault, and the remedies are another architecture, "
        "regularisation, more data."
    ]
    if told["of_reference"]:
        found.append(
            f"{told['of_reference']:,} references cannot be written at all (an unknown word, or a length that is not "
            "allowed) and are counted as the network's fault: a larger vocabulary, or subwords, would reach them."
        )
    decided, best, now = told["proof"]["decided"], told["proof"]["best"], told["found"]
    missed = verdicts["search error"]
    if decided == count:
        change = "no better" if best["bleu"] <= now["bleu"] else "better"
        found.append(
            "The translation that the network likes best is proved for all: it is another than the one found in "
            f"{missed:,}. BLEU of the best is {best['bleu']:.1f} (length ratio {best['length_ratio']:.2f}), of what "
            f"was found {now['bleu']:.1f} ({now['length_ratio']:.2f}): finding what ranks highest is {change} here."
        )
    else:
        found.append(
            f"The translation that the network likes best is proved for {decided:,} of {count:,}; "
            f"{verdicts['undecided']:,} are undecided: --proof-prefixes allows more, --proof-longer or --alpha make "
            "less to prove."
        )
    if len(told["sweep"]) > 1:
        top = max(told["sweep"], key=lambda row: row["bleu"])
        found.append(
            f"BLEU is highest with a beam of {top['beam']} ({top['bleu']:.1f}) on these sentences; choose the width on "
            "others than those that are reported."
        )
    return found
