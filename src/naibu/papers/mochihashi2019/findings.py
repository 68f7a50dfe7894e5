"""What came out of the document's claims, in sentences: for the page and for the terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from naibu.papers.mochihashi2019.asked import Asked
from naibu.papers.mochihashi2019.learning import WANTS
from naibu.papers.mochihashi2019.line import HOLDS, NOT, PARTLY
from naibu.papers.mochihashi2019.questions import TABLES
from naibu.papers.mochihashi2019.study_tables import applying, value_of
from naibu.papers.runner import Reproduced
from naibu.reporting.finding import Finding

KINDS = {HOLDS: "{} hold", PARTLY: "{} hold in part", NOT: "{} do not hold", WANTS: "{} want longer training"}
"""What is said of so many numbers, by how their verdict begins; of all others that they are not decided."""
FEW = 3
"""Numbers that a sentence tells one by one."""


def claimed(rows: Sequence[Reproduced]) -> list[Reproduced]:
    """Return the rows that the document makes a claim of and that apply."""
    return [row for about in TABLES for row in applying(rows, about.title) if row.published]


def in_short(rows: Sequence[Reproduced]) -> str:
    """Return the count of verdicts in words."""
    counted = Counter(kind(row.verdict) for row in claimed(rows))
    said = [words.format(counted[name]) for name, words in KINDS.items() if counted[name]]
    said += [f"{counted['']} are not decided"] if counted[""] else []
    return f"in {counted.total()} numbers: {', '.join(said)}" if said else "no number could be asked"


def kind(verdict: str) -> str:
    """Return which of the kinds a verdict is of, "" for one that decides nothing."""
    return next((name for name in KINDS if verdict.startswith(name)), "")


def findings(rows: Sequence[Reproduced]) -> Iterator[Finding]:
    """Yield a sentence for every claim and the numbers it rests on; those of which all hold are present, and first."""
    yield from sorted(_each(rows), key=lambda finding: not finding.present)


def _each(rows: Sequence[Reproduced]) -> Iterator[Finding]:
    for claim in dict.fromkeys(str(row.published.get("says", "")) for row in claimed(rows)):
        own = [row for row in claimed(rows) if row.published.get("says") == claim]
        verdicts = list(dict.fromkeys(row.verdict for row in own))
        said = "; ".join(_verdict(verdict, own) for verdict in verdicts)
        yield Finding(f"{claim}: {said}. {_numbers(own)}", verdicts == [HOLDS])


def _verdict(verdict: str, rows: Sequence[Reproduced]) -> str:
    """Return a verdict in words, and of which networks it is where not of all rows."""
    own, words = [row for row in rows if row.verdict == verdict], verdict.replace(PARTLY, "holds in part")
    if len(own) == len(rows):
        return words
    networks = list(dict.fromkeys(map(_network, own)))
    return f"{words} ({' and '.join(networks) if len(networks) < FEW else f'{len(own)} of {len(rows)} numbers'})"


def _network(row: Reproduced) -> str:
    return row.row.partition(":")[0]


def left(rows: Sequence[Reproduced], asked: Asked, quick: bool) -> str:
    """Return what is left to longer versions, each with its command; "" where nothing is."""
    said = []
    if any(kind(row.verdict) == WANTS for row in claimed(rows)):
        said.append(f"Longer training: `{asked.typed(quick, longer=2 * asked.longer)}`.")
    if quick:
        there = {row.published.get("says") for row in claimed(rows)}
        names = [says for about in TABLES for says in about.claims.values() if says not in there]
        others = "; ".join(
            [*(f"{says[:1].lower()}{says[1:]}" for says in names), "an L1 term on text makes networks discrete"]
        )
        command = asked.typed(False, longer=1)
        said.append(f"Left to the full study, whose networks read words too: whether {others}: `{command}`.")
    return " ".join(said)


def _numbers(rows: Sequence[Reproduced]) -> str:
    """Return the numbers, one by one or from the least to the greatest; those of another statistic apart."""
    parts = []
    for statistic in dict.fromkeys(str(row.obtained["statistic"]) for row in rows):
        own = [row for row in rows if row.obtained["statistic"] == statistic]
        if len(own) <= FEW:
            told = ", ".join(f"{value_of(row)} ({_network(row)})" for row in own)
        else:
            own = sorted(own, key=lambda row: float(row.obtained["value"] or 0))
            told = f"{value_of(own[0])} to {value_of(own[-1])} in {len(own)}"
        parts.append(f"{statistic[:1].upper()}{statistic[1:]}: {told}.")
    return " ".join(parts)
