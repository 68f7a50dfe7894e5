"""Principal components and discriminants against scikit-learn, word types on held-out halves, neighbours."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fake_recording import FakeLabel, FakeRecording, fake_recording
from naibu.errors import OptionError
from naibu.probes import principal, tables
from naibu.probes.components import components, frequent, usual_word, word_tokens
from naibu.probes.components_results import Components, Neighbours, UniqueComponents, WordTokens
from naibu.probes.neighbours import neighbours
from naibu.probes.principal import ClassSums, principal_axes, projected, signs_split
from naibu.probes.unique_components import auc, auc_score, best_component, unique_components
from naibu.storage import as_json

UPDATE = ("lstm.0", "update")
UNITS = 14
TAGS = ("NN", "NNS", "VBZ", "VBP", "DT", ".")


def words(knows: bool = True, seed: int = 5) -> FakeRecording:
    """A word type has a tag, `that` has two by the unit 1; unit 2 tells NN from NNS, unit 3 VBZ from VBP."""
    recording = fake_recording(200, types=160, seed=seed)
    index = recording.index
    symbol = index.symbol.astype(np.int64)
    type_tag = np.random.default_rng(seed).integers(0, 5, 160)
    tag = type_tag[symbol]
    that, unknown = symbol == 7, symbol == 8
    draw = np.random.default_rng(seed + 1)
    frequent = draw.random(len(symbol)) < 0.06
    frequent &= (index.position > 0) & ~unknown
    symbol = np.where(frequent, 7, symbol)
    that = symbol == 7
    tag = np.where(that, np.where(draw.random(len(symbol)) < 0.4, 0, 4), tag)
    tag = np.where(index.position == 0, -1, tag)
    own = np.random.default_rng(seed if knows else seed + 50)
    x = own.normal(size=(len(symbol), UNITS)) * np.linspace(1, 0.4, UNITS)
    if knows:
        x[:, 1] += 3.0 * (tag == 4)
        x[:, 2] += 2.5 * (tag == 1) - 2.5 * (tag == 0)
        x[:, 3] += 2.5 * (tag == 2) - 2.5 * (tag == 3)
    names = (*index.symbols[:7], "that", "<unk>", *index.symbols[9:])
    recording = replace(recording, arrays={UPDATE: x.astype(np.float32)})
    recording = recording.with_index(symbol=symbol.astype(np.int32), symbols=names)
    return recording.with_labels(part_of_speech=FakeLabel(tag.astype(np.int32), TAGS))


@pytest.fixture(scope="module")
def recording() -> FakeRecording:
    return words()


@pytest.fixture(scope="module")
def untrained() -> FakeRecording:
    return words(knows=False)


def test_components_are_scikit_learns(recording: FakeRecording) -> None:
    from sklearn.decomposition import PCA

    rows = recording.index.split == 0
    axes = principal_axes(recording, UPDATE, rows, 6)
    theirs = PCA(6).fit(recording.arrays[UPDATE][rows].astype(np.float64))
    np.testing.assert_allclose(axes.share, theirs.explained_variance_ratio_, rtol=1e-4)
    signs = np.sign((axes.directions * theirs.components_.T).sum(axis=0))
    np.testing.assert_allclose(axes.directions * signs, theirs.components_.T, atol=1e-4)
    np.testing.assert_allclose(axes.mean, theirs.mean_, atol=1e-5)
    assert np.all(axes.directions[np.abs(axes.directions).argmax(axis=0), np.arange(6)] > 0)


def test_sums_do_not_depend_on_the_shards(recording: FakeRecording) -> None:
    rows = recording.index.split == 0
    one, many = (principal_axes(replace(recording, pieces=k), UPDATE, rows, 5) for k in (1, 11))
    np.testing.assert_allclose(one.directions, many.directions, atol=1e-6)
    found = [
        np.concatenate([z for _, z in projected(replace(recording, pieces=k), UPDATE, one, rows)]) for k in (1, 11)
    ]
    np.testing.assert_allclose(found[0], found[1], atol=1e-12)


def test_signs_split_by_hand() -> None:
    e = np.e
    np.testing.assert_allclose(
        signs_split(np.array([[0.0, 1.0], [-2.0, 0.0]])), [[1, e, 1, 1 / e], [e**-2, 1, e**2, 1]]
    )
    assert np.all(np.isfinite(signs_split(np.array([1e4, -1e4]))))


def test_discriminant_is_scikit_learns(monkeypatch: pytest.MonkeyPatch) -> None:
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    monkeypatch.setattr(principal, "RIDGE", 0.0)
    draw = np.random.default_rng(2)
    y = draw.integers(0, 4, 800)
    x = draw.normal(size=(800, 5)) @ draw.normal(size=(5, 5)) + draw.normal(size=(4, 5))[y] + 3
    sums = ClassSums(4, 5)
    for a in range(0, 800, 150):
        sums.add(x[a : a + 150], y[a : a + 150])
    weights, intercept = sums.discriminant()
    theirs = LinearDiscriminantAnalysis(solver="svd").fit(x, y)
    assert np.mean((x @ weights + intercept).argmax(axis=1) == theirs.predict(x)) == 1
    turned = draw.normal(size=(5, 2))
    weights, intercept = sums.through(turned).discriminant()
    theirs = LinearDiscriminantAnalysis(solver="svd").fit(x @ turned, y)
    assert np.mean((x @ turned @ weights + intercept).argmax(axis=1) == theirs.predict(x @ turned)) == 1
    weights, intercept = sums.part(slice(2)).discriminant()
    theirs = LinearDiscriminantAnalysis(solver="svd").fit(x[:, :2], y)
    assert np.mean((x[:, :2] @ weights + intercept).argmax(axis=1) == theirs.predict(x[:, :2])) == 1


def test_tokens_along_components(recording: FakeRecording, untrained: FakeRecording, tmp_path: object) -> None:
    found = components(recording, UPDATE, untrained=untrained, components=8, resamples=50)
    whole, plane, split = found.telling
    assert whole.dimensions == 8
    assert whole.scores.test.value > 0.8
    assert whole.scores.test.value > plane.scores.test.value > 0.4
    assert split.dimensions == 2
    assert whole.untrained is not None
    majority = found.baselines[0].scores.test.value
    assert whole.untrained.test.value < majority + 0.1
    assert "." not in found.tags  # never occurs; and no letter in it
    points = found.points
    assert points.coordinates.shape == (len(points.symbols), 8)
    assert set(points.tag.tolist()) == set(range(len(found.tags)))
    # A token's coordinates are those of a test row of that symbol.
    axes = principal_axes(recording, UPDATE, (recording.index.split == 0) & _tagged(recording), 8)
    rows = np.flatnonzero((recording.index.split == 2) & _tagged(recording))
    z = axes.coordinates(recording.arrays[UPDATE][rows])
    distance = np.abs(z[:, None] - points.coordinates[None, :20]).max(axis=2)
    nearest = distance.argmin(axis=0)
    assert distance.min(axis=0).max() < 1e-3
    assert [recording.index.symbols[recording.index.symbol[rows[k]]] for k in nearest] == list(points.symbols[:20])
    tables.save(found, str(tmp_path), "components")
    assert as_json(tables.load(Components, str(tmp_path), "components")) == as_json(found)
    assert len(found.rows()) > 20


def _tagged(recording: FakeRecording) -> np.ndarray:
    return np.asarray(recording.index.label("part_of_speech").values >= 0)


def test_shuffled_labels_are_told_no_better_than_the_majority(recording: FakeRecording) -> None:
    label = recording.index.label("part_of_speech")
    order = np.random.default_rng(0).permutation(recording.tokens)
    shuffled = recording.with_labels(part_of_speech=FakeLabel(label.values[order], label.names))
    found = components(shuffled, UPDATE, resamples=50)
    assert found.telling[0].scores.test.low < found.baselines[0].scores.test.high
    assert found.telling[0].scores.test.value < found.baselines[0].scores.test.value + 0.03


def test_one_word_by_its_part_of_speech(recording: FakeRecording, untrained: FakeRecording, tmp_path: object) -> None:
    assert usual_word(recording, "part_of_speech") == "that"
    found = word_tokens(recording, UPDATE, untrained=untrained, resamples=50)
    assert (found.word, found.tags) == ("that", ("DT", "NN"))
    assert found.telling[0].scores.test.value > 0.85
    assert found.telling[0].untrained is not None
    assert found.telling[0].untrained.test.value < 0.75
    here = recording.index.symbol == 7
    test = here & (recording.index.split == 2)
    assert found.test_count.sum() == found.points.tag.size == (test & _tagged(recording)).sum()
    weighted = float((found.recall * found.test_count).sum() / found.test_count.sum())
    assert weighted == pytest.approx(found.telling[0].scores.test.value)
    names = {b.name: b.scores.test.value for b in found.baselines}
    assert names["1-gram"] == names["majority"]  # the word is always the same
    tables.save(found, str(tmp_path), "word_tokens")
    assert as_json(tables.load(WordTokens, str(tmp_path), "word_tokens")) == as_json(found)


def test_word_types_come_apart_on_the_held_out_half(
    recording: FakeRecording, untrained: FakeRecording, tmp_path: object
) -> None:
    found = unique_components(recording, UPDATE, untrained=untrained, least=3, resamples=100)
    assert [p.values for p in found.pairs] == [("NN", "NNS"), ("VBP", "VBZ")]
    for pair in found.pairs:
        assert pair.auc.value > 0.95
        assert pair.auc.low > 0.8
        assert pair.untrained is not None
        assert pair.untrained.low < 0.55
        assert len(pair.words) == pair.auc.n == len(pair.along)
        assert pair.auc.value == pytest.approx(auc(pair.along, pair.second), abs=1e-3)
        low, high = pair.ends(3)
        assert not pair.second[low].any()
        assert pair.second[high].all()
    assert "<unk>" not in found.words
    assert "ST" not in found.words  # has no part of speech
    place = found.words.index("that")
    there = (recording.index.symbol == 7) & (recording.index.split == 0) & _tagged(recording)
    assert found.count[place] == there.sum()
    assert found.tags[found.tag[place]] == "DT"
    low, high = found.ends(0, 4)
    assert found.coordinates[low, 0].max() < found.coordinates[high, 0].min()
    tables.save(found, str(tmp_path), "unique")
    assert as_json(tables.load(UniqueComponents, str(tmp_path), "unique")) == as_json(found)


def test_a_pair_is_turned_to_where_its_first_half_lay(recording: FakeRecording) -> None:
    for pair in (("NN", "NNS"), ("NNS", "NN")):
        (found,) = unique_components(recording, UPDATE, pairs=[pair], least=3, resamples=10).pairs
        assert found.auc.value > 0.95


def test_words_that_the_component_was_chosen_on_are_not_scored(untrained: FakeRecording) -> None:
    """The best of 14 components that know nothing lies well above one half where it was chosen, and on others not."""
    areas = []
    for seed in range(16):
        pairs = unique_components(untrained, UPDATE, least=3, resamples=2, seed=seed).pairs
        areas += [pair.auc.value for pair in pairs]
    assert 0.44 < np.mean(areas) < 0.56


def test_mean_of_a_word_type_by_hand(recording: FakeRecording) -> None:
    """The differences between two types along all components are those of their mean vectors."""
    found = unique_components(recording, UPDATE, least=3, resamples=10)
    x, symbol = recording.arrays[UPDATE].astype(np.float64), recording.index.symbol
    rows = (recording.index.split == 0) & _tagged(recording)
    one, two = (recording.index.symbols.index(found.words[k]) for k in (0, 5))
    means = [x[rows & (symbol == k)].mean(axis=0) for k in (one, two)]
    apart = found.coordinates[0] - found.coordinates[5]
    assert np.linalg.norm(apart) <= np.linalg.norm(means[0] - means[1]) + 1e-3  # 10 of 14 components are kept
    assert np.linalg.norm(apart) >= 0.8 * np.linalg.norm(means[0] - means[1])


def test_area_under_the_curve_is_scikit_learns() -> None:
    from sklearn.metrics import roc_auc_score

    draw = np.random.default_rng(3)
    above = draw.random(200) < 0.3
    x = np.round(draw.normal(size=200) + above, 1)  # with ties
    assert auc(x, above) == pytest.approx(roc_auc_score(above, x))
    score = auc_score(x, above, 300, 1)
    assert score.low < score.value < score.high
    columns = np.stack([draw.normal(size=200), -x], axis=1)
    assert best_component(columns, above) == (1, -1.0)


def test_neighbours_against_brute_force(recording: FakeRecording, tmp_path: object) -> None:
    rows = np.flatnonzero((recording.index.split == 2) & _tagged(recording))
    token = int(rows[3])
    found = neighbours(recording, UPDATE, tokens=[token, int(rows[9])], most=5)
    query = found.queries[0]
    x = recording.arrays[UPDATE].astype(np.float64)
    x = x / np.linalg.norm(x, axis=1, keepdims=True)
    others = rows[rows != token]
    cosine = x[others] @ x[token]
    order = others[np.argsort(-cosine)]
    assert [n.row for n in query.nearest] == order[:5].tolist()
    apart = [int(r) for r in order if recording.index.symbol[r] != recording.index.symbol[token]]
    assert [n.row for n in query.others] == apart[:5]
    assert query.nearest[0].cosine == pytest.approx(cosine.max(), abs=1e-4)
    assert query.usual == pytest.approx(np.median(cosine), abs=1e-4)
    assert found.looked_at == len(rows)
    near = query.nearest[0]
    position = int(recording.index.position[near.row])
    assert len(near.before) == min(5, position)
    assert near.before[-1] == recording.index.symbols[recording.index.symbol[near.row - 1]]
    tables.save(found, str(tmp_path), "neighbours")
    assert as_json(tables.load(Neighbours, str(tmp_path), "neighbours")) == as_json(found)
    of_word = neighbours(recording, UPDATE, word="that", most=2)
    assert [q.tag for q in of_word.queries] == ["DT", "NN"]


def test_guards(recording: FakeRecording) -> None:
    with pytest.raises(OptionError, match="'nowhere' is not among the symbols"):
        word_tokens(recording, UPDATE, "nowhere")
    with pytest.raises(OptionError, match="fewer than two values"):
        word_tokens(recording, UPDATE, recording.index.symbols[20])
    with pytest.raises(OptionError, match=r"lstm\.0/cell is not in this recording"):
        components(recording, ("lstm.0", "cell"))
    with pytest.raises(OptionError, match="'VB' is the most frequent name of fewer"):
        unique_components(recording, UPDATE, pairs=[("VB", "VBD")])
    with pytest.raises(OptionError, match="occur 5000 times"):
        unique_components(recording, UPDATE, least=5000)
    with pytest.raises(OptionError, match="token -1 does not exist"):
        neighbours(recording, UPDATE, tokens=[-1])
    rare = (np.arange(recording.tokens) % 300 == 0).astype(np.int32)
    with pytest.raises(OptionError, match="fewer than two values with 20"):
        frequent(recording.with_labels(rare=FakeLabel(rare, ("a", "b"))), "rare", 1)
