"""Sections and plots of the probes of words: the numbers drawn and said are those of the results."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.axes import Axes
from test_probes_components import UPDATE
from test_probes_components import words as words_in_components
from test_probes_part_of_speech import words as words_in_parts

import fake_results as fake
from fake_recording import FakeRecording
from naibu.looking.analyses.components import along as along_finding
from naibu.looking.analyses.part_of_speech import parts_told
from naibu.looking.analyses.unique_components import types_apart
from naibu.looking.analyses.word_tokens import OneWord, few_neighbours, one_word_told
from naibu.looking.summary import summary_of
from naibu.probes.components import components, word_tokens
from naibu.probes.components_results import Components, Neighbours, UniqueComponents, WordTokens
from naibu.probes.neighbours import neighbours
from naibu.probes.part_of_speech import part_of_speech
from naibu.probes.part_of_speech_results import PartOfSpeech
from naibu.probes.results import Score, Scores
from naibu.probes.unique_components import unique_components
from naibu.reporting.numbers import share, with_interval
from naibu.reporting.page import render
from naibu.reporting.plots.components import plot_pair, plot_plane, plot_signs, plot_words
from naibu.reporting.plots.part_of_speech import plot_differences, plot_telling
from naibu.reporting.words import headline, on_split


@pytest.fixture(scope="module")
def telling() -> PartOfSpeech:
    return part_of_speech(words_in_parts(), untrained=words_in_parts(knows=False), resamples=50)


@pytest.fixture(scope="module")
def recording() -> FakeRecording:
    return words_in_components()


@pytest.fixture(scope="module")
def along(recording: FakeRecording) -> Components:
    return components(recording, UPDATE, components=8, untrained=words_in_components(knows=False), resamples=20)


@pytest.fixture(scope="module")
def types(recording: FakeRecording) -> UniqueComponents:
    return unique_components(recording, UPDATE, least=3, resamples=20)


@pytest.fixture(scope="module")
def that(recording: FakeRecording) -> WordTokens:
    return word_tokens(recording, UPDATE, resamples=20)


@pytest.fixture(scope="module")
def near(recording: FakeRecording) -> Neighbours:
    return neighbours(recording, UPDATE, most=3)


def lines(ax: Axes) -> dict[str, np.ndarray]:
    """What is drawn under each name of the legend, as points [point 2]."""
    return {str(line.get_label()): np.asarray(line.get_xydata()) for line in ax.lines}


def test_accuracies_drawn(telling: PartOfSpeech) -> None:
    ax = plot_telling(telling)
    order = [t.get_text() for t in ax.get_yticklabels()]
    assert order == ["cell", "update", "candidate"]
    drawn = sorted((float(c.lines[0].get_ydata()[0]), float(c.lines[0].get_xdata()[0])) for c in ax.containers)
    for (row, x), name in zip(drawn, order, strict=True):
        found = telling.of(name)
        assert found is not None
        assert order[int(row)] == name
        assert x == found.accuracy.test.value
    assert lines(ax)["this word alone"][0, 0] == telling.baseline("1-gram").scores.test.value
    assert lines(ax)["majority"][0, 0] == telling.baseline("majority").scores.test.value


def test_differences_drawn(telling: PartOfSpeech) -> None:
    ax = plot_differences(telling)
    drawn = [float(c.lines[0].get_xdata()[0]) for c in ax.containers]
    expected = [
        x for d in telling.differences for x in (d.scores.test.value, d.untrained.test.value if d.untrained else 0)
    ]
    np.testing.assert_allclose(drawn, 100 * np.array(expected))


def test_every_token_is_drawn_once(along: Components, that: WordTokens) -> None:
    for found, split in ((along, False), (along, True), (that, False)):
        ax = plot_plane(found.points, found.tags, split=split)
        drawn = lines(ax)
        for k, tag in enumerate(found.tags):
            wanted = (found.points.split if split else found.points.coordinates[:, :2])[found.points.tag == k]
            np.testing.assert_array_equal(drawn[tag], wanted)


def test_signs_are_split_into_two_halves(along: Components) -> None:
    ax = plot_signs(along.points, along.tags, components=4)
    image = np.asarray(ax.images[0].get_array())
    assert image.shape == (len(along.points.symbols), 8, 4)
    z = along.points.coordinates[np.argsort(along.points.tag, kind="stable")][:, :4]
    assert np.all(image[:, :4, 3][z < 0] == 0)
    assert np.all(image[:, 4:, 3][z > 0] == 0)
    assert np.all((image[:, :4, 3] > 0)[z > 0.01])


def test_word_types_drawn_and_named(types: UniqueComponents) -> None:
    ax = plot_words(types)
    assert sum(len(points) for points in lines(ax).values()) == len(types.words)
    for text in ax.texts:
        k = types.words.index(text.get_text())
        assert tuple(text.xy) == tuple(types.coordinates[k, :2])  # type: ignore[attr-defined]
    pair = types.pairs[0]
    ax = plot_pair(pair)
    np.testing.assert_array_equal(ax.lines[0].get_xdata(), pair.along[~pair.second])
    np.testing.assert_array_equal(ax.lines[2].get_xdata(), pair.along[pair.second])
    assert {t.get_text() for t in ax.texts} <= set(pair.words)


def test_what_is_said(telling: PartOfSpeech) -> None:
    assert "The update tells them better than the cell" in parts_told(telling).text
    first = telling.difference("update", "cell")
    assert first is not None
    for high, way in ((-0.05, "The update tells them worse than the cell"), (0.05, "no difference can be seen")):
        turned = replace(first.scores.test, value=-0.1, low=-0.2, high=high)
        changed = replace(first, scores=Scores(turned, turned))
        others = tuple(d for d in telling.differences if d is not first)
        text = parts_told(replace(telling, differences=(changed, *others))).text
        assert way in text
        assert f"(difference −10.00 [−20.00, {100 * high:+.2f}]".replace("-", "−") in text
    assert "The update" not in parts_told(replace(telling, differences=())).text


def test_the_page_has_all_of_it(
    telling: PartOfSpeech, along: Components, types: UniqueComponents, that: WordTokens, near: Neighbours
) -> None:
    network = fake.bare(
        part_of_speech=telling, components=along, unique_components=types, word_tokens=that, neighbours=near
    )
    page = render(fake.report(network))
    for anchor in ("part_of_speech", "components", "unique_components", "word_tokens"):
        assert f'id="network-1-{anchor}"' in page
    assert page.count("<svg") >= 2 + 3 + 1 + len(types.pairs) + 1
    assert "Nearest to “that”" in page
    bare = render(fake.report(network.having(part_of_speech=None, components=None)))
    assert "one part of speech told from another" in bare


# The findings at the top of the page, and the numbers for scripts


def level(value: float) -> Scores:
    """The same score on test and on unseen sequences."""
    score = Score(value, value - 0.01, value + 0.01, 100, 10)
    return Scores(score, score)


def test_a_finding_has_number_interval_and_controls(telling: PartOfSpeech) -> None:
    found = parts_told(telling)
    update = telling.of("update")
    assert update is not None
    assert found.present
    assert found.text.startswith("A weighted sum of the update tells VB from NN, ")
    score, split = headline(update.accuracy)
    assert with_interval(score, True) in found.text
    controls = {f"{name} alone": telling.baseline(gram).scores for name, gram in
                (("the word", "1-gram"), ("the last 2 symbols", "2-gram"))}  # fmt: skip
    controls["always the commonest"] = telling.baseline("majority").scores
    for name, scores in (*controls.items(), ("the untrained network", update.controls.untrained)):
        control = on_split(scores, split)
        assert control is not None
        assert f"{name}: {share(control.value)}" in found.text


def test_what_needs_no_network_is_not_shown(telling: PartOfSpeech, along: Components, that: WordTokens) -> None:
    """As soon as one control reaches the interval, or a symbol gives the label away, the finding is an absence."""
    update = telling.of("update")
    assert update is not None
    high = replace(update, controls=replace(update.controls, untrained=level(headline(update.accuracy)[0].low)))
    signals = tuple(high if s.signal == "update" else s for s in telling.signals)
    for changed in (
        replace(telling, signals=signals),
        replace(telling, told_by="the symbol before"),
        replace(telling, baselines=tuple(replace(b, scores=level(1.0)) for b in telling.baselines)),
        replace(telling, signals=()),
    ):
        found = parts_told(changed)
        assert not found.present
        assert "is not shown" in found.text
    assert (
        "the symbol before gives the part of speech away"
        in parts_told(replace(telling, told_by="the symbol before")).text
    )
    for finding, result in ((along_finding, along), (lambda found: one_word_told(OneWord(found, None)), that)):
        for value, present in ((0.0, True), (1.0, False)):
            baselines = tuple(replace(b, scores=level(value)) for b in result.baselines)
            others = tuple(replace(t, untrained=None) for t in result.telling)
            found = finding(replace(result, baselines=baselines, telling=others))  # type: ignore[operator]
            assert (found.present, "is not shown" in found.text) == (present, not present)


def test_word_types_of_each_pair(types: UniqueComponents) -> None:
    pair = types.pairs[0]
    apart, together = (
        replace(pair, auc=level(value).test, untrained=Score(0.6, 0.5, 0.7, 9, 9)) for value in (0.9, 0.6)
    )
    found = types_apart(replace(types, pairs=(apart, together)))
    assert found.present
    shown, missed = found.text.split(" That ")
    assert with_interval(apart.auc, True) in shown
    assert "is not shown" in missed
    assert with_interval(together.auc, True) in missed
    assert "untrained network: 60.0" in shown
    assert not types_apart(replace(types, pairs=(together,))).present
    assert "is not shown" in types_apart(replace(types, pairs=())).text


def test_neighbours_only_illustrate(near: Neighbours) -> None:
    found = few_neighbours(near)
    others = [(n, q) for q in near.queries for n in q.others]
    alike = sum(n.tag == q.tag for n, q in others)
    assert "is not shown, only illustrated" in found
    assert f"of the {len(others)} nearest tokens of other words" in found
    assert f" {alike} ha" in found
    assert "is not shown" in few_neighbours(replace(near, queries=()))


def test_findings_and_numbers_of_all_probes_of_words(
    telling: PartOfSpeech, along: Components, types: UniqueComponents, that: WordTokens, near: Neighbours
) -> None:
    network = fake.bare(
        part_of_speech=telling, components=along, unique_components=types, word_tokens=that, neighbours=near
    )
    assert len(network.told().findings) == 4
    assert few_neighbours(near) in network.told().findings[-1].text
    found = summary_of(network.subject, network)["analyses"]
    assert list(found) == ["part_of_speech", "components", "unique_components", "word_tokens"]
    update = telling.of("update")
    assert update is not None
    assert found["part_of_speech"]["signals"]["update"]["accuracy"] == update.accuracy.test.value
    assert found["part_of_speech"]["baselines"]["1-gram"] == telling.baseline("1-gram").scores.test.value
    assert found["components"]["components"]["accuracy"] == along.telling[0].scores.test.value
    assert found["components"]["signs_split"]["dimensions"] == 2
    assert found["word_tokens"]["word"] == "that"
    assert [entry["auc"] for entry in found["unique_components"]["pairs"].values()] == [
        p.auc.value for p in types.pairs
    ]
    queries = found["word_tokens"]["neighbours"]["queries"]
    assert [q["others_alike"] <= q["others"] for q in queries] == [True] * len(near.queries)
