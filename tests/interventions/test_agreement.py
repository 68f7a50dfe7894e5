"""Number agreement: the sentences made, the odds of their verbs, networks that are known to agree or not."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from naibu.cells.exchange import edited
from naibu.config import ModelConfig
from naibu.data.corpus import Corpus, open_corpus
from naibu.data.generated.agreement import Prefix, draw_items, events, prefixes, symbols, verb_events
from naibu.data.generated.agreement_words import Lexicon, NounPair, lexicon, plurals
from naibu.data.penn import read_trees
from naibu.data.trees import CLOSE
from naibu.errors import OptionError
from naibu.interventions.agreement import _choose, agreement_of
from naibu.interventions.agreement_results import Agreement
from naibu.interventions.agreement_scores import Marks
from naibu.interventions.verb_odds import Texts, number_values, verb_odds
from naibu.models.language_model import LanguageModel
from naibu.probes import tables
from naibu.probes.resampling import Resampler
from naibu.probes.results import Score
from naibu.reporting.agreement import says
from naibu.reporting.plots.agreement import plot_agreement

NOUNS = ("dog", "city", "box", "child", "key", "window", "table", "letter", "lamp", "stone", "river", "tower")
TREES = (
    "(S (NP (DT The) (NN {s})) (VP (VBZ is) (ADJP (JJ big))))",
    "(S (NP (DT The) (NNS {p})) (VP (VBP are) (ADJP (JJ big))))",
    "(S (NP (NP (DT The) (NN {s})) (PP (IN near) (NP (DT the) (NNS {p})))) (VP (VBD was) (ADJP (JJ big))))",
    "(S (NP (NP (DT The) (NNS {p})) (SBAR (WHNP (WDT that)) (S (VP (VBD saw) (NP (DT the) (NN {s}))))))"
    " (VP (VBD were) (ADJP (JJ big))))",
)
# `walk` is a verb as often as a noun, `sheeps` has no singular, `moon` no plural: none of them may be taken.
DECOYS = (
    "(S (NP (DT the) (NN walk)) (VP (VBP walks)))",
    "(S (NP (DT the) (NNS walks)) (VP (VBP walk)))",
    "(S (NP (DT The) (NN moon)) (VP (VBZ has) (NP (DT the) (NNS sheeps))))",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    where = tmp_path_factory.mktemp("agreement")
    some = [tree.format(s=noun, p=plurals(noun)[0]) for noun in NOUNS for tree in TREES]
    (where / "all.mrg").write_text("\n".join([*some, *DECOYS] * 12) + "\n")
    return where


def corpus_in(folder, form: str) -> Corpus:
    return open_corpus(folder / "all.mrg", form=form, longest=0)


@pytest.fixture(scope="module")
def corpus(folder) -> Corpus:
    return corpus_in(folder, "words")


@pytest.fixture(scope="module")
def words(corpus) -> Lexicon:
    return lexicon(corpus)


# ---------------------------------------------------------------- words and sentences


def test_the_nouns_are_those_of_the_corpus_in_both_numbers(words):
    assert {noun.singular for noun in words.nouns} == set(NOUNS)
    assert NounPair("child", "children") in words.nouns
    assert NounPair("city", "cities") in words.nouns
    assert [verb.name for verb in words.verbs] == ["is/are", "was/were"]
    assert (words.prepositions, words.pasts, words.relative) == (("near",), ("saw",), "that")
    assert (words.first_determiner, words.determiner) == ("The", "the")


@pytest.mark.parametrize(
    ("noun", "expected"),
    [("dog", "dogs"), ("boy", "boys"), ("fly", "flies"), ("box", "boxes"), ("church", "churches"), ("man", "men"),
     ("knife", "knives"), ("leaf", "leaves"), ("potato", "potatos")],
)  # fmt: skip
def test_plurals(noun, expected):
    assert plurals(noun)[0] == expected


def test_plurals_by_two_rules_are_left_to_the_corpus():
    assert plurals("roof") == ("rooves", "roofs")
    assert plurals("hero") == ("heros", "heroes")


def test_numbers_are_balanced(words):
    """Both numbers equally often, and each with both numbers of the other nouns: no one word decides."""
    sentences = prefixes(draw_items(words, 2, 20, 1))
    items = draw_items(words, 2, 20, 1)
    assert len(items) == len(set(items)) == 20
    assert Counter((s.number, s.others) for s in sentences) == {(a, b): 20 for a in (0, 1) for b in (0, 1)}
    assert {s.item.construction for s in sentences} == {"prepositions", "relative clause"}
    subjects = Counter(s.item.subject for s in sentences)
    assert max(subjects.values()) - min(subjects.values()) <= 4  # an item more or less
    for s in sentences:
        assert len({s.item.subject, *s.item.attractors}) == 3
    alone = prefixes(draw_items(words, 0, 20, 1))
    assert Counter((s.number, s.last, s.congruent) for s in alone) == {
        (0, 0, True): 12,
        (1, 1, True): 12,
    }  # of 12 nouns
    assert prefixes(draw_items(words, 2, 20, 1)) == sentences
    assert prefixes(draw_items(words, 2, 20, 2)) != sentences
    with pytest.raises(OptionError, match="0 to 3"):
        draw_items(words, 4, 2, 1)
    with pytest.raises(OptionError, match="2 nouns are too few for sentences with 3"):
        draw_items(replace(words, nouns=words.nouns[:2]), 2, 2, 1)


def sentence(words: Lexicon, construction: str, number: int = 0, others: int = 1, attractors: int = 1) -> Prefix:
    items = draw_items(words, attractors, 20, 1)
    item = replace(next(i for i in items if i.construction == construction), subject=words.nouns[0])
    return Prefix(replace(item, attractors=words.nouns[1 : 1 + attractors]), number, others)


def test_a_sentence_in_each_form(words):
    s = sentence(words, "prepositions")
    one, many = words.nouns[0].singular, words.nouns[1].plural
    assert symbols(events(s, words), "words") == f"ST The {one} near the {many}".split()
    assert symbols(events(s, words), "brackets+words") == (
        f"ST ( ( ( ( The ) ( {one} ) ) ( ( near ) ( ( the ) ( {many} ) ) ) ) (".split()
    )
    assert (
        symbols(events(s, words), "tagged+words")
        == (
            f"ST (S (NP (NP (DT The DT) (NN {one} NN) NP) (PP (IN near IN) "
            f"(NP (DT the DT) (NNS {many} NNS) NP) PP) NP) (VP"
        ).split()
    )
    clause = replace(sentence(words, "relative clause"), number=1, others=0)
    many, one = words.nouns[0].plural, words.nouns[1].singular
    assert symbols(events(clause, words), "words") == f"ST The {many} that saw the {one}".split()
    verb = words.verbs[0]
    assert symbols(verb_events(verb, 1), "words") == ["are"]
    assert symbols(verb_events(verb, 0), "tagged+words") == ["(VBZ", "is"]
    assert symbols(verb_events(verb, 1), "brackets+words") == ["(", "are"]


@pytest.mark.parametrize("attractors", [0, 1, 2, 3])
def test_the_trees_are_those_a_treebank_would_have(words, attractors):
    """Completed, printed in brackets and read by the reader of treebanks, they are the same events."""
    for s in prefixes(draw_items(words, attractors, 6, 3)):
        verb = words.verbs[0]
        ends = [(CLOSE, "V"), (CLOSE, "VP"), (CLOSE, "S")]
        written = [*events(s, words)[1:], *verb_events(verb, s.number), *ends]
        text = "".join({0: f"({n} ", 1: ")", 2: n}[kind] for kind, n in written)
        (tree,) = read_trees(text)
        kinds, names = zip(*written, strict=True)
        assert tuple(tree.kinds) == kinds
        assert [n for n, k in zip(tree.names, kinds, strict=True) if k != CLOSE] == [
            n for n, k in zip(names, kinds, strict=True) if k != CLOSE
        ]
        nouns = [n for n, k in zip(names, kinds, strict=True) if n in ("NN", "NNS") and k != CLOSE]
        assert nouns == ["NNS" if s.number else "NN", *["NNS" if s.others else "NN"] * attractors]


def test_a_sentence_of_the_corpus_is_written_as_the_corpus_has_it(folder, words):
    corpus = corpus_in(folder, "tagged+words")
    there = {tuple(corpus.train[k].symbols) for k in range(len(corpus.train))}
    s = sentence(words, "prepositions")
    s = replace(s, item=replace(s.item, attractors=(s.item.subject,)))
    mine = symbols([*events(s, words), *verb_events(words.verbs[1], 0)], "tagged+words")
    assert any(list(each[: len(mine)]) == mine for each in there)


@pytest.mark.parametrize(
    ("form", "text", "said"),
    [
        ("tagged", None, "does not apply: the form 'tagged' shows no words"),
        ("words", "the dogs are here\n" * 4000, "does not apply: .* is plain text"),
        ("words", "(S (N la) (V parla))\n" * 40, "does not apply: .* no words tagged NN, NNS, DT, IN"),
        (
            "words",
            f"{TREES[0]}\n{TREES[2]}\n".format(s="dog", p="dogs") * 30,
            "does not apply: .* has 1 nouns .* 0 verbs",
        ),
    ],
)
def test_where_it_does_not_apply_it_says_so(folder, tmp_path, form, text, said):
    path = folder / "all.mrg"
    if text is not None:
        path = tmp_path / ("some.mrg" if text.startswith("(") else "some.txt")
        path.write_text(text)
    with pytest.raises(OptionError, match=said) as error:
        lexicon(open_corpus(path, form=form))
    assert "\n" not in str(error.value)


# ---------------------------------------------------------------- odds


@pytest.mark.parametrize("form", ["words", "brackets+words", "tagged+words"])
def test_the_odds_are_those_of_the_whole_sentence(folder, words, form):
    """Against the probability of every symbol of prefix and verb, read in one piece, sentence by sentence."""
    corpus = corpus_in(folder, form)
    model = LanguageModel(len(corpus.vocabulary), ModelConfig(units=9, layers=2)).eval()
    sentences = prefixes(draw_items(words, 2, 3, 1))
    encode = corpus.vocabulary.index
    ids = [np.array([encode[s] for s in symbols(events(p, words), form)]) for p in sentences]
    verbs = [[[encode[s] for s in symbols(verb_events(v, n), form)] for n in (0, 1)] for v in words.verbs]
    odds = verb_odds(model, Texts(ids, [(one, many) for one, many in verbs]))
    for k, prefix in enumerate(ids):
        for v, verb in enumerate(verbs):
            both = []
            for ending in verb:
                whole = torch.tensor([*prefix, *ending])
                with torch.no_grad():
                    p = model.logits(model(whole[:-1, None])[0])[:, 0].log_softmax(-1)
                chosen = p[torch.arange(len(whole) - 1), whole[1:]]
                both.append(float(chosen[len(prefix) - 1 :].sum()))
            assert odds[k, v] == pytest.approx(both[1] - both[0], abs=1e-5)


def test_values_are_those_of_the_last_symbol(corpus, words):
    model = LanguageModel(len(corpus.vocabulary), ModelConfig(units=5, layers=2)).eval()
    ids = [np.array([0, 3, 4]), np.array([0, 5]), np.array([0, 4, 4])]
    values = number_values(model, Texts(ids, []), "cell")
    assert list(values) == [("lstm.0", "cell"), ("lstm.1", "cell")]
    with torch.no_grad():
        _, (_, cell) = model(torch.tensor(ids[2])[:, None])
    np.testing.assert_allclose(values["lstm.1", "cell"][2], cell[1, 0].numpy(), atol=1e-6)


# ---------------------------------------------------------------- networks that are known


def network(corpus: Corpus, words: Lexicon, *, keeps: str, prefers: float = 0.0, units: int = 24) -> LanguageModel:
    """A hand-made LSTM: unit 0 holds the number of the first noun ("subject") or of the last one ("last").

    Unit 1 has seen a noun and shuts unit 0's input from then on. The plural verbs have +5, the singular ones -5 times
    unit 0, and `prefers` is added to the singular.
    """
    model = LanguageModel(len(corpus.vocabulary), ModelConfig(units=units, embedding=3)).eval()
    index = corpus.vocabulary.index
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
        model.embedding.weight[:, 2] = 1.0
        for noun in words.nouns:
            model.embedding.weight[index[noun.singular]] = torch.tensor([1.0, -1.0, 1.0])
            model.embedding.weight[index[noun.plural]] = torch.tensor([1.0, 1.0, 1.0])
        w, u, b = model.layers.weight_ih_l0, model.layers.weight_hh_l0, model.layers.bias_ih_l0
        gate = {name: units * k for k, name in enumerate("ifgo")}
        b[:units] = -10.0  # input gates shut,
        b[gate["f"] : gate["f"] + units] = b[gate["o"] : gate["o"] + units] = 20.0  # the others open
        w[0, 0] = w[1, 0] = 20.0
        w[gate["g"], 1], w[gate["g"] + 1, 0] = 3.0, 3.0
        if keeps == "subject":
            u[0, 1] = -40.0
        else:
            w[gate["f"], 0] = -40.0
        for verb in words.verbs:
            model.output.weight[index[verb.plural], 0] = 5.0
            model.output.weight[index[verb.singular], 0] = -5.0
            model.output.bias[index[verb.singular]] = prefers
    return model


@pytest.fixture(scope="module")
def agreeing(corpus, words) -> Agreement:
    torch.manual_seed(0)
    bare = LanguageModel(len(corpus.vocabulary), ModelConfig(units=24)).eval()
    return agreement_of(network(corpus, words, keeps="subject"), corpus, bare=bare, items=24, draws=4, resamples=100)


def test_a_network_that_keeps_the_subject_agrees_everywhere(agreeing, words):
    assert [(c.attractors, c.kind) for c in agreeing.conditions] == [
        (0, "none"), *((k, kind) for k in (1, 2, 3, None) for kind in ("congruent", "incongruent")),
    ]  # fmt: skip
    for c in agreeing.conditions:
        assert c.accuracy.value == c.accuracy.low == c.singular.value == c.plural.value == 1
        assert c.unigram == 0.5
        assert c.last_noun == (c.kind != "incongruent")
    assert all(m.share.value == 1 for m in agreeing.moved)
    made = [len(draw_items(words, k, 24, 1)) for k in range(4)]
    assert agreeing.sentences == 2 * made[0] + 4 * sum(made[1:])
    assert agreeing.of("incongruent").accuracy.n == 2 * 2 * sum(made[1:])  # numbers, verbs, items
    assert agreeing.of("incongruent").accuracy.sequences == len(NOUNS)


def test_without_its_unit_it_knows_nothing_and_without_others_all(agreeing):
    found = agreeing.number_unit
    assert (found.layer, found.signal, found.unit, found.of) == ("lstm.0", "cell", 0, 24)
    assert abs(found.chosen_r) == pytest.approx(1, abs=1e-4)
    assert found.r.value == pytest.approx(1, abs=1e-4)
    assert abs(found.untrained_r.value) < 0.9
    (before,), (held,) = found.kinds("before"), found.kinds("held")
    assert before.incongruent.value == 1
    assert held.value == pytest.approx(0, abs=1e-6)
    assert held.margin.value == pytest.approx(0, abs=1e-5)
    assert before.margin.value > 5
    assert held.incongruent.value == held.accuracy.value == held.moved.value == 0.5
    assert len(found.kinds("random")) == 4
    assert all(e.units != (0,) for e in found.kinds("random"))
    assert all(e.incongruent.value == 1 for e in found.kinds("random") if e.units != (1,))
    assert "The network agrees the verb" in says(agreeing)
    assert "The network uses it" in says(agreeing)


def test_a_network_that_goes_by_the_last_noun_does_not(corpus, words):
    found = agreement_of(network(corpus, words, keeps="last"), corpus, items=10, draws=1, resamples=50)
    for c in found.conditions:
        assert c.accuracy.value == c.last_noun == (c.kind != "incongruent")
        assert c.untrained is None
    assert found.moved[0].share.value == 1
    assert all(m.share.value == 0.5 for m in found.moved[1:])  # the last noun stays as it is
    assert abs(found.number_unit.r.value) < 0.9
    assert "is not shown" in says(found)


def test_a_constant_preference_hides_agreement_but_not_the_odds(corpus, words):
    found = agreement_of(network(corpus, words, keeps="subject", prefers=50), corpus, items=6, draws=0, resamples=20)
    for c in found.conditions:
        assert (c.accuracy.value, c.singular.value, c.plural.value) == (0.5, 1, 0)
    assert all(m.share.value == 1 for m in found.moved)
    assert "is not shown" in says(found)


def test_chosen_and_judged_nouns_are_different_ones(corpus, words):
    sentences = [s for k in (0, 2) for s in prefixes(draw_items(words, k, 24, 1))]
    marks = Marks(sentences, np.zeros((len(sentences), 1)), Resampler(10, 1))
    half = marks.half(1)
    one, two = ({s.item.subject for s, h in zip(sentences, half, strict=True) if h == side} for side in (True, False))
    assert len(one) == len(two) == 6
    assert not one & two


def test_the_unit_is_chosen_on_the_marked_rows_alone():
    number = np.array([0, 1, 0, 1, 0, 1])
    rows = np.array([True] * 4 + [False] * 2)
    values = {("lstm.0", "cell"): np.array([[0, 0], [1, 9], [0, 0], [1, -9], [9, 0], [0, 9]], float)}
    best = _choose(values, number, rows)
    assert (best.unit, best.of, best.chosen_r) == (0, 2, pytest.approx(1))
    np.testing.assert_allclose(best.means, [0.5, 0])


def test_marks_by_hand(words):
    """Two nouns, one verb: right, wrong and a tie; pairs that differ in the subject alone."""
    items = draw_items(words, 1, 2, 1)
    sentences = prefixes(items)  # (number, others) of each item: 00 01 10 11
    odds = np.array([-1.0, 1.0, 2.0, 0.0, -1.0, -2.0, -3.0, 5.0])[:, None]
    marks = Marks(sentences, odds, Resampler(200, 1))
    score = marks.accuracy(marks.everything)
    # right: -1 (0), wrong: 1 (0), right: 2 (1), tie: 0 (1); right, right, wrong, right
    assert score.value == (1 + 0 + 1 + 0.5 + 1 + 1 + 0 + 1) / 8
    assert (score.n, score.sequences) == (8, 2)
    assert (score.low, score.high) == (2.5 / 4, 3 / 4)  # resampling two nouns: either, or both
    assert marks.margin(marks.everything).value == (1 - 1 + 2 + 0 + 1 + 2 - 3 + 5) / 8
    assert marks.accuracy(marks.incongruent).value == (0 + 1 + 1 + 0) / 4
    # others singular: -1 to 2 rises, -1 to -3 falls; others plural: 1 to 0 falls, -2 to 5 rises
    assert marks.moved(marks.everything).value == 0.5


def test_too_few_sentences_are_refused(corpus, words):
    model = network(corpus, words, keeps="subject")
    with pytest.raises(OptionError, match="too few"):
        agreement_of(model, corpus, items=1)
    with pytest.raises(OptionError, match="too few"):
        agreement_of(model, corpus, attractors=())
    assert not model.layers.edits
    with edited(model, {}):
        pass


def test_a_single_number_of_attractors_is_enough(corpus, words):
    found = agreement_of(network(corpus, words, keeps="subject"), corpus, attractors=(0,), items=12, draws=1)
    assert [c.kind for c in found.conditions] == ["none"]
    assert found.number_unit.effects[0].incongruent is None
    assert "agrees the verb with its subject, where no noun" in says(found)


@pytest.mark.parametrize("form", ["brackets+words", "tagged+words"])
def test_forms_with_brackets_run(folder, form):
    corpus = corpus_in(folder, form)
    model = LanguageModel(len(corpus.vocabulary), ModelConfig(cell="gru", units=6)).eval()
    found = agreement_of(model, corpus, items=4, draws=1, resamples=20)
    assert found.form == form
    assert found.number_unit.signal == "hidden"
    assert found == agreement_of(model, corpus, items=4, draws=1, resamples=20)


def test_what_is_said_of_a_unit_that_carries_a_part(agreeing):
    """Verbs stay right and the margin falls below that of every random unit: a part; as random ones: not shown."""
    found = agreeing.number_unit
    (before,), (held,) = found.kinds("before"), found.kinds("held")
    weaker = Score(2.0, 1.9, 2.1, 10, 5)
    part = replace(held, accuracy=before.accuracy, incongruent=before.incongruent, margin=weaker)
    others = [replace(e, incongruent=before.incongruent, margin=before.margin) for e in found.kinds("random")]
    with_unit = lambda effects: replace(agreeing, number_unit=replace(found, effects=tuple(effects)))  # noqa: E731
    assert "carries a part" in says(with_unit([before, part, *others]))
    assert "uses it is not shown" in says(with_unit([before, part, replace(others[0], margin=weaker)]))
    assert "not held still beside random units" in says(with_unit([before, part]))


# ---------------------------------------------------------------- tables, plot


def test_rows_and_files(agreeing, tmp_path):
    tables.save(agreeing, tmp_path, "agreement")
    assert tables.load(Agreement, tmp_path, "agreement") == agreeing
    rows = agreeing.rows()
    assert len(rows) == 9 * 3 + 4 + 2 * 2 + 1 + 6 * 4
    assert {"run", "split", "layer", "signal", "unit", "value", "low", "high"} <= set(rows[0])
    assert all(row["nouns"] > 1 for row in rows)


def test_what_is_drawn(agreeing):
    ax = Figure().subplots()
    plot_agreement(agreeing, ax)
    names = ax.get_legend_handles_labels()[1]
    assert set(names) == {"no noun between", "nouns between, same number", "nouns between, other number", "untrained"}
    bare = next(line for line in ax.lines if line.get_marker() == "x")
    assert bare.get_ydata()[0] == agreeing.conditions[0].untrained.value
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["0", "1", "2", "3"]
