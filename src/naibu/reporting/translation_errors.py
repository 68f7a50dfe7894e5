"""The page that says why translations went wrong: what to change, the width of the beam, and the worst sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from naibu.reporting.markup import Markup, command, element, figure, folded, joined, paragraph, table
from naibu.reporting.numbers import MISSING, count, number, share
from naibu.reporting.page import document
from naibu.reporting.section import Pen
from naibu.storage import deliver_text, sealed_page

LEAD = (
    "A translation ŷ that is not the reference y* has one of two causes. Where the network ranks y* above ŷ, it knew "
    "better and the search did not find it: widen the beam. Where it does not, the network is at fault: another "
    "architecture, regularisation, more data (document E). Exact search adds what the network ranks highest of all, "
    "with a proof that nothing ranks higher."
)
MEANING = (
    ("search error", "the network ranks another translation above the one found: the reference, or one proved best"),
    ("model error", "the one found is proved to rank highest, and is not the reference"),
    ("both fine", "the one found is proved to rank highest, and is the reference"),
    ("undecided", "the proof did not end within its budget, and nothing better was found"),
)
SWEEP = (
    "BLEU by the width of the beam; search errors are the sentences in which the beam did not find the proved best, "
    "among those that are proved. Likelier is not better: where BLEU falls as search errors vanish, the network is at "
    "fault."
)
MOST = 2_000
"""Sentences in the table at most; all are in the JSON."""


def write(told: Mapping[str, Any], title: str, line: str, path: Path) -> None:
    """Write an error analysis, as `naibu evaluate --errors` returns it, as one HTML file that needs nothing else.

    `line` is the command that made it. Raises StoredError where the file cannot be written.
    """
    deliver_text(Path(path), sealed_page(render(told, title, line)))


def render(told: Mapping[str, Any], title: str, line: str) -> str:
    """Return an error analysis as HTML; equal ones give equal text."""
    main = joined(
        element(
            "header",
            paragraph("Why translations went wrong", "eyebrow"),
            element("h1", title),
            *(paragraph(each) for each in told["advice"]),
            paragraph(LEAD, "quiet"),
            class_="opening",
        ),
        _verdicts(told),
        _widths(told),
        _worst(told["worst"]),
        _all(told["sentences"]),
        element("footer", command(line)),
    )
    return document(title, main)


def _verdicts(told: Mapping[str, Any]) -> Markup:
    total, fault, proof = told["count"], told["fault"], told["proof"]
    rows = [
        (name, count(told["verdicts"][name]), share(told["verdicts"][name] / total), says) for name, says in MEANING
    ]
    causes = (
        ("search", "P(y*|x) > P(ŷ|x): the search"),
        ("network", "P(y*|x) ≤ P(ŷ|x): the network"),
        ("none", "ŷ is y*: nothing to explain"),
    )
    at_fault = [(name, count(fault.get(key, 0)), share(fault.get(key, 0) / total)) for key, name in causes]
    took = (
        f"Ranked by {told['ranked_by']}, T being the symbols and the end. The proof read {count(proof['prefixes'])} "
        f"prefixes in {number(proof['seconds'])} s and decided {count(proof['decided'])} of {count(total)} sentences."
    )
    return element(
        "section",
        element("h2", "Whose fault"),
        table(("verdict", "sentences", "share", "meaning"), rows, "What is proved of each sentence"),
        table(("document E", "sentences", "share"), at_fault, "By the reference alone"),
        paragraph(took, "quiet"),
    )


def _widths(told: Mapping[str, Any]) -> Markup:
    from naibu.reporting.plots.translation import plot_widths

    sweep, proof = told["sweep"], told["proof"]
    head = ("beam", "BLEU", "chrF", "length ratio", "search errors", "empty", "seconds")
    rows = [
        (
            str(row["beam"]),
            number(row["bleu"]),
            number(row["chrf"]),
            number(row["length_ratio"]),
            share(row["search_errors"]),
            share(row["empty"]),
            number(row["seconds"]),
        )
        for row in sweep
    ]
    best = proof["best"]
    rows.append(
        (
            "exact, as far as known",
            number(best["bleu"]),
            number(best["chrf"]),
            number(best["length_ratio"]),
            share(0.0) if proof["decided"] == told["count"] else MISSING,
            share(proof["empty"]),
            number(proof["seconds"]),
        )
    )
    drawn = [Pen("widths")(lambda ax: plot_widths(sweep, ax), "BLEU by the width of the beam", (4.6, 2.8))]
    return element(
        "section",
        element("h2", "The width of the beam"),
        *([figure(drawn, SWEEP)] if len(sweep) > 1 else []),
        table(head, rows, "Quality by the width of the beam"),
    )


def _worst(worst: Sequence[Mapping[str, Any]]) -> Markup:
    from naibu.reporting.plots.translation import attention_size, plot_attention

    pen, parts = Pen("worst"), list[Markup]()
    for each in worst:
        source, target = each["source_symbols"], each["target_symbols"]

        def draw(ax: Any, each: Mapping[str, Any] = each) -> None:
            plot_attention(each["attention"], each["source_symbols"], each["target_symbols"], ax)

        picture = pen(draw, "where each symbol of the translation looked", attention_size(source, target), wide=True)
        parts.append(
            element(
                "section",
                element("h3", each["source"]),
                _lines(each),
                figure([picture], "Attention: a row is a symbol of ŷ, a column one of x."),
            )
        )
    return element("section", element("h2", "The worst"), element("div", *parts, class_="networks"))


def _lines(each: Mapping[str, Any]) -> Markup:
    """Return what was found of a sentence, what stands in the reference, and what ranks highest."""

    def worth(log_probability: float | None, score: float) -> str:
        log_p = "" if log_probability is None else f"ln P {number(log_probability)}, "
        return f" ({log_p}score {number(score)})"

    pairs = [
        ("ŷ, found", each["translation"], worth(each["log_probability"], each["score"])),
        ("y*, reference", each["reference"], worth(each["reference_log_probability"], each["reference_score"])),
        ("best proved" if each["proof"]["decided"] else "best known", each["best"], worth(None, each["best_score"])),
    ]
    items = (joined(element("dt", name), element("dd", text or "(empty)", worth)) for name, text, worth in pairs)
    verdict = f"{each['verdict'].capitalize()}, after {count(each['proof']['prefixes'])} prefixes."
    return joined(element("dl", *items, class_="words"), paragraph(verdict, "quiet"))


def _all(sentences: Sequence[Mapping[str, Any]]) -> Markup:
    head = ("source", "verdict", "ŷ, found", "y*, reference", "best known", "score ŷ", "score y*", "prefixes")
    caption = "Every sentence" if len(sentences) <= MOST else f"The first {count(MOST)} of {count(len(sentences))}"
    return element(
        "section",
        element("h2", "All sentences"),
        folded(f"{caption}, with what was proved", table(head, _rows(sentences[:MOST]), caption)),
    )


def _rows(sentences: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, ...]]:
    for each in sentences:
        yield (
            each["source"],
            each["verdict"],
            each["translation"],
            each["reference"],
            each["best"],
            number(each["score"]),
            number(each["reference_score"]),
            count(each["proof"]["prefixes"]),
        )
