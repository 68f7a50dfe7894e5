"""The list of analyses: what is on it is everywhere, what is taken off nowhere; it asks of any label of any run."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fake_results as fake
from fake_recording import fake_recording
from naibu.errors import OptionError
from naibu.looking import probing, report
from naibu.looking.analyses import catalogue
from naibu.looking.analyses.catalogue import ANALYSES
from naibu.looking.analyses.following import main_correlation
from naibu.looking.analysis import Analysis, Ask, Probed, Stored
from naibu.looking.summary import FORMER, of_forms, summary_of
from naibu.probes import tables
from naibu.probes.results import Correlation, Scores
from naibu.recording import Recording
from naibu.reporting import Subject
from naibu.reporting.finding import Finding
from naibu.reporting.page import render
from naibu.reporting.section import Section

TRAFFIC = Subject(
    name="traffic-6",
    about="asked for the traffic of the next hour",
    asks=("hour", "weekday", "rush_hour"),
    categorical=False,
    training={"units": 6, "tokens_per_second": 900.0, "validation_loss": 0.25},
    metrics=[{"step": k, "loss": 1 / k, "validation_loss": 1 / k} for k in range(1, 5)],
)


def series(sequences: int = 60, length: int = 24, *, knows: bool = True) -> Recording:
    """A recording of numbers: no symbols, no answers chosen among others; unit 2 knows the hour, unit 4 the rush."""
    draw = np.random.default_rng(1)
    hour = np.tile(np.arange(length), sequences)
    day = np.repeat(np.arange(sequences) % 7, length)
    rush = np.isin(hour, (7, 8, 17, 18)).astype(np.int32)
    values = np.random.default_rng(2).normal(size=(len(hour), 6))
    if knows:
        values[:, 2] = -0.2 * hour + 0.1 * draw.normal(size=len(hour))
        values[:, 4] = 3.0 * rush + 0.1 * draw.normal(size=len(hour))
    return Recording.from_arrays(
        {("encoder.0", "hidden"): np.tanh(values), ("encoder.1", "hidden"): values},
        sequence=np.repeat(np.arange(sequences), length),
        split=np.repeat(np.where(np.arange(sequences) % 3 == 2, 2, 0), length),
        labels={"hour": hour, "weekday": day, "rush_hour": (rush, ("no", "yes"))},
    )


def asked(recording: Any, subject: Subject = TRAFFIC) -> list[Ask]:
    probed = Probed(recording, None, subject, fake.Network(subject))
    return [ask for analysis in ANALYSES if analysis.suits(subject) for ask in analysis.asks(probed)]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Stored:
    """Everything that is asked of the series, on disk."""
    folder = tmp_path_factory.mktemp("results")
    stored = Stored(lambda _: folder)
    probed = Probed(series(), series(knows=False), TRAFFIC, stored)
    for analysis in ANALYSES:
        for ask in analysis.asks(probed) if analysis.suits(TRAFFIC) else ():
            tables.save(ask.make(), folder, ask.name)
    return stored


def test_names_are_said_once() -> None:
    for names in ([a.name for a in ANALYSES], [a.title for a in ANALYSES]):
        assert len(set(names)) == len(names)


def test_of_numbers_that_nobody_nested_the_general_analyses_are_asked() -> None:
    """Every one with a label of its own, none that needs symbols, brackets, words or answers."""
    names = ["label", "trajectories-hidden", "overlap", "search", "l1", "regression-hidden", "distributions"]
    assert [ask.name for ask in asked(series())] == names


def test_labels_are_chosen_by_what_they_are(results: Stored) -> None:
    found = main_correlation(results)
    assert found is not None
    assert (found.label, found.best("encoder.1").pearson_unit) == ("hour", 2)
    summary = summary_of(TRAFFIC, results)["analyses"]
    assert summary["label"]["signals"]["hidden"]["r"] < -0.99
    assert summary["overlap"]["label"] == summary["l1"]["label"] == "rush_hour"
    assert summary["overlap"]["best"]["unit"] == 4
    assert summary["regression"]["label"] == "hour"
    assert list(summary["search"]) == ["hour", "weekday", "rush_hour"]


def test_a_page_of_numbers_speaks_of_no_text(results: Stored) -> None:
    part = report.told(TRAFFIC, results, "network-1")
    page = render(report.Report("traffic", "today", "naibu report", (part,)))
    words = page.partition("</style>")[2]
    assert "The network is asked for the traffic of the next hour." in words
    assert "Unit 2 of the hidden state (layer encoder.1) falls as the hour rises" in words
    assert "alone tells places where rush hour is yes from all others" in words
    for word in ("bracket", "perplexity", "language", "phrase", "sentence", "ED", "ends of sequence", "nan"):
        assert not re.findall(rf".{{40}}\b{word}.{{40}}", words), word
    assert "best unit with the hour, r, test / unseen" in part.lines
    assert "which unit follows the depth" not in part.missing


def test_a_label_that_does_not_vary_gives_way_and_none_that_varies_is_an_error() -> None:
    recording = fake_recording()
    gaps = recording.index.labels["gaps"]  # what is not defined somewhere varies elsewhere
    recording = recording.with_labels(line_position=gaps)
    flat = recording.with_labels(depth=gaps._replace(values=np.ones(recording.tokens)))
    tree = replace(TRAFFIC, asks=("depth", "line_position", "inside:X"))
    assert Probed(recording, None, tree, fake.Network(tree)).main == "depth"
    assert Probed(flat, None, tree, fake.Network(tree)).main == "line_position"
    assert Probed(flat, None, tree, fake.Network(tree)).two_valued == "inside:X"
    with pytest.raises(OptionError, match="none of the labels depth varies"):
        _ = Probed(flat, None, replace(tree, asks=("depth",)), fake.Network(tree)).main
    assert Probed(flat, None, replace(tree, asks=()), fake.Network(tree)).main is None


def test_a_depth_of_two_values_is_still_a_number() -> None:
    recording = fake_recording()
    inside = recording.index.labels["inside:X"]
    tree = replace(TRAFFIC, asks=("depth", "depth:X", "inside:X"), options={"form": "tagged"})
    names = {ask.name for ask in asked(recording.with_labels(depth=inside, **{"depth:X": inside}), tree)}
    assert {"depth", "phrase", "overlap", "regression-phrase", "bracket_prediction"} <= names
    assert Probed(recording.with_labels(depth=inside), None, tree, fake.Network(tree)).two_valued == "inside:X"


def made_up() -> Analysis[Correlation]:
    def asks(probed: Probed) -> Iterator[Ask]:
        yield Ask("made_up", fake.correlation, reads=True)

    return Analysis(
        "made_up",
        "what nobody asked",
        Correlation,
        lambda found, pen: Section("A title of its own", "How to read it."),
        lambda found: Finding(f"It follows the {found.label}.", True),
        asks=asks,
        numbers=lambda found: {"units": 40},
        scores=lambda found: {"score": Scores(fake.score(0.5), None)},
        lines=lambda found: {"made up": "40"},
        command="naibu make-up {run}",
    )


def test_one_line_of_the_list_is_all_there_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for module in (catalogue, report, probing):
        monkeypatch.setattr(module, "ANALYSES", (made_up(),))
    subject = replace(TRAFFIC, commands={"run": "--run traffic-6"})
    probed = Probed(series(), None, subject, Stored(lambda _: tmp_path))
    (ask,) = probing._all(probed)
    nothing = report.told(subject, probed.results, "n")
    assert (nothing.missing, nothing.findings, len(nothing.sections)) == (("what nobody asked",), (), 1)
    tables.save(ask.make(), tmp_path, ask.name)
    part = report.told(subject, probed.results, "n")
    assert part.missing == ()
    assert part.lines == {"places a second in training": "900", "made up": "40"}
    assert [finding.text for finding in part.findings] == ["It follows the depth."]
    page = render(report.Report("t", "today", "c", (part,)))
    for wanted in ('id="n-made_up"', "A title of its own", "It follows the depth.", "naibu make-up --run traffic-6"):
        assert wanted in page
    summary = summary_of(subject, probed.results)
    assert summary["analyses"] == {"made_up": {"units": 40}}
    assert summary["scores"] == {"score": {"test": 0.5, "low": 0.495, "high": 0.505, "unseen": None}}


def test_the_keys_of_the_first_version_lead_to_the_same_numbers() -> None:
    network = fake.network()
    summary = summary_of(network.subject, network)
    json.dumps(summary, allow_nan=False)
    (form,) = of_forms([network.subject], {network.subject.name: summary}).values()
    confusion, cell = fake.confusion(), fake.correlation().best()
    assert form["perplexity_unseen"] == confusion.perplexity.unseen.value
    assert form["ed_recall_test"] == confusion.end_recall.test.value
    assert form["depth_correlation"]["cell"]["r"] == cell.pearson.test.value
    assert form["depth_regression"]["linear"]["r2_test"] == fake.regression().models[0].r2.test.value
    assert form["inside_overlap"] == form["inside_overlap_unit"]["overlap"] == fake.overlap().best().overlap.test.value
    assert form["l1_path"][4]["nonzero"] == 20
    assert form["intervention"]["ed_recall"]["unit_held"] == fake.holding().of("held")[0].end_recall.test.value
    assert len(form["intervention"]["loss"]["random_held"]) == 10
    there = {key for key, path in FORMER.items() if not path.startswith("analyses")}
    assert there <= form.keys()
    assert "named_cells" not in form
    bare = fake.bare()
    assert of_forms([bare.subject], {bare.subject.name: summary_of(bare.subject, bare)})["words"].keys() == there


def test_two_networks_of_one_form_go_by_their_own_names() -> None:
    subjects = [fake.bare(name).subject for name in ("words-8", "words-9")] + [fake.network("tagged-9").subject]
    networks = {subject.name: summary_of(subject, fake.Network(subject)) for subject in subjects}
    assert list(of_forms(subjects, networks)) == ["words-8", "words-9", "tagged"]
    assert of_forms([TRAFFIC], {TRAFFIC.name: summary_of(TRAFFIC, fake.Network(TRAFFIC))}) == {}
