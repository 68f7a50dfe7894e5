"""Where a network looks in the source: worked by hand, told again by brute force, and parted by labels."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from naibu import probes
from naibu.errors import OptionError
from naibu.looking.analyses.attention import ATTENDING, label_of, looks
from naibu.looking.analysis import Probed
from naibu.probes.attention import BINS
from naibu.recording import Recording
from naibu.reporting.section import Pen

KEY = ("attention", "weights")


def recorded(weights, sources, *, labels=None, split=2):
    """A recording of sentences: their attention [step place], and the symbols of each source, its end besides."""
    wide = max(sources) + 1
    rows = np.concatenate([np.pad(each, ((0, 0), (0, wide - each.shape[1]))) for each in weights])
    number = np.repeat(np.arange(len(weights)), [len(each) for each in weights])
    beside = Recording.from_arrays(
        {("encoder.0", "hidden"): np.zeros((sum(sources) + len(sources), 1))},
        sequence=np.repeat(np.arange(len(sources)), np.array(sources) + 1),
        split=np.full(sum(sources) + len(sources), split),
    )
    return Recording.from_arrays(
        {KEY: rows},
        sequence=number,
        split=np.full(len(rows), split),
        labels=labels or {},
        beside={"source": beside},
    )


def test_places_are_shares_of_the_source_without_its_end():
    """Of a source of three symbols: the first, the last, half of each and the end; the last step tells the end."""
    weights = np.array([[1, 0, 0, 0], [0, 0, 1, 0], [0.25, 0, 0.25, 0.5], [0, 0, 0, 1.0]])
    (every,) = probes.attention(recorded([weights, weights], [3, 3])).groups
    assert (every.place.test.n, every.place.test.sequences) == (6, 2)
    assert every.place.test.value == pytest.approx((0 + 1 + 0.25) / (1 + 1 + 0.5))
    assert every.end.test.value == pytest.approx(0.5 / 3)
    assert every.final.test.value == pytest.approx((0 + 1 + 0.25) / 3)
    assert [score.n for score in every.course] == [2, 0, 2, 0, 2]  # at 0, 1/2 and 1 of the translation
    assert [score.value for score in every.course][::2] == pytest.approx([0, 1, 0.5])


def test_a_translation_in_reverse_order_falls_from_the_end_to_the_beginning():
    weights = [np.pad(np.eye(n)[::-1], ((0, 1), (0, 1))) for n in range(5, 12)]
    course = probes.attention(recorded(weights, list(range(5, 12)))).groups[0].course
    values = [score.value for score in course]
    assert values == sorted(values, reverse=True)
    assert values[0] > 0.9 > 0.1 > values[-1]
    assert all(score.low <= score.value <= score.high for score in course)


def random_weights(seed=1, count=40):
    draw = np.random.default_rng(seed)
    sources = draw.integers(1, 9, count)
    return [draw.dirichlet(np.ones(n + 1), draw.integers(2, 9)) for n in sources], sources.tolist()


def test_groups_are_those_of_the_symbols_told_which_stand_a_step_later():
    weights, sources = random_weights()
    draw = np.random.default_rng(2)
    names = ("noun", "verb")
    codes = [np.append(-1, draw.integers(-1, 2, len(each) - 1)) for each in weights]  # the first reads no symbol
    label = (np.concatenate(codes).astype(np.int32), names)
    found = probes.attention(recorded(weights, sources, labels={"pos": label}), "pos")
    assert [group.group for group in found.groups] == ["all", "noun", "verb"]
    sums = {name: np.zeros((BINS + 1, 3)) for name in ("all", *names)}
    for rows, code, n in zip(weights, codes, sources, strict=True):
        symbols = len(rows) - 1
        if n < 2 or symbols < 2:
            continue
        for step in range(symbols):
            place = sum(rows[step][k] * k / (n - 1) for k in range(n))
            told = code[step + 1]
            part = min(BINS - 1, int(step / (symbols - 1) * BINS))
            for name in ("all", *([names[told]] if told >= 0 else [])):
                for row in (part, BINS):
                    sums[name][row] += place, rows[step][:n].sum(), 1
    for group in found.groups:
        wanted = sums[group.group]
        np.testing.assert_allclose(
            [score.value for score in (*group.course, group.place.test)], wanted[:, 0] / wanted[:, 1], rtol=1e-5
        )
        assert [score.n for score in (*group.course, group.place.test)] == wanted[:, 2].tolist()


def test_a_label_of_zeros_and_ones_parts_too_and_other_numbers_do_not():
    weights, sources = random_weights()
    steps = sum(map(len, weights))
    is_verb, many = (np.arange(steps) % k for k in (2, 3))
    recording = recorded(weights, sources, labels={"verb": is_verb, "many": many})
    assert [each.group for each in probes.attention(recording, "verb").groups] == ["all", "verb: 0", "verb: 1"]
    with pytest.raises(OptionError, match="label 'many': has other numbers than 0 and 1"):
        probes.attention(recording, "many")
    with pytest.raises(OptionError, match="stream 'other': does not lie beside"):
        probes.attention(recording, source="other")


def test_verbs_told_from_the_end_are_found_and_shown(tmp_path):
    """Of Japanese sentences: whatever stands in the middle of the translation, the verb is told from the end."""
    draw, weights, codes, count = np.random.default_rng(4), [], [], 60
    for _ in range(count):
        verb = int(draw.integers(1, 3))
        rows = np.full((6, 7), 0.02)
        for step in range(5):
            rows[step, 5 if step == verb else step] = 0.9
        weights.append(rows / rows.sum(1, keepdims=True))
        codes.append([-1, *(int(step == verb) for step in range(5))])
    label = (np.concatenate(codes).astype(np.int32), ("other", "verb"))
    recording = recorded(weights, [6] * count, labels={"words_left": np.zeros(6 * count), "pos": label})
    untrained = recorded([np.full((6, 7), 1 / 7)] * count, [6] * count)
    probed = Probed(recording, untrained, SimpleNamespace(asks=()), None)
    assert label_of(probed) == "pos"
    (ask,) = ATTENDING.asks(probed)
    found = ask.make()
    finding = looks(found)
    assert finding.present
    assert "it looks nearer to the end of the source for verb" in finding.text
    assert found.groups[0].untrained.test.value == pytest.approx(0.5)
    probes.save(found, tmp_path, "attention")
    again = probes.load(tmp_path / "attention.json")
    assert str(again.rows()) == str(found.rows())  # some parts have no verb, and nan is not equal to itself
    axes = again.plot()
    assert axes.get_legend_handles_labels()[1] == ["untrained", "other", "verb"]
    drawn = {str(each.get_label()): each.lines[0].get_ydata() for each in axes.containers}
    np.testing.assert_allclose(drawn["verb"], [score.value for score in found.groups[2].course])
    section = ATTENDING.section(found, Pen("network-1"))
    assert "verb" in str(section.tables[0])
    assert set(ATTENDING.numbers(found)) == {"all", "other", "verb", "label"}


def test_a_recording_without_attention_is_asked_nothing():
    plain = Recording.from_arrays({("lstm.0", "cell"): np.zeros((4, 2))}, sequence=np.zeros(4, np.int64))
    assert list(ATTENDING.asks(Probed(plain, None, SimpleNamespace(asks=()), None))) == []
