"""What is asked of several networks of the study, or of the corpus and a network: each result once, on disk."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from naibu.errors import OptionError
from naibu.interventions.agreement import agreement
from naibu.interventions.agreement_results import Agreement
from naibu.papers.mochihashi2019.learning import learning_of
from naibu.papers.mochihashi2019.lines import row_name
from naibu.papers.mochihashi2019.networks import Network
from naibu.papers.mochihashi2019.questions import AGREEMENT, SEEDS
from naibu.papers.mochihashi2019.study import Study, result
from naibu.probes import tables
from naibu.probes.bracket_comparison import compare as compare_brackets
from naibu.probes.bracket_results import BracketComparison
from naibu.probes.matching import matching
from naibu.probes.matching_results import Matching
from naibu.progress import Report
from naibu.recording import Recording
from naibu.reporting.agreement import says as agreement_says
from naibu.reporting.markup import Markup, figure, joined, paragraph
from naibu.reporting.matching import says as matching_says
from naibu.reporting.plots.agreement import plot_agreement
from naibu.reporting.plots.canvas import drawn
from naibu.reporting.plots.matching import plot_matched_curves, plot_matching
from naibu.reporting.words import capital

Result = TypeVar("Result")

ACROSS = "several"
"""The folder, beside those of the networks, of results that are of several."""


def compare(study: Study, progress: Report) -> None:
    """Match the units of all seeds, compare types 2 and 4, test agreement, and ask what half the steps bring.

    What is there is left alone.
    """
    jobs = list(_jobs(study))
    for done, (folder, name, make) in enumerate(jobs):
        progress(done, len(jobs), f"{folder.name}: {name}")
        if (folder / f"{name}.json").exists() or (folder / f"{name}.txt").exists():
            continue
        try:
            tables.save(make(), folder, name)
        except OptionError as error:  # a corpus without number, sequences that two forms do not share
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{name}.txt").write_text(f"{error}\n", encoding="utf-8")
    progress(len(jobs), len(jobs), "")


def _jobs(study: Study) -> Iterator[tuple[Path, str, Callable[[], Any]]]:
    several = study.out / ACROSS
    if len(study.size.seeds()) > 1:
        yield several, "matching", partial(_matched, study)
    if pair := compared(study):
        recordings = partial(map, lambda network: Recording.open(study.places(network).recording))
        yield several, "bracket_comparison", lambda: compare_brackets(*recordings(pair))
    for network in study.size.of(3, 4, 5):
        places = study.places(network)
        yield places.results, "agreement", partial(agreement, places.run, study.open(network.form))
    for network in study.networks if study.size.halved else ():
        yield study.places(network).results, "learning", partial(learning_of, study, network)


def compared(study: Study) -> tuple[Network, Network] | None:
    """Return the largest networks of types 2 and 4."""
    two, four = study.size.of(2), study.size.of(4)
    return (max(two, key=lambda n: n.units), max(four, key=lambda n: n.units)) if two and four else None


def _matched(study: Study) -> Matching:
    seeds = study.size.seeds()
    places = [study.places(network) for network in seeds]
    return matching(
        [Recording.open(place.recording) for place in places],
        label="depth",
        untrained=[Recording.open(place.untrained) for place in places],
        names=[f"seed {network.seed}" for network in seeds],
    )


def matched(study: Study) -> Matching | None:
    """Return how the units of the seeds match, None where there is one seed."""
    return _loaded(study, Matching, "matching")


def brackets_compared(study: Study) -> BracketComparison | None:
    """Return types 2 and 4 on the same brackets."""
    return _loaded(study, BracketComparison, "bracket_comparison")


def _loaded(study: Study, kind: type[Result], name: str) -> Result | None:
    folder = study.out / ACROSS
    return tables.load(kind, folder, name) if (folder / f"{name}.json").exists() else None


def seeds_shown(study: Study) -> Markup | None:
    """Return what there is to see of the seeds' units."""
    found = matched(study)
    if found is None:
        return None
    split = "unseen" if found.pairs[0].trained.median.unseen is not None else "test"
    panels = [
        drawn(partial(plot_matching, found, split=split), size=(3.5, 2.9), name="matching", label="Matched units"),
        drawn(partial(plot_matched_curves, found), size=(3.7, 2.9), name="matched", label="Every matched unit"),
    ]
    caption = "Left: median |r| of matched units, network by network. Right: |r| of every matched unit, in order."
    return joined(paragraph(matching_says(found), "says"), figure(panels, caption))


def agreement_shown(study: Study) -> Markup | None:
    """Return what there is to see of number agreement, network by network."""
    parts = []
    for network in study.size.of(3, 4, 5):
        found: Agreement | None = result(study, network, Agreement, "agreement")
        if found is not None:
            name = f"agreement-{network.name.replace('+', '-').replace('.', '-')}"
            label = f"Agreement, {row_name(network)}, by nouns in between"
            panel = drawn(partial(plot_agreement, found), size=(3.7, 2.7), name=name, label=label)
            parts.append(paragraph(f"{capital(row_name(network))}: {agreement_says(found)}", "says"))
            parts.append(figure([panel], f"{label}."))
    return joined(*parts) if parts else None


def pictures(study: Study) -> dict[str, Markup]:
    """Return what spans several networks on the page, by the title of its table."""
    shown = {SEEDS.title: seeds_shown(study), AGREEMENT.title: agreement_shown(study)}
    return {title: seen for title, seen in shown.items() if seen is not None}
