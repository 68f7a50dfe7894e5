"""What signals, labels and symbols are called in sentences and on axes."""

from __future__ import annotations

from naibu.probes.results import Correlation, Score, Scores, SignalCorrelation

SIGNALS = {
    "cell": "cell",
    "hidden": "hidden state",
    "forget_gate": "forget gate",
    "input_gate": "input gate",
    "output_gate": "output gate",
    "update": "update",
    "candidate": "candidate",
    "reset_gate": "reset gate",
    "update_gate": "update gate",
    "relevance_gate": "relevance gate",
    "normaliser": "normaliser",
    "stabiliser": "stabiliser",
}
ORDER = tuple(SIGNALS)
"""The cell and the hidden state first, for they are what is compared."""

MODEL_NAMES = {
    "linear": "all units",
    "lasso": "Lasso",
    "single": "best unit",
    "monotone": "best unit, any rising curve",
    "monotone of all": "all units, any rising curve",
}

FORMS = {
    "brackets": "only the opening and closing brackets of each tree, all alike",
    "tagged": "the opening and closing brackets of each tree, each marked with the name of its phrase",
    "brackets+words": "the words with the brackets of their tree, all brackets alike",
    "tagged+words": "the words with the brackets of their tree, each bracket marked with the name of its phrase",
    "words": "the words alone, without any bracket",
    "characters": "the characters of the text, one by one",
}

ENDS = ("ED", "</s>")
"""Outcomes that end a sequence."""
FROM_THE_RIGHT = " (read from the right)"
"""What is said of a layer that reads sequences from their end."""
_VISIBLE = {" ": "␣", "\n": "⏎", "\t": "⇥", "\r": "␍"}


def signal_name(signal: str, layer: str = "") -> str:
    """Return a signal's name in words, and that its layer reads from the right where it does: "forget gate"."""
    return SIGNALS.get(signal, signal.replace("_", " ")) + FROM_THE_RIGHT * reads_from_the_right(layer)


def layer_name(layer: str) -> str:
    """Return a layer's name, and that it reads from the right where it does: what it holds at a place comes from what
    follows there."""
    return layer + FROM_THE_RIGHT * reads_from_the_right(layer)


def reads_from_the_right(layer: str) -> bool:
    """Return whether a layer, named as in a recording, reads sequences from their end."""
    return layer.endswith(".reverse")


def label_name(label: str) -> str:
    """Return a label in words: "depth:VP" is "VP depth", "inside:VP" is "inside a VP"."""
    kind, _, category = label.partition(":")
    if category:
        return f"{category} depth" if kind == "depth" else f"inside {article(category)}" if kind == "inside" else label
    return label.replace("_", " ")


def outcome_name(outcome: str) -> str:
    """Return the places where what is looked at by itself came: "ends of sequence", "places of “B-PER”"."""
    return "ends of sequence" if outcome in ENDS else f"places of “{visible(outcome)}”"


def short_group(names: str) -> str:
    """Return a group of names in short: "VB", or "VB, VBD and 4 more"."""
    some = names.split(" ")
    return ", ".join(some) if len(some) <= 3 else f"{', '.join(some[:2])} and {len(some) - 2} more"


def capital(text: str) -> str:
    """Return a text with its first letter made a capital, and no other letter changed."""
    return text[:1].upper() + text[1:]


def article(noun: str) -> str:
    """Return a phrase's name with "a" or "an"."""
    # One-letter and upper-case names are spelled out when read: an NP, an SBAR, a VP.
    vowel = noun[:1] in "AEFHILMNORSX" if noun.isupper() else noun[:1].lower() in "aeiou"
    return f"{'an' if vowel else 'a'} {noun}"


def visible(symbol: str) -> str:
    """Return a symbol as it can be seen and printed: spaces and control characters by their signs."""
    return "".join(_VISIBLE.get(c, c if c.isprintable() else f"\\x{ord(c):02x}") for c in symbol)


def shortened(symbol: str, most: int = 14) -> str:
    """Return a symbol, visible, cut in its middle when it is too long for an axis."""
    symbol = visible(symbol)
    return symbol if len(symbol) <= most else f"{symbol[: most - 6]}…{symbol[-5:]}"


def headline(scores: Scores) -> tuple[Score, str]:
    """Return the score to speak of, that on unseen sequences where there are any, and which sequences it is of."""
    return (scores.unseen, "unseen") if scores.unseen is not None else (scores.test, "test")


def on_split(scores: Scores | None, split: str) -> Score | None:
    """Return the score on one split, None where there is none."""
    return None if scores is None else scores.unseen if split == "unseen" else scores.test


def of_signal(correlation: Correlation, signal: str) -> SignalCorrelation | None:
    """Return a signal of the layer where its chosen unit follows the label best on training rows."""
    some = [s for s in correlation.signals if s.signal == signal]
    return max(some, key=lambda s: abs(float(s.train_pearson[s.pearson_unit]))) if some else None


def leading(correlation: Correlation) -> SignalCorrelation:
    """Return the signal to speak of: the cell where the network has one, else the hidden state, else the best."""
    return of_signal(correlation, "cell") or of_signal(correlation, "hidden") or correlation.best()


def ordered(correlation: Correlation) -> list[SignalCorrelation]:
    """Return the signals, layer by layer, the cell and the hidden state first."""
    layers = list(dict.fromkeys(s.layer for s in correlation.signals))
    return sorted(correlation.signals, key=lambda s: (layers.index(s.layer), rank(s.signal)))


def rank(signal: str) -> int:
    """Return a signal's place in the usual order."""
    return ORDER.index(signal) if signal in ORDER else len(ORDER)
