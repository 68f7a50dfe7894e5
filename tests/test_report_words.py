"""Sections and plots of the probes of words: the numbers drawn and said are those of the results."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.axes import Axes

from fake_recording import FakeRecording
from naibu.probes.components import components, word_tokens
from naibu.probes.components_results import Components, Neighbours, UniqueComponents, WordTokens
from naibu.probes.neighbours import neighbours
from naibu.probes.part_of_speech import part_of_speech
from naibu.probes.part_of_speech_results import PartOfSpeech
from naibu.probes.unique_components import unique_components
from naibu.report.content import NetworkPart, Report
from naibu.report.page import render
from naibu.report.plots.components import plot_pair, plot_plane, plot_signs, plot_words
from naibu.report.plots.part_of_speech import plot_differences, plot_telling
from naibu.report.sections.part_of_speech import compared, says
from test_probes_components import UPDATE
from test_probes_components import words as words_in_components
from test_probes_part_of_speech import words as words_in_parts


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
    text = says(telling)
    assert "The update tells them better than the cell" in text
    assert "above both, by its interval, are the update and the cell." in text
    d = telling.differences[0]
    turned = replace(d.scores.test, value=-0.1, low=-0.2, high=-0.05)
    assert "the update tells them worse than the cell (difference −10.00 [−20.00, −5.00]" in compared(d, turned)
    assert "no difference can be seen" in compared(d, replace(turned, high=0.05))
    told = replace(telling, told_by="the symbol before")
    assert "it is copied" in says(told)
    first = replace(telling.baseline("1-gram"), scores=telling.signals[0].accuracy)
    others = tuple(b for b in telling.baselines if b.name != "1-gram")
    best = max(telling.signals, key=lambda s: s.accuracy.test.value).accuracy
    level = replace(telling, baselines=(replace(first, scores=best), *others))
    assert "so no network is needed for that much" in says(level)


def test_the_page_has_all_of_it(
    telling: PartOfSpeech, along: Components, types: UniqueComponents, that: WordTokens, near: Neighbours
) -> None:
    part = NetworkPart(
        name="words-12", form="words", example="ST a ED", corpus=[], part_of_speech=telling, components=along,
        unique_components=types, word_tokens=that, neighbours=near,
    )  # fmt: skip
    page = render(Report("words", "today", "naibu report", (part,)))
    for anchor in ("part_of_speech", "components", "unique_components", "word_tokens"):
        assert f'id="network-1-{anchor}"' in page
    assert page.count("<svg") >= 2 + 3 + 1 + len(types.pairs) + 1
    assert "Nearest to “that”" in page
    bare = render(Report("words", "today", "naibu report", (replace(part, part_of_speech=None, components=None),)))
    assert "one part of speech told from another" in bare
