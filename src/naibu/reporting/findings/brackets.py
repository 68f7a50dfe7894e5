"""What was found of opening and closing brackets as next symbols."""

from __future__ import annotations

from naibu.probes.bracket_results import BracketPrediction
from naibu.reporting.findings.finding import Finding
from naibu.reporting.numbers import share, with_interval
from naibu.reporting.words import headline, on_split


def closings(found: BracketPrediction) -> Finding:
    """Say whether closing brackets are foreseen better than opening ones, and better than a table of two symbols does.

    Judged by recall and by loss, for a network that always says one bracket has a full recall of it.
    """
    recall, loss = found.difference("close", "recall"), found.difference("close", "loss")
    kinds = found.of("open"), found.of("close")
    if recall is None or kinds[0] is None or kinds[1] is None:
        return Finding("Opening and closing brackets could not be compared.", False)
    score, split = headline(recall.scores)
    opening, closing = (on_split(kind.recall, split) for kind in (kinds[0], kinds[1]))
    table = on_split(recall.ngram, split)
    beside = "" if table is None else f"; by a table of the last two symbols {share(table.value)}"
    numbers = (
        f"closing ones are foreseen in {with_interval(closing, True)} of their places, opening ones in "
        f"{with_interval(opening, True)} ({split} sequences; opening less closing {with_interval(score, True)}{beside})"
    )
    dearer = None if loss is None else on_split(loss.scores, split)
    if not score.high < 0 or (dearer is not None and not dearer.low > 0):
        reason = "" if dearer is None else f"; in loss, {with_interval(dearer)}"
        return Finding(
            f"That closing brackets are predicted better than opening ones is not shown: {numbers}{reason}.", False
        )
    return _beyond_table(found, f"Closing brackets are predicted better than opening ones: {numbers}.", split)


def _beyond_table(found: BracketPrediction, text: str, split: str) -> Finding:
    later = found.of("later close") or found.of("close")
    score = None if later is None else on_split(later.recall, split)
    table = None if later is None else on_split(later.ngram, split)
    if later is None or score is None or table is None:
        return Finding(text, True)
    what = "of those that follow another closing one" if later.kind == "later close" else "of the closing ones"
    seen = f"{what} it foresees {with_interval(score, True)}, the table {share(table.value)}"
    if score.low > table.value:
        return Finding(f"{text} It knows more than the table: {seen}.", True)
    return Finding(f"{text} But that it knows more than the table is not shown: {seen}.", False)
