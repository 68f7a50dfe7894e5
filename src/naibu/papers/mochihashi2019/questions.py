"""The questions of the study in the order of the document, and what it says to each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Table:
    """A question of the study: its title, and what the document says to it."""

    title: str
    says: str
    sections: tuple[str, ...]
    """Keys of the sections of the networks' reports that show it."""
    types: tuple[int, ...]
    """Types of the networks whose plots are shown."""
    ours: str = ""
    """How our rows are made, where that is not as in the document."""
    claims: Mapping[str, str] = field(default_factory=dict)
    """Its claims, each a sentence without its stop, by the quantity that they are of; "" for all others."""

    def says_of(self, quantity: str) -> str:
        """Return the claim that is made of a quantity, "" where there is none."""
        return self.claims.get(quantity, self.claims.get("", ""))


ENDS = Table(
    "Ends of sequence",
    "The end of a sequence is predicted almost always from bare brackets (type 1), and always from tagged ones "
    "(types 2 and 4): depth is counted exactly.",
    ("confusion",),
    (1, 2, 4),
    claims={"": "The end of a sequence is foreseen almost always"},
)
BRACKETS = Table(
    "Closing and opening brackets",
    "Closing brackets XP) are predicted better than opening ones (XP (type 2), and with the words read too (type 4) "
    "better than without.",
    ("bracket_prediction",),
    (2, 4),
    claims={
        "": "Closing brackets are predicted better than opening ones",
        "words": "With the words read too, brackets are predicted better than without",
    },
)
DEPTH = Table(
    "Depth from one unit",
    "One unit of the cell is very highly correlated with the nesting depth and looks like a counter, although the cell "
    "is continuous; the cell is better than the hidden state.",
    ("depth",),
    (1,),
    claims={
        "cell": "One unit of the cell follows the nesting depth",
        "hidden": "No unit of the hidden state follows it as well",
    },
)
SEEDS = Table(
    "The same unit in every training?",
    "Not asked in the document.",
    (),
    (),
)
VALUES = Table(
    "How values are distributed",
    "The forget gate is near a beta distribution, the update near -1, 0 and 1, the cell normal with discrete peaks, "
    "the hidden state with five peaks at 0, ±.75 and ±1.",
    ("distributions",),
    (1, 4),
    claims={
        "forget gate": "The forget gate is near a beta distribution",
        "update": "The update has peaks at -1, 0 and 1",
        "hidden": "The hidden state has peaks at 0, ±.75 and ±1",
    },
)
PHRASE = Table(
    "Verb phrases from one unit",
    "With words (types 3 and 4) one unit follows the depth of verb phrases, and tells inside from outside: its two "
    "histograms overlap by .12.",
    ("phrase", "overlap"),
    (2, 4),
    claims={"inside or not": "One unit tells inside a phrase from outside"},
)
LINEAR = Table(
    "Depth from all cells",
    "Linear regression, Lasso and the best single unit are compared in a figure that our copy lacks. From raw text "
    "(type 5) the depth of verb phrases goes with a unit monotonously, but not linearly.",
    ("regression", "regression-phrase"),
    (1, 4, 5),
    claims={"phrases, best unit": "From raw text the depth of phrases goes with one unit, but not linearly"},
)
FEW = Table(
    "Inside a verb phrase, from few units",
    "A logistic regression with an L1 penalty, laid on the cells as they are, needs few of the 1000 cells of type 4.",
    ("l1",),
    (4,),
    "Ours is laid on the cells as they are, and on cells brought to the same spread, since one that counts 0, 1, 2 "
    "else pays more than one that reaches 20. Fitted again: the same cells without the penalty, which also shrinks the "
    "weights it leaves.",
    claims={"": "Few units tell inside a phrase from outside"},
)
WORDS = Table(
    "Parts of speech",
    "VB is told from NN better from the update than from the cell; principal components of the update, one vector for "
    "each word, separate the number of verbs and plural nouns.",
    ("part_of_speech", "components", "unique_components", "word_tokens"),
    (5,),
    claims={
        "update": "Verbs are told from nouns better by the update than by the cell",
        "": "Components of the update tell the number of verbs, and of nouns",
    },
)
CAUSES = Table(
    "Does the network use that unit?",
    "Not asked in the document.",
    ("holding",),
    (1, 2, 4),
)
TERNARY = Table(
    "The update in three values",
    "The update is near -1, 0 and 1; what the network loses when it is rounded to them is not asked.",
    ("ternary",),
    (1, 4),
)
TIMES = Table(
    "How long units remember",
    "Not asked in the document.",
    ("timescales",),
    (1, 4),
)
AGREEMENT = Table(
    "Number agreement over attractors",
    "Not asked in the document.",
    (),
    (),
)
TABLES = (
    VALUES, ENDS, DEPTH, SEEDS, BRACKETS, PHRASE, LINEAR, FEW, WORDS, CAUSES, TERNARY, TIMES, AGREEMENT,
)  # fmt: skip
