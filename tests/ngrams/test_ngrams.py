"""n-grams against the definition written out in dictionaries, by hand, and through ARPA files of several styles."""

from __future__ import annotations

import gzip
import json
import math
from collections import Counter, defaultdict

import numpy as np
import pytest

import naibu
from naibu.cli import main
from naibu.data.levels import Characters, Words
from naibu.data.text_coder import TextCoder
from naibu.data.vocabulary import Vocabulary
from naibu.errors import CorpusError, OptionError
from naibu.ngrams import NGramModel, counts, train
from naibu.ngrams.kneser_ney import discounts


def words(text, *known):
    """A text of words in a vocabulary of its own, or in a given one."""
    vocabulary = Vocabulary(("<unk>", "</s>", *(known or sorted(set(text.split())))))
    return TextCoder(vocabulary, Words(), 200).encode(text)


def characters(text):
    return TextCoder(Vocabulary(("<unk>", "\n", *sorted(set(text) - {"\n"}))), Characters(), 1000).encode(text)


def random_text(seed, lines=300):
    rng = np.random.default_rng(seed)
    return "".join(
        " ".join(rng.choice(list("abcde"), p=[0.4, 0.3, 0.15, 0.1, 0.05], size=rng.integers(0, 7))) + "\n"
        for _ in range(lines)
    )


class Defined:
    """Interpolated modified Kneser-Ney as it is written down, in dictionaries; symbols are strings, `<s>` begins."""

    def __init__(self, lines, symbols, order):
        self.symbols, self.order = symbols, order
        grams = [Counter() for _ in range(order + 1)]
        for line in lines:
            for n in range(1, order + 1):
                grams[n].update(tuple(line[k : k + n]) for k in range(len(line) - n + 1))
        self.c = [Counter() for _ in range(order + 1)]
        self.c[order] = grams[order]
        for n in range(1, order):
            before = Counter(gram[1:] for gram in grams[n + 1])
            self.c[n] = Counter({gram: before[gram] or count for gram, count in grams[n].items()})
        del self.c[1][("<s>",)]
        self.d, self.after = [None], [None]
        for n in range(1, order + 1):
            self.d.append(discounts(np.array([*self.c[n].values()])))
            after = defaultdict(list)
            for gram, count in self.c[n].items():
                after[gram[:-1]].append(count)
            self.after.append(after)

    def p(self, symbol, history):
        history = tuple(history)[max(0, len(history) - self.order + 1) :]
        n = len(history) + 1
        lower = self.p(symbol, history[1:]) if history else 1 / len(self.symbols)
        seen = self.after[n].get(history)
        if not seen:
            return lower
        taken = [self.d[n][min(count, 3)] for count in seen]
        count = self.c[n].get((*history, symbol), 0)
        return (count - self.d[n][min(count, 3)] + sum(taken) * lower) / sum(seen)


@pytest.mark.parametrize("order", [1, 2, 3, 5])
@pytest.mark.parametrize("read", [words, characters])
def test_probabilities_are_those_of_the_definition(order, read):
    text, other = random_text(1), "a b e\n\nc z a b c\n" * 2
    part = read(text)
    model = train(part, order)
    if read is words:
        lines = [["<s>", *line.split(), "</s>"] for line in text.splitlines()]
        tested = [["<s>", *("<unk>" if w == "z" else w for w in line.split()), "</s>"] for line in other.splitlines()]
    else:
        lines, tested = [["<s>", *text]], [["<s>", *other.replace("z", "\0")]]
        tested = [["<unk>" if letter == "\0" else letter for letter in tested[0]]]
    defined = Defined(lines, part.source.vocabulary.symbols, order)
    expected = [math.log(defined.p(line[k], line[:k])) for line in tested for k in range(1, len(line))]
    scored = TextCoder(part.source.vocabulary, part.source.level, 100).encode(other)
    assert np.allclose(model.log_probabilities(scored), expected, atol=1e-12)
    assert len(expected) == scored.steps


@pytest.mark.parametrize("read", [words, characters])
def test_after_any_history_probabilities_sum_to_1(read):
    model = train(read(random_text(2, 60)), 4)
    symbols, rng = [*model.vocabulary.symbols, "never"], np.random.default_rng(1)
    for begins in (False, True):
        for length in range(6):
            p = model.probabilities(rng.choice(symbols, length).tolist(), begins=begins)
            assert abs(p.sum() - 1) < 1e-9
            assert (p > 0).all()


def test_three_lines_by_hand():
    """Lines a b, a b, a c, order 3; with so few counts discounts are 0.5, 1 and 1.5.

    Different symbols before a word: a 1 (the beginning), b 1, c 1, </s> 2: of 5, 2.5 are taken, and 5 symbols share
    them: p(b) = (1 - .5) / 5 + .5 / 5 = .2. Before a b and before a c stands the beginning alone: 1 of 2 each, p(b | a)
    = .5 / 2 + 1 / 2 * .2 = .35. <s> a b is there twice, <s> a c once: p(b | <s> a) = (2 - 1) / 3 + 1.5 / 3 * .35.
    """
    model = train(words("a b\na b\na c\n"), 3)
    assert model.counts == (5, 5, 4)

    def p(symbol, *history, begins=False):
        return model.probabilities(history, begins=begins)[model.vocabulary.index[symbol]]

    assert p("b") == pytest.approx(0.2)
    assert p("<unk>") == pytest.approx(0.1)
    assert p("b", "a") == pytest.approx(0.35)
    assert p("b", "a", begins=True) == pytest.approx(1 / 3 + 0.5 * 0.35)
    assert p("a", begins=True) == pytest.approx(1.5 / 3 + 1.5 / 3 * 0.2)


def test_discounts_by_hand():
    """10, 4, 2 and 1 n-grams with counts of 1 to 4: Y = 10 / 18, so D1 = 1 - 2 Y 4 / 10 and so on."""
    found = discounts(np.repeat([1, 2, 3, 4, 9], [10, 4, 2, 1, 3]))
    y = 10 / 18
    assert np.allclose(found, [0, 1 - 2 * y * 0.4, 2 - 3 * y * 0.5, 3 - 4 * y * 0.5])
    assert np.allclose(discounts(np.array([1, 1, 2])), [0, 0.5, 1, 1.5])
    assert np.allclose(discounts(np.repeat([1, 2, 3, 4], [9, 1, 9, 1])), [0, 0.5, 1, 1.5])  # D2 would be negative


def test_a_text_read_in_pieces_and_from_disk_has_the_same_n_grams(monkeypatch):
    part = words(random_text(3))
    whole = train(part, 4)
    monkeypatch.setattr(counts, "PIECE", 7)
    monkeypatch.setattr(counts, "LARGE", 50)
    pieces = train(part, 4)
    assert pieces.counts == whole.counts
    assert all(np.array_equal(a.log_p, b.log_p) for a, b in zip(pieces.tables, whole.tables, strict=True))
    assert np.array_equal(pieces.log_probabilities(part), whole.log_probabilities(part))
    monkeypatch.setattr(counts, "check_memory", lambda size, what: naibu.memory.check_memory(2**62 + size, what))
    with pytest.raises(OptionError, match="--order 2: n-grams of 2 symbols.* GB are free"):
        train(part, 2)


def test_orders_longer_than_any_line_are_not_there():
    model = train(words("a b\nb a\n"), 9)
    assert model.order == 4
    assert model.probabilities(["a", "b", "a"]).sum() == pytest.approx(1)
    for order in (0, -1, 65):
        with pytest.raises(OptionError, match=f"--order {order}: must be 1 to 64"):
            train(words("a b\n"), order)


def test_a_text_of_another_level_is_refused():
    with pytest.raises(OptionError, match="another level than this text of characters"):
        train(words("a b\n"), 2).log_probabilities(characters("a b\n"))


# ARPA


@pytest.mark.parametrize("read", [words, characters])
@pytest.mark.parametrize("name", ["a.arpa", "a.arpa.gz"])
def test_arpa_comes_back_as_it_was(read, name, tmp_path):
    part = read(random_text(4) + "é 犬 \\ <U+0021> <0x09>\n")
    model = train(part, 3)
    model.save_arpa(tmp_path / name)
    back = NGramModel.load_arpa(tmp_path / name)
    assert (back.counts, back.across) == (model.counts, model.across)
    assert back.vocabulary == model.vocabulary
    assert np.allclose(back.log_probabilities(part), model.log_probabilities(part), atol=1e-9)
    assert back.probabilities(["a", "b"]).sum() == pytest.approx(1, abs=1e-9)


def test_arpa_has_a_beginning_that_no_symbol_can_have(tmp_path):
    with pytest.raises(OptionError, match="the symbol <s>"):
        train(words("a <s> b\n"), 2).save_arpa(tmp_path / "a.arpa")


OTHER = """made by another program
\\data\\
ngram 1 = 5
ngram  2=4
ngram 3=2

\\1-grams:
-1.0\t<UNK>
-99\t<s>\t-0.3
-0.7\t</s>
-0.5 dog -0.2
-4e-1\tthe\t-0.1

\\2-grams:
-0.2\tthe dog\t0.05
-0.1\tdog </s>
-0.3\t<s> the\t-0.4
-0.9\tdog dog

\\3-grams:
-0.05\t<s> the dog
-0.15\tthe the dog

\\end\\
"""


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_arpa_of_another_program_by_hand(ends, tmp_path):
    (tmp_path / "a.lm").write_bytes(OTHER.replace("\n", ends).encode())
    model = NGramModel.load_arpa(tmp_path / "a.lm")
    assert model.counts == (4, 4, 2)
    text = TextCoder(model.vocabulary, Words(), 200).encode("the dog\ndog the the dog\ncat the dog dog\n")
    expected = [-0.3, -0.05, 0.05 - 0.1]  # the | <s>; dog | <s> the; </s> | the dog, whose backoff is .05
    expected += [-0.3 - 0.5, -0.2 - 0.4, -0.1 - 0.4]  # dog after the beginning; the | dog; the | the
    expected += [-0.15, 0.05 - 0.1]  # `the the dog` is there, though `the the` is not
    expected += [-0.3 - 1.0, -0.4, -0.2, 0.05 - 0.9, -0.1]  # cat is <UNK>
    assert np.allclose(model.log_probabilities(text) / math.log(10), expected)


def test_unknown_words_without_a_probability_are_left_out_and_counted(tmp_path, capsys):
    path = tmp_path / "a.arpa"
    path.write_text(OTHER.replace("-1.0\t<UNK>\n", "").replace("1 = 5", "1 = 4"))
    (tmp_path / "t.txt").write_text("the dog\nthe cat\n")
    assert main(["ngram", str(path), "--test", str(tmp_path / "t.txt"), "--json", str(tmp_path / "s.json")]) == 0
    scores = json.loads((tmp_path / "s.json").read_text())
    logarithms = [-0.3, -0.05, 0.05 - 0.1, -0.3, -0.7]
    assert scores["perplexity"] == pytest.approx(10 ** -np.mean(logarithms))
    assert (scores["tokens"], scores["left_out"], scores["unknown"], scores["unknown_share"]) == (5, 1, 1, 1 / 6)
    assert "left out" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("\\data\\", "\\date\\", "no ARPA file: it has no line \\data\\"),
        ("ngram 1 = 5", "ngram 1 = five", "line 3: 'ngram 1 = five': the head needs 'ngram 1=COUNT' here"),
        ("ngram 1 = 5", "ngram 2 = 5", "line 3: 'ngram 2 = 5': the head needs 'ngram 1=COUNT' here"),
        ("ngram 1 = 5", "ngram 1 = -5", "line 3: 'ngram 1 = -5': the head needs"),
        ("ngram 1 = 5\nngram  2=4\nngram 3=2\n", "", "line 2: the head says of no order"),
        ("2=4", "2=" + "9" * 17, "the head says 99,999,999,999,999,999 2-grams, and there are 4"),
        ("2=4", "2=" + "9" * 5000, "line 4: 'ngram 2=999"),
        ("ngram 3=2\n", "", "line 19: '\\\\3-grams:': \\end\\ is needed here"),
        ("\\2-grams:", "\\4-grams:", "'\\\\4-grams:': \\2-grams: is needed here"),
        ("\\end\\", "", "ends before \\end\\: it is torn"),
        ("-0.9\tdog dog\n", "-0.9\tdog\n", "line 18: 2 fields; a 2-gram has its logarithm, 2 symbols and a backoff"),
        ("-0.9\tdog dog\n", "-0.9\tdog cat\n", "line 18: 'cat': not among the 1-grams"),
        ("-0.9\tdog dog\n", "-0.9\tthe dog\n", "line 18: this 2-gram is there twice"),
        ("-0.9\tdog dog\n", "x\tdog dog\n", "line 18: 'x': must be a number"),
        ("-0.9\tdog dog\n", "nan\tdog dog\n", "line 18: 'nan dog dog': a logarithm of a probability is 0 or less"),
        ("-0.9\tdog dog\n", "0.9\tdog dog\n", "a logarithm of a probability is 0 or less"),
        ("-0.9\tdog dog\n", "-0.9\tdog dog inf\n", "a backoff a number"),
        ("-0.5 dog", "-0.5 the", "the 1-gram 'the' is there twice"),
        ("-0.7\t</s>\n", "-0.7\t<e>\n", "no </s> among its 1-grams: it cannot tell the end of a line"),
    ],
)  # fmt: skip
def test_a_bad_arpa_is_refused_in_one_line(old, new, said, tmp_path, capsys):
    path = tmp_path / "bad.lm"
    if old == "\\data\\":  # nothing but its name says then that it is one
        path = tmp_path / "bad.arpa"
    path.write_text(OTHER.replace(old, new, 1))
    (tmp_path / "t.txt").write_text("the dog\n")
    assert main(["ngram", str(path), "--test", str(tmp_path / "t.txt")]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.startswith(f"naibu: {path}")
    assert error.count("\n") == 1


def test_what_is_no_text_at_all_is_refused(tmp_path):
    path = tmp_path / "bad.arpa"
    for content in (b"", b"\0" * 1000, b"\xff\xfe" * 10, OTHER[: OTHER.index("\\1")].encode(), b"\\data\\"):
        path.write_bytes(content)
        with pytest.raises(CorpusError, match="bad.arpa"):
            NGramModel.load_arpa(path)
    path.write_bytes(OTHER.replace("dog", "d\xf6g").encode("latin1"))
    with pytest.raises(CorpusError, match="line 11: not UTF-8"):
        NGramModel.load_arpa(path)
    (tmp_path / "torn.arpa.gz").write_bytes(gzip.compress(OTHER.encode())[:60])
    with pytest.raises(CorpusError, match="cannot be read"):
        NGramModel.load_arpa(tmp_path / "torn.arpa.gz")


# The command


def test_the_command_counts_as_a_network_does(tmp_path, capsys):
    (tmp_path / "a.txt").write_text(random_text(5))
    (tmp_path / "b.txt").write_text(random_text(6, 20) + "zebra a\n")
    given = [str(tmp_path / "a.txt"), "--order", "3", "--test", str(tmp_path / "b.txt")]
    kept = ["--arpa", str(tmp_path / "a.arpa"), "--json", str(tmp_path / "s.json")]
    assert main(["ngram", *given, *kept]) == 0
    scores = json.loads((tmp_path / "s.json").read_text())
    data = naibu.open_text(tmp_path / "a.txt", level="word", validation=tmp_path / "b.txt")
    assert (scores["tokens"], scores["unknown"]) == (data.test.steps, data.counts["unknown_test"])
    assert scores["unknown_share"] == data.unknown_share > 0
    expected = math.exp(-train(data.train, 3).log_probabilities(data.test).mean())
    assert scores["perplexity"] == pytest.approx(expected)
    assert "perplexity" in capsys.readouterr().out
    again = ["ngram", str(tmp_path / "a.arpa"), "--test", str(tmp_path / "b.txt"), "--json", str(tmp_path / "t.json")]
    assert main(again) == 0
    back = json.loads((tmp_path / "t.json").read_text())
    assert back["perplexity"] == pytest.approx(expected)
    same = ("tokens", "unknown", "unknown_share", "level", "order", "ngrams")
    assert [back[name] for name in same] == [scores[name] for name in same]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--order", "0"], "--order 0: must be 1 to 64"),
        (["--order", "2.5"], "--order 2.5: must be a whole number"),
        (["--test", "a.txt"], "--test a.txt: is the training text itself"),
        (["--test", "nowhere.txt"], "nowhere.txt: there is no such file"),
        (["--level", "letter"], "--level"),
        (["--arpa", "."], "--arpa .: it is a folder"),
        (["--first", "some"], "--first some: must be a number of bytes"),
    ],
)
def test_a_wrong_option_is_refused_in_one_line(options, said, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.txt").write_text(random_text(7))
    assert main(["ngram", "a.txt", *options]) == 2
    error = [line for line in capsys.readouterr().err.splitlines() if "%" not in line]
    assert len(error) == 1
    assert said in error[0]


def test_an_arpa_needs_a_text_to_score(tmp_path, capsys):
    (tmp_path / "a.arpa").write_text(OTHER)
    assert main(["ngram", str(tmp_path / "a.arpa")]) == 2
    assert "give --test FILE" in capsys.readouterr().err
