"""Files of tagged text: what is read of each format, what is refused and where, and what is written back."""

from __future__ import annotations

import gzip
import json

import numpy as np
import pytest

from naibu.data.conllu import tree_labels
from naibu.data.tagged_files import read_tables, with_column
from naibu.errors import CorpusError, OptionError

CONLLU = """# newdoc id = a
# text = The dogs don't bark.
1\tThe\tthe\tDET\tDT\tDefinite=Def|PronType=Art\t2\tdet\t_\t_
2\tdogs\tdog\tNOUN\tNNS\tNumber=Plur\t5\tnsubj\t_\t_
3-4\tdon't\t_\t_\t_\t_\t_\t_\t_\t_
3\tdo\tdo\tAUX\tVBP\t_\t5\taux\t_\t_
4\tn't\tnot\tPART\tRB\t_\t5\tadvmod\t_\t_
5\tbark\tbark\tVERB\tVB\tVerbForm=Inf\t0\troot\t_\t_
5.1\tnever\t_\t_\t_\t_\t_\t_\t_\t_
6\t.\t.\tPUNCT\t.\t_\t5\tpunct\t_\t_

# newdoc id = b
1\tGo\tgo\tVERB\tVB\t_\t0\troot\t_\t_
"""


def written(folder, text, name="file.txt"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_conllu_is_read_word_by_word(tmp_path):
    (table,) = read_tables(written(tmp_path, CONLLU))
    assert table.format == "conllu"
    assert table.column("form") == ["The", "dogs", "do", "n't", "bark", ".", "Go"]
    assert table.column("upos") == ["DET", "NOUN", "AUX", "PART", "VERB", "PUNCT", "VERB"]
    assert table.column("Number") == table.column("feats:Number") == ["_", "Plur", "_", "_", "_", "_", "_"]
    assert (table.starts, table.documents) == ([0, 6, 7], [1, 2])
    assert table.lines == [3, 4, 6, 7, 8, 10, 13]
    with pytest.raises(OptionError, match="has the columns id, form, .* and in feats Definite, Number, PronType"):
        table.column("Tense")


def test_depth_and_subject_by_hand(tmp_path):
    (table,) = read_tables(written(tmp_path, CONLLU))
    depth, inside = tree_labels(table.column("head"), table.column("deprel"), np.array(table.starts))
    assert depth.tolist() == [2, 1, 1, 1, 0, 1, 0]
    assert inside.tolist() == [1, 1, 0, 0, 0, 0, 0]


def test_heads_that_are_no_tree_have_no_depth():
    heads, starts = ["2", "1", "_", "0", "9", "2", "3", "0", "2"], np.array([0, 2, 4, 5, 9])
    depth, inside = tree_labels(heads, ["nsubj:pass"] * 9, starts)
    assert np.isnan(depth[:5]).all()  # a circle, a head that is none, one beyond the sentence
    assert np.isnan(inside[:5]).all()
    assert depth[5:].tolist() == [2, 1, 0, 2]
    assert inside[5:].all()


def test_a_column_more_makes_conllu_plus_which_is_read_again(tmp_path):
    path = written(tmp_path, CONLLU)
    (table,) = read_tables(path)
    tags = [f"T{number}" for number in range(7)]
    text = with_column(path.read_text(), table, "upos", tags, None)
    lines = text.split("\n")
    assert lines[0] == "# global.columns = ID FORM LEMMA UPOS XPOS FEATS HEAD DEPREL DEPS MISC PREDICTED:UPOS"
    assert lines[1:3] == CONLLU.split("\n")[:2]
    assert lines[3].endswith("\t_\tT0")
    assert lines[5] == CONLLU.split("\n")[4] + "\t_"
    (again,) = read_tables(written(tmp_path, text, "again.conllu"))
    assert again.column("predicted:upos") == tags
    assert again.rows == [[*row, tag] for row, tag in zip(table.rows, tags, strict=True)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1\ta\t_\tX\t_\t_\t0\troot\t_\t_\n2\tb\t_\tX\n", "line 2: 4 columns, where CoNLL-U has 10"),
        ("1\ta\t_\tX\t_\t_\t0\troot\t_\t_\n1\tb\t_\tX\t_\t_\t0\troot\t_\t_\n", "line 2: the id '1', where 2 should"),
        ("a B-X\nb\n", "line 2: 1 columns, where the lines before have 2"),
        ("", "no token: it is empty"),
        ("\n\n", "no token: it is empty"),
        ('{"text": "ab", "entities": [{"span": [0, 9], "type": "X"}]}', "line 1: the span 0 to 9 is not within the 2"),
        (
            '{"text": "ab"}\n{"text": "abc", "entities": [[0, 2, "X"], [1, 3, "Y"]]}',
            "line 2: the spans 0 to 2 and 1 to",
        ),
        ('{"text": "ab"}\n{"text": \n', "line 2: not JSON"),
        ('[{"text": "ab"},\n {"texts": "a"}]', "line 2: no record of a text with spans"),
        ('{"text": "ab", "entities": [{"from": 1}]}', "line 1: no span"),
        ('{"text": "a big dog", "entities": [[3, 5, "X"]]}', "line 1: 'ig' begins or ends within a word"),
    ],
)
def test_what_cannot_be_read_is_said_with_its_line(tmp_path, text, message):
    with pytest.raises(CorpusError, match=message) as raised:
        read_tables(written(tmp_path, text))
    assert "file.txt" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_columns_have_names_or_numbers(tmp_path):
    text = "-DOCSTART- -X- O\n\nEU NNP B-ORG\nrejects VBZ O\n\n-DOCSTART- -X- O\n\nPeter NNP B-PER\n"
    path = written(tmp_path, text)
    (table,) = read_tables(path)
    assert table.columns == ("1", "2", "3")
    assert table.column("3") == ["B-ORG", "O", "B-PER"]
    assert table.documents == [1, 2]
    (named,) = read_tables(path, columns=("word", "pos", "entity"))
    assert named.column("pos") == ["NNP", "VBZ", "NNP"]
    with pytest.raises(CorpusError, match="line 3: 3 columns, where there are 2 names: word, pos"):
        read_tables(path, columns=("word", "pos"))
    found = with_column(path.read_text(), table, "predicted", ["A", "B", "C"], None).split("\n")
    assert found == ["-DOCSTART- -X- O", "", "EU NNP B-ORG A", "rejects VBZ O B", *text.split("\n")[4:7],
                     "Peter NNP B-PER C", ""]  # fmt: skip


def test_a_first_line_that_names_what_is_asked_for_is_a_header(tmp_path):
    path = written(tmp_path, 'word\ttag\n[\tX\n"\tO\n\n#\tX\n')
    (table,) = read_tables(path, asked=("tag",))
    assert (table.columns, table.header) == (("word", "tag"), 1)
    assert table.column("word") == ["[", '"', "#"]
    assert with_column(path.read_text(), table, "predicted", list("ABC"), None) == (
        'word\ttag\tpredicted\n[\tX\tA\n"\tO\tB\n\n#\tX\tC\n'
    )
    (same,) = read_tables(path, columns=("word", "tag"))
    assert (same.rows, same.header) == (table.rows, 1)
    number = written(tmp_path, "3 X\n4 Y\n", "numbers.txt")
    assert read_tables(number, asked=("3",))[0].column("1") == ["3", "4"]  # the word 3 is no name of a column
    (plain,) = read_tables(path)
    assert plain.column("2") == ["tag", "X", "O", "X"]


RECORDS = [
    {"curid": "7", "text": "東京都に住む", "entities": [{"name": "東京都", "span": [0, 3], "type": "地名"}]},
    {"curid": "8", "text": "何もない", "entities": []},
    {"curid": "7", "text": "甲乙", "entities": [{"start": 1, "end": 2, "label": "人名"}]},
]


@pytest.mark.parametrize("listed", [True, False])
def test_records_are_cut_into_characters_and_written_back_with_a_key_more(tmp_path, listed):
    text = json.dumps(RECORDS, ensure_ascii=False, indent=1) if listed else "\n".join(map(json.dumps, RECORDS)) + "\n"
    path = written(tmp_path, text)
    (table,) = read_tables(path)
    assert table.columns == ("character", "entity")
    assert table.column("entity") == ["B-地名", "I-地名", "I-地名", *["O"] * 8, "B-人名"]
    assert table.documents == [0, 1, 0]
    if not listed:
        assert table.lines == [1] * 6 + [2] * 4 + [3] * 2
    again = with_column(path.read_text(), table, "predicted", table.column("entity"), "IOB2")
    found = json.loads(again) if listed else [json.loads(line) for line in again.splitlines()]
    assert [record["predicted"] for record in found] == [
        [{"name": "東京都", "span": [0, 3], "type": "地名"}],
        [],
        [{"name": "乙", "span": [1, 2], "type": "人名"}],
    ]
    assert [{k: v for k, v in record.items() if k != "predicted"} for record in found] == RECORDS


def test_records_with_blanks_are_cut_into_words(tmp_path):
    (table,) = read_tables(written(tmp_path, '{"text": "I saw New York, once.", "spans": [[6, 14, "LOC"]]}\n'))
    assert table.column("word") == ["I", "saw", "New", "York", ",", "once", "."]
    assert table.column("entity") == ["O", "O", "B-LOC", "I-LOC", "O", "O", "O"]
    (letters,) = read_tables(written(tmp_path, '{"text": "a b", "spans": []}\n'), level="character")
    assert letters.column("character") == ["a", " ", "b"]


def test_a_packed_file_and_a_folder_are_read(tmp_path):
    (tmp_path / "one.conllu.gz").write_bytes(gzip.compress(CONLLU.encode()))
    written(tmp_path, CONLLU, "two.conllu")
    tables = read_tables(tmp_path)
    assert [table.column("form") for table in tables] == [tables[0].column("form")] * 2


def test_a_file_without_empty_lines_is_no_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr("naibu.data.token_table.LONGEST", 5)
    with pytest.raises(CorpusError, match="line 6: a sentence of more than 5 tokens; sentences end at empty lines"):
        read_tables(written(tmp_path, "a X\n" * 7))
