"""Number agreement over nouns of another number, and the unit that carries the subject's number held still."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from naibu.cells.edits import Clamp
from naibu.cells.exchange import edited
from naibu.data.corpus import Corpus
from naibu.data.generated.agreement import Prefix, draw_items, events, prefixes, symbols, verb_events
from naibu.data.generated.agreement_words import LEAST, Lexicon, does_not_apply, lexicon
from naibu.errors import OptionError
from naibu.interventions.agreement_results import Agreement, Condition, Held, Moved, NumberUnit, OfVerb
from naibu.interventions.agreement_scores import Marks
from naibu.interventions.verb_odds import Texts, number_values, verb_odds
from naibu.models.language_model import LanguageModel
from naibu.probes.resampling import Resampler
from naibu.probes.source import Key
from naibu.progress import Report, silent
from naibu.runs import Run
from naibu.runs.language_models import load, untrained
from naibu.training.threads import threads


def agreement(run: Run, corpus: Corpus, *, progress: Report = silent) -> Agreement:
    """Number agreement in a run's network, trained and before its first step, as `agreement_of` has it by default."""
    with threads(run.training.threads):
        return replace(agreement_of(load(run), corpus, bare=untrained(run), progress=progress), run=run.name)


def agreement_of(
    model: LanguageModel,
    corpus: Corpus,
    *,
    bare: LanguageModel | None = None,
    attractors: Sequence[int] = (0, 1, 2, 3),
    items: int = 100,
    least: int = LEAST,
    draws: int = 10,
    resamples: int = 1000,
    seed: int = 1,
    progress: Report = silent,
) -> Agreement:
    """How often the verb with the subject's number is more probable than the other, by the nouns in between.

    Sentences are made of the vocabulary's own nouns (`data.generated.agreement`): for each number of `attractors`
    so many `items`, each with both numbers of the subject and of the nouns in between. After the same prefix both
    forms of every verb are scored; where the form shows the verb's tag, by p(tag) p(verb | tag). Controls: chance
    (.5); the more frequent form, which is right in half of the sentences; the last noun's number, right where the
    nouns in between have the subject's number and nowhere else; the network before training, `bare`.

    Cause: the nouns are divided in two halves. On one the unit of the cell (or hidden state) with the largest |r| with
    the subject's number before the verb is chosen, among sentences with a noun in between; on the other it is scored,
    and held at every step at its mean, and so are `draws` random units, one at a time.

    How it can mislead: a network that prefers one form of a verb always is at .5 though the subject may move its odds,
    which `moved` shows; agreement with the last noun alone looks like skill in congruent sentences, so only
    incongruent ones tell; sentences are grammatical and mean nothing. In forms with tags the noun's own tag shows its
    number too, and brackets say which noun is the subject. Intervals are from resampling subject nouns with all their
    sentences; the other nouns, the tags and the verbs stay, so that even an untrained network can lie off .5 by more
    than its interval, and nothing is said of other verbs. Source: Linzen, Dupoux & Goldberg
    2016; not in document A.

    OptionError, one line that says that it does not apply, for a vocabulary without English number forms.
    """
    if not attractors or items < 2:
        raise OptionError(f"agreement of {items} items with {len(attractors)} numbers of attractors: too few sentences")
    words = lexicon(corpus, least=least)
    made = [prefixes(draw_items(words, k, items, seed)) for k in attractors]
    sentences = [prefix for some in made for prefix in some]
    texts = _texts(sentences, words, corpus)
    progress(0, 3 + draws, "scoring verbs")
    marks = Marks(sentences, verb_odds(model, texts), Resampler(resamples, seed))
    progress(1, 3 + draws, "scoring verbs, untrained")
    control = None if bare is None else Marks(sentences, verb_odds(bare, texts), marks.resampler)
    conditions, moved = _conditions(marks, control, words, attractors)
    verbs = tuple(
        OfVerb(
            verb.name, marks.accuracy(marks.everything, [v]),
            marks.accuracy(marks.incongruent, [v]) if marks.incongruent.any() else None,
            _unigram(words, marks, marks.everything, [v]),
        )
        for v, verb in enumerate(words.verbs)
    )  # fmt: skip
    unit = _number_unit(model, bare, texts, marks, draws, seed, progress)
    return Agreement(
        "", corpus.form, len(words.nouns), tuple(verb.name for verb in words.verbs), items, len(sentences),
        "subject nouns", conditions, moved, verbs, unit,
    )  # fmt: skip


def _texts(sentences: Sequence[Prefix], words: Lexicon, corpus: Corpus) -> Texts:
    """Sentences and verbs as numbers of symbols; OptionError where a bracket of theirs is not in the vocabulary."""
    written = [symbols(events(prefix, words), corpus.form) for prefix in sentences]
    verbs = [[symbols(verb_events(verb, number), corpus.form) for number in (0, 1)] for verb in words.verbs]
    index = corpus.vocabulary.index
    used = {symbol for text in (*written, *(form for verb in verbs for form in verb)) for symbol in text}
    missing = sorted(symbol for symbol in used if symbol not in index)
    if missing:
        raise does_not_apply(f"the vocabulary of {corpus.name} lacks {' '.join(missing[:6])}")
    ids = [np.array([index[symbol] for symbol in text], np.int64) for text in written]
    return Texts(ids, [([index[s] for s in one], [index[s] for s in many]) for one, many in verbs])


def _conditions(
    marks: Marks, control: Marks | None, words: Lexicon, attractors: Sequence[int]
) -> tuple[tuple[Condition, ...], tuple[Moved, ...]]:
    found, moved = [], []
    for k in (*attractors, None):
        there = marks.attractors >= 1 if k is None else marks.attractors == k
        kinds = {"none": there} if k == 0 else {"congruent": marks.congruent, "incongruent": ~marks.congruent}
        for kind, of_kind in kinds.items():
            rows = there & of_kind
            if not rows.any():
                continue
            found.append(
                Condition(
                    k, kind, marks.accuracy(rows), marks.accuracy(rows & (marks.number == 0)),
                    marks.accuracy(rows & (marks.number == 1)), None if control is None else control.accuracy(rows),
                    float((marks.last == marks.number)[rows].mean()), _unigram(words, marks, rows),
                )
            )  # fmt: skip
        if k is not None:
            moved.append(Moved(k, marks.moved(there), None if control is None else control.moved(there)))
    return tuple(found), tuple(moved)


def _unigram(words: Lexicon, marks: Marks, rows: np.ndarray, verbs: Sequence[int] | None = None) -> float:
    """Accuracy of saying each verb in its more frequent form; of equally frequent ones, half."""
    plural = np.sign([verb.counts[1] - verb.counts[0] for verb in words.verbs])[list(verbs or range(len(words.verbs)))]
    right = np.where(marks.number[rows, None] == 1, plural, -plural)
    return float((right + 1).mean() / 2)


# ---------------------------------------------------------------- the unit that carries number


@dataclass(frozen=True)
class _Chosen:
    key: Key
    unit: int
    of: int
    chosen_r: float
    means: np.ndarray  # [unit] of the layer, before the verb, on the choosing half


def _choose(values: dict[Key, np.ndarray], number: np.ndarray, rows: np.ndarray) -> _Chosen:
    """The unit with the largest |r| with the number on some rows, over all layers."""
    y = number[rows] - number[rows].mean()
    best: _Chosen | None = None
    of = sum(x.shape[1] for x in values.values())
    for key, x in values.items():
        centred = x[rows] - x[rows].mean(axis=0)
        spread = np.sqrt((centred**2).sum(axis=0) * (y @ y))
        r = np.where(spread > 1e-9, y @ centred / np.where(spread > 1e-9, spread, 1.0), 0.0)
        unit = int(np.abs(r).argmax())
        if best is None or abs(r[unit]) > abs(best.chosen_r):
            best = _Chosen(key, unit, of, float(r[unit]), x[rows].mean(axis=0))
    assert best is not None
    return best


def _number_unit(
    model: LanguageModel,
    bare: LanguageModel | None,
    texts: Texts,
    marks: Marks,
    draws: int,
    seed: int,
    progress: Report,
) -> NumberUnit | None:
    signal = next((s for s in ("cell", "hidden") if s in model.layers.cell_type.signals), None)
    if signal is None:
        return None
    chosen_on = marks.half(seed)
    between = marks.attractors >= 1 if (marks.attractors >= 1).any() else marks.everything
    values = number_values(model, texts, signal)
    best = _choose(values, marks.number, chosen_on & between)
    r = marks.correlation(values[best.key][:, best.unit], ~chosen_on & between)
    bare_r = None
    if bare is not None:
        others = number_values(bare, texts, signal)
        control = _choose(others, marks.number, chosen_on & between)
        bare_r = marks.correlation(others[control.key][:, control.unit], ~chosen_on & between)
    judged = np.flatnonzero(~chosen_on)
    kept = texts.subset(judged)
    drawn = np.random.default_rng((seed, 47)).permutation(np.setdiff1d(np.arange(len(best.means)), [best.unit]))
    effects = [_held("before", (), None, marks.subset(judged))]
    for done, unit in enumerate([best.unit, *drawn[:draws].tolist()]):
        progress(2 + done, 3 + draws, f"holding unit {unit} of {signal}")
        value = float(best.means[unit])
        with edited(model, {best.key: Clamp([unit], value)}):
            odds = verb_odds(model, kept)
        kind = "held" if unit == best.unit else "random"
        effects.append(_held(kind, (unit,), value, marks.subset(judged, odds)))
    progress(3 + draws, 3 + draws, "")
    return NumberUnit(*best.key, best.unit, best.of, best.chosen_r, r, bare_r, tuple(effects))


def _held(kind: str, units: tuple[int, ...], value: float | None, marks: Marks) -> Held:
    incongruent = marks.accuracy(marks.incongruent) if marks.incongruent.any() else None
    rows = marks.everything
    return Held(kind, units, value, marks.accuracy(rows), incongruent, marks.moved(rows), marks.margin(rows))
