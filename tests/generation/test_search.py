"""Searches: what each finds, against everything that could be found, and the traps that beam search has."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch
from toy_steppers import BEGIN, END, RandomStepper, ToldStepper, everything, repeats, scored, sentences, textbook

from naibu.config import TranslationConfig
from naibu.data.batch import Batch, Stream
from naibu.errors import OptionError
from naibu.generation.beam import beam
from naibu.generation.forced import forced
from naibu.generation.hypothesis import penalty
from naibu.generation.largest import largest
from naibu.generation.options import SearchOptions
from naibu.generation.samples import sample
from naibu.generation.sampling import Sampling
from naibu.generation.translation_stepper import TranslationStepper
from naibu.models.translation import TranslationModel

SHORT = SearchOptions(max_ratio=0.1)
"""Translations of up to five words."""
WAYS = [
    {"alpha": 0.0},
    {"alpha": 0.5},
    {"alpha": 1.0},
    {"alpha": 1.0, "penalty": "gnmt"},
    {"alpha": 1.0, "coverage": 0.2},
    {"alpha": 0.6, "no_repeat": 1},
    {"alpha": 0.0, "no_repeat": 2},
    {"alpha": 1.0, "min_ratio": 0.7, "max_ratio": 0.7},
]


@pytest.fixture
def network():
    """A small network that translates, its weights drawn large, so that it has opinions."""
    torch.manual_seed(4)
    model = TranslationModel(9, 7, TranslationConfig(units=8, embedding=6))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(3)
    return TranslationStepper(model)


def sources(*lengths: int, seed: int = 1) -> Batch:
    """Random sources of these lengths, side by side."""
    x = torch.randint(2, 9, (max(lengths), 8), generator=torch.Generator().manual_seed(seed))[:, : len(lengths)]
    there = torch.arange(len(x))[:, None] < torch.tensor(lengths)
    return Batch({"source": Stream(x * there, torch.tensor(lengths))}, x[:0])


def one_of(batch: Batch, k: int) -> Batch:
    x, lengths = batch.streams["source"]
    return Batch({"source": Stream(x[: int(lengths[k]), k : k + 1], lengths[k : k + 1])}, batch.target[:, k : k + 1])


def greedy(stepper, batch, options, prefixes=None):
    """What is drawn where the likeliest symbol alone may be."""
    seeds = [0] * len(batch.streams["source"].lengths)
    return [one for (one,) in sample(stepper, batch, options, Sampling(top_k=1), seeds=seeds, prefixes=prefixes)]


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_a_beam_wider_than_all_prefixes_finds_the_best_of_all(way):
    stepper, options = RandomStepper(4, seed=2), replace(SHORT, beam=300, **way)
    for k, (best, *others) in enumerate(beam(stepper, sentences(4), options, n_best=3)):
        expected = sorted(everything(stepper, k, options), reverse=True)[:3]
        assert best.symbols == expected[0].symbols
        assert np.allclose([each.score for each in (best, *others)], [each.score for each in expected], atol=1e-5)
        assert np.isclose(best.log_probability, expected[0].log_probability, atol=1e-5)


@pytest.mark.parametrize("alpha", [0.0, 1.0])
def test_a_beam_is_the_textbooks_or_its_greedy_path(alpha):
    lost = 0
    for seed in range(4):
        stepper = RandomStepper(6, seed)
        for width in (2, 3, 5):
            options = replace(SHORT, alpha=alpha, beam=width)
            for k, found in enumerate(beam(stepper, sentences(20), options)):
                path = greedy(stepper, sentences(1, first=k), options)[0]
                book = textbook(stepper, k, options)
                expected = max(path, book) if book is not None else path
                lost += book is None or book < path
                assert found[0].symbols == expected.symbols
                assert found[0].score >= path.score - 1e-6
    assert lost  # else nothing was tried: there are beams that find less than their greedy path


def test_a_beam_of_one_is_greedy_search_token_for_token(network):
    for stepper, batch in ((RandomStepper(6, seed=3), sentences(60)), (network, sources(2, 7, 5, 5, 1, 9))):
        options = replace(SearchOptions(max_ratio=1), beam=1)
        found = beam(stepper, batch, options)
        path = greedy(stepper, batch, options)
        assert [each.symbols for (each,) in found] == [each.symbols for each in path]
        assert [each.score for (each,) in found] == pytest.approx([each.score for each in path])


@pytest.mark.parametrize("width", [1, 4])
@pytest.mark.parametrize("coverage", [0.0, 0.2])
def test_a_batch_is_one_sentence_at_a_time(network, width, coverage):
    batch = sources(2, 7, 5, 5, 1, 9)
    options = SearchOptions(beam=width, coverage=coverage)
    together = beam(network, batch, options, n_best=width)
    for k, found in enumerate(together):
        (alone,) = beam(network, one_of(batch, k), options, n_best=width)
        assert [each.symbols for each in found] == [each.symbols for each in alone]
        assert np.allclose([each.score for each in found], [each.score for each in alone], atol=1e-5)


def test_a_longer_translation_may_score_higher_so_the_first_finished_is_not_the_best():
    """ln .45 / 1 = -.80 is finished first; ln (.55 * .9 * .9 * .9) / 4 = -.23."""
    table = {"": {".": 0.45, "a": 0.55}, "a": {"a": 0.9, ".": 0.1}, "aa": {"a": 0.9, ".": 0.1}}
    table |= {"a" * k: {"a": 0.1, ".": 0.9} for k in range(3, 8)}
    stepper = ToldStepper(table)
    ((best, second),) = beam(stepper, sentences(1), replace(SHORT, beam=2), n_best=2)
    assert (stepper.spelt(best), stepper.spelt(second)) == ("aaa", "aaaa")
    assert best.score == pytest.approx(np.log(0.55 * 0.9**3) / 4)
    ((best,),) = beam(stepper, sentences(1), replace(SHORT, beam=2, alpha=0.0))
    assert stepper.spelt(best) == ""


def test_an_end_that_is_not_among_the_best_is_no_translation_found():
    """P(end) = .1 is more than any other translation's, .3 * .3, but stands behind three words at the first step."""
    after = {".": 0.3, "d": 0.28, "e": 0.26, "f": 0.16}
    table = {"": {"a": 0.3, "b": 0.3, "c": 0.3, ".": 0.1}, "a": after, "b": after, "c": after}
    stepper = ToldStepper(table)
    ((best,),) = beam(stepper, sentences(1), replace(SHORT, beam=3, alpha=0.0))
    assert len(best.symbols) == 1
    ((best,),) = beam(stepper, sentences(1), replace(SHORT, beam=4, alpha=0.0))
    assert best.symbols == ()


def test_what_is_done_leaves_the_batch():
    stepper = RandomStepper(6, seed=1)
    beam(stepper, sentences(30), SearchOptions(beam=3, alpha=0.0))
    assert stepper.rows[0] == 30
    assert 30 < max(stepper.rows) <= 4 * 30
    assert stepper.rows[-1] < 10


def test_n_best_have_no_text_twice():
    stepper = RandomStepper(6, seed=5)
    whole = beam(stepper, sentences(9), replace(SHORT, beam=8), n_best=8)
    assert all(len({each.symbols for each in found}) == len(found) == 8 for found in whole)
    assert all(found == sorted(found, reverse=True) for found in whole)
    alike = beam(stepper, sentences(9), replace(SHORT, beam=8), n_best=3, same=len)
    for found, every in zip(alike, whole, strict=True):
        assert len({len(each.symbols) for each in found}) == len(found)
        assert found[0] == every[0]


@pytest.mark.parametrize("no_repeat", [1, 2, 3])
def test_nothing_is_repeated(no_repeat):
    stepper = RandomStepper(4, seed=6, sharpness=3)
    batch, options = sentences(30), SearchOptions(beam=3, no_repeat=no_repeat, max_ratio=2)
    free = [found[0].symbols for found in beam(stepper, batch, replace(options, no_repeat=0))]
    held = [found[0].symbols for found in beam(stepper, batch, options)]
    assert not any(repeats(symbols, no_repeat) for symbols in held)
    assert any(repeats(symbols, no_repeat) for symbols in free)
    kept = [(a, b) for a, b in zip(free, held, strict=True) if not repeats(a, no_repeat)]
    assert kept


def test_translations_begin_as_they_have_to_and_may_end_after_it(network):
    batch, options = sources(3, 6, 4), SearchOptions(beam=3, max_ratio=1)
    free = [found[0] for found in beam(network, batch, options)]
    starts = [(3, 0), (), (2,) * 40]
    found = [each[0] for each in beam(network, batch, options, prefixes=starts)]
    assert all(each.symbols[: len(start)] == start for each, start in zip(found, starts, strict=True))
    assert found[1].symbols == free[1].symbols
    assert found[2].symbols == (2,) * 40
    read = forced(network, batch, [each.symbols for each in found])
    assert np.allclose([each.log_p.sum() for each in read], [each.log_probability for each in found], atol=1e-4)
    assert greedy(network, batch, options, prefixes=starts)[0].symbols[:2] == (3, 0)


def test_lengths_are_within_the_ratios():
    stepper, lengths = RandomStepper(5, seed=8, sharpness=3), [2, 4, 8, 10]
    options = SearchOptions(beam=2, min_ratio=1.0, max_ratio=1.0)
    for found, length in zip(beam(stepper, sentences(4, lengths), options), lengths, strict=True):
        assert length <= len(found[0].symbols) <= length + 5
        assert found[0].cut == (len(found[0].symbols) == length + 5)


def test_a_translation_is_read_as_the_network_reads_it(network):
    batch = sources(4, 7)
    read = forced(network, batch, [(3, 2, 5), ()], attention=True)
    x = torch.tensor([[END, END], [3, 0], [2, 0], [5, 0]])
    target = torch.tensor([[3, END], [2, -1], [5, -1], [END, -1]])
    streams = {**batch.streams, "target": Stream(x, torch.tensor([4, 1]))}
    loss = network.model.outcomes(Batch(streams, target))[0]["loss"]
    assert np.allclose(read[0].log_p, -loss[:, 0], atol=1e-5)
    assert np.allclose(read[1].log_p, -loss[:1, 1], atol=1e-5)
    assert [each.attention.shape for each in read] == [(4, 4), (1, 7)]
    assert all(np.allclose(each.attention.sum(1), 1, atol=1e-5) for each in read)


def test_samples_are_drawn_by_their_probability_whatever_stands_beside_them():
    stepper = RandomStepper(4, seed=2)
    options = replace(SHORT, alpha=0.0)
    (drawn,) = sample(stepper, sentences(1), options, Sampling(), seeds=[7], count=4000)
    counts = Counter(each.symbols for each in drawn)
    ended = [symbols for symbols, _ in counts.most_common(12) if len(symbols) < options.longest(3)]
    for symbols in ended[:5]:
        count = counts[symbols]
        p = np.exp(scored(stepper, 0, symbols, options).log_probability)
        for k in range(len(symbols) + 1):  # what may not be drawn leaves the others more
            p /= 1 - np.exp(stepper.log_p((0, BEGIN, *symbols[:k]))[BEGIN])
        assert count / 4000 == pytest.approx(p, abs=4 * (p / 4000) ** 0.5)
    beside = sample(stepper, sentences(3), options, Sampling(), seeds=[7, 8, 9], count=6)
    assert [each.symbols for each in beside[0]] == [
        each.symbols for each in sample(stepper, sentences(1), options, Sampling(), seeds=[7], count=6)[0]
    ]
    likeliest = sample(stepper, sentences(9), options, Sampling(top_k=1), seeds=range(9), count=2)
    for k, (one, other) in enumerate(likeliest):
        written = ()
        while len(written) < options.longest(3):
            log_p = np.array(stepper.log_p((k, BEGIN, *written)))
            log_p[BEGIN] = -np.inf
            if log_p.argmax() == END:
                break
            written = (*written, int(log_p.argmax()))
        assert one.symbols == other.symbols == written


def test_penalties_are_the_papers():
    assert penalty(SearchOptions(alpha=0.7), 9) == pytest.approx(9**0.7)
    assert penalty(SearchOptions(alpha=0.7, penalty="gnmt"), 9) == pytest.approx(14**0.7 / 6**0.7)
    assert penalty(SearchOptions(alpha=0.0), [1, 50]).tolist() == [1, 1]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"beam": 0}, r"--beam 0: must be from 1 \(greedy search\) to 1,000"),
        ({"alpha": -1.0}, "--alpha -1: must be from 0 to 5"),
        ({"min_ratio": 3.0}, "--min-ratio 3: must not be more than --max-ratio"),
        ({"max_ratio": 0.0}, "--max-ratio 0: must be more than 0"),
        ({"no_repeat": -1}, "--no-repeat -1: must be 1 or more"),
        ({"coverage": float("nan")}, "--coverage nan: must be from 0"),
    ],
)
def test_what_cannot_be_searched_for_is_told(options, says):
    with pytest.raises(OptionError, match=says):
        SearchOptions(**options)


@pytest.mark.parametrize("size", [5, 700, 4096, 4100])
def test_the_largest_are_those_of_all(size):
    values = torch.randn(9, size).masked_fill(torch.rand(9, size) < 0.3, -torch.inf)
    found, places = largest(values, 5)
    assert torch.equal(found, values.sort(1, descending=True).values[:, :5])
    assert torch.equal(values.gather(1, places), found)
