"""What the test of number agreement gives back: how often the right verb is above the wrong one, and a unit held."""

from __future__ import annotations

from dataclasses import dataclass

from naibu.probes.result import Result
from naibu.probes.results import Row, Score

CHANCE = 0.5


@dataclass(frozen=True)
class Condition:
    """Sentences of one kind. Intervals are from resampling subject nouns; `Score.sequences` is how many there are."""

    attractors: int | None  # nouns between subject and verb; None: one or more
    kind: str  # "none" (no noun between), "congruent" or "incongruent" (all of them, with the subject's number)
    accuracy: Score  # share of sentences and verbs in which p(right form) > p(wrong form), a tie counts half
    singular: Score  # the same where the subject is singular
    plural: Score
    untrained: Score | None  # accuracy of the network before training
    last_noun: float  # accuracy of whoever goes by the last noun before the verb: what a bigram of words can know
    unigram: float  # accuracy of always saying the form that is more frequent in training; 0.5, for both numbers are


@dataclass(frozen=True)
class Moved:
    """Sentences in two versions that differ in the subject's number alone."""

    attractors: int
    share: Score  # in which p(plural) / p(singular) of the verb is larger after the plural subject; chance .5
    untrained: Score | None


@dataclass(frozen=True)
class OfVerb:
    """One verb over all sentences."""

    verb: str  # "is/are"
    accuracy: Score
    incongruent: Score | None  # None without attractors
    unigram: float


@dataclass(frozen=True)
class Held:
    """The network as it is, or with one unit held at every step, on the half of the nouns that chose nothing."""

    kind: str  # "before", "held", "random"
    units: tuple[int, ...]
    value: float | None  # at which the unit is held: its mean before the verb, on the other half
    accuracy: Score  # of all sentences of that half
    incongruent: Score | None
    moved: Score
    margin: Score  # mean log p(right form) - log p(wrong form), nats: shows what accuracy near 1 or .5 cannot


@dataclass(frozen=True)
class NumberUnit:
    """The unit that follows the subject's number best before the verb, and what the network does without it."""

    layer: str
    signal: str
    unit: int
    of: int  # units searched, of all layers
    chosen_r: float  # r with the subject's number (1 plural) on the half it was chosen on
    r: Score  # the same on the other half
    untrained_r: Score | None  # of the best unit of the untrained network, chosen and scored likewise
    effects: tuple[Held, ...]

    def kinds(self, kind: str) -> list[Held]:
        """The effects of one kind, in order."""
        return [effect for effect in self.effects if effect.kind == kind]


@dataclass(frozen=True)
class Agreement(Result):
    """How well a network agrees a verb with its subject, by the nouns in between."""

    run: str
    form: str
    nouns: int  # in both numbers, in the vocabulary
    verbs: tuple[str, ...]
    items: int  # choices of words for each number of attractors
    sentences: int  # sentences up to the verb, all verbs together count as one
    resampled: str  # what is drawn anew for the intervals
    conditions: tuple[Condition, ...]
    moved: tuple[Moved, ...]
    of_verbs: tuple[OfVerb, ...]
    number_unit: NumberUnit | None  # None where the network shows no cell and no hidden state

    def of(self, kind: str, attractors: int | None = None) -> Condition | None:
        """The sentences of one kind, by default all with a noun in between; None where there are none."""
        found = (c for c in self.conditions if (c.kind, c.attractors) == (kind, attractors))
        return next(found, None)

    def rows(self) -> list[Row]:
        """One row per condition and statistic, per verb, and per unit held."""
        out: list[Row] = []
        for c in self.conditions:
            more: Row = {"attractors": c.attractors, "kind": c.kind}
            control: Row = {"untrained": None if c.untrained is None else c.untrained.value, "chance": CHANCE}
            control |= {"last_noun": c.last_noun, "unigram": c.unigram}
            out.append(self._row(more | {"statistic": "accuracy"}, c.accuracy) | control)
            out.append(self._row(more | {"statistic": "accuracy, singular subject"}, c.singular))
            out.append(self._row(more | {"statistic": "accuracy, plural subject"}, c.plural))
        for m in self.moved:
            more = {"attractors": m.attractors, "kind": "all", "statistic": "odds moved by the subject"}
            bare = None if m.untrained is None else m.untrained.value
            out.append(self._row(more, m.share) | {"untrained": bare, "chance": CHANCE})
        for v in self.of_verbs:
            for kind, score in (("all", v.accuracy), ("incongruent", v.incongruent)):
                if score is not None:
                    more = {"kind": kind, "statistic": "accuracy", "verb": v.verb}
                    out.append(self._row(more, score) | {"unigram": v.unigram, "chance": CHANCE})
        return out + ([] if self.number_unit is None else self._unit_rows(self.number_unit))

    def _unit_rows(self, found: NumberUnit) -> list[Row]:
        where: Row = {"layer": found.layer, "signal": found.signal}
        more: Row = {"kind": "with nouns between", "statistic": "r with the subject's number"}
        bare = None if found.untrained_r is None else found.untrained_r.value
        out = [self._row(more, found.r) | where | {"unit": found.unit, "untrained": bare}]
        for e in found.effects:
            named = (("accuracy", e.accuracy), ("accuracy, incongruent", e.incongruent))
            for statistic, score in (*named, ("odds moved by the subject", e.moved), ("margin", e.margin)):
                if score is not None:
                    row = self._row({"kind": e.kind, "statistic": statistic}, score) | where
                    out.append(row | {"unit": e.units[0] if e.units else None, "held_at": e.value})
        return out

    def _row(self, more: Row, score: Score) -> Row:
        row: Row = {"run": self.run, "split": "generated", "layer": None, "signal": None, "unit": None}
        row |= {"attractors": None, "kind": None, "verb": None, **more}
        row |= {"value": score.value, "low": score.low, "high": score.high}
        return row | {"n": score.n, "nouns": score.sequences}
