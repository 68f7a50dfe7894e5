"""Readers: worked cases, awkward files, any depth, and real corpora."""

from __future__ import annotations

import gzip
import tarfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from naibu.data import detect, files, lisp, penn, python_source
from naibu.data.trees import CLOSE, OPEN, WORD, Tree
from naibu.errors import CorpusError, OptionError

DEEP = 100_000


def penn_of(text: str, **options: bool) -> list[str]:
    return [str(tree) for tree in penn.read_trees(text, **options)]


def lisp_of(text: str, dialect: str = "elisp") -> list[str]:
    return [str(tree) for tree in lisp.read_trees(text, dialect=dialect)]


def assert_balanced(tree: Tree) -> None:
    stack: list[str] = []
    for kind, name in zip(tree.kinds, tree.names, strict=True):
        if kind == OPEN:
            stack.append(name)
        elif kind == CLOSE:
            assert stack.pop() == name
    assert not stack


@pytest.mark.parametrize(
    ("written", "category"),
    [
        ("NP-SBJ", "NP"),
        ("NP=2", "NP"),
        ("NP-SBJ-1", "NP"),
        ("-LRB-", "-LRB-"),
        ("-NONE-", "-NONE-"),
        ("PRP$", "PRP$"),
        (":", ":"),
        ("NP;{PERSON}", "NP"),
        ("PP;*SBJ*", "PP"),
        ("multi-sentence", "multi-sentence"),
        ("", ""),
    ],
)
def test_category_of_a_label(written: str, category: str) -> None:
    assert penn.category(written) == category


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("( (S (NP-SBJ (NN dog)) (VP=2 (VBZ barks))))", "(S (NP (NN dog)) (VP (VBZ barks)))"),
        ("(ROOT (S (NN a)))", "(S (NN a))"),
        ("(TOP (S (NN a)))", "(S (NN a))"),
        ("(ROOT (S (NN a)) (. .))", "(ROOT (S (NN a)) (. .))"),
        ("((S (NN a)) (. .))", "(ROOT (S (NN a)) (. .))"),
        ("(3 (2 The) (4 (3 old) (2 dog)))", "(3 (2 The) (4 (3 old) (2 dog)))"),
        ("(NN dog)", "(NN dog)"),
        ("(VP will (V visit (N there)))", "(VP will (V visit (N there)))"),
        ("( (IP (NP-SBJ *) (N 犬) (SYM *) (NP *pro*)) (ID 1_x;JP))", "(IP (N 犬) (SYM *))"),
        ("(S (-LRB- -LRB-) (NP-SBJ (-NONE- *-1)) (VP (V go) (SBAR (-NONE- 0) (S (-NONE- *T*-2)))))",
         "(S (-LRB- -LRB-) (VP (V go)))"),
        ("(S (NP) (VP (V)))", "(S (NP) (VP (V)))"),
    ],
)  # fmt: skip
def test_treebank_worked_by_hand(text: str, tree: str) -> None:
    assert penn_of(text) == [tree]


def test_a_tree_of_nothing_but_traces_is_no_tree() -> None:
    assert penn_of("( (NP (-NONE- *T*-1)) (ID 3)) (S (NN a))") == ["(S (NN a))"]


BLANKS = "\u00a0\u202f\u2009\u3000\u2028\u0085\u001c"


@pytest.mark.parametrize("blank", BLANKS, ids=ascii)
def test_a_blank_that_is_no_ascii_is_part_of_a_word(blank: str) -> None:
    (tree,) = penn.read_trees(f"(S (CD 1{blank}000) (PU {blank}) (NP the {blank} dog))")
    assert [name for kind, name in zip(tree.kinds, tree.names, strict=True) if kind == WORD] == [
        f"1{blank}000", blank, "the", blank, "dog",
    ]  # fmt: skip
    # After a label and between brackets it parts.
    laid_out = f"(S{blank}(NP-SBJ{blank} x){blank}(VP{blank}will\n{blank}(V{blank}y)\n{blank}){blank}){blank}\n{blank}"
    assert penn_of(laid_out) == ["(S (NP x) (VP will (V y)))"]
    assert penn_of(laid_out, function_tags=True) == ["(S (NP-SBJ x) (VP will (V y)))"]
    assert detect.of_content(f"(S (CD 1{blank}000) (NN a))" * 9, "").reader == "penn"


@pytest.mark.parametrize("blank", " \t\n\r\f")
def test_blanks_of_ascii_part_words(blank: str) -> None:
    assert penn_of(f"(S{blank}(NP{blank}a{blank}b{blank}){blank}(V{blank}c{blank}))") == ["(S (NP a b) (V c))"]


@pytest.mark.parametrize(
    ("text", "tree", "empties"),
    [
        # Words between asterisks, as people and treebanks of German write them.
        ("(S ($*LRB* *LRB*) (UH *sigh*) (NN *bold*) (CD *1*) (X **) (X *a*b*))", None, 0),
        ("(S (UH *sigh*) loose *bold*)", None, 0),
        ("(NN *bold*)", None, 0),
        # Where empties are marked, nothing else is one.
        ("(S (NP (-NONE- *T*-1)) ( -NONE- 0) (UH *U*) (NP-SBJ *) (V *-1))", "(S (UH *U*) (NP *) (V *-1))", 2),
        ("(S (NP-SBJ *con*) (WNP *T*-1) (X *-2) (NP *speaker+pro*) (NP-OB *ICH*-3) (V a))", "(S (V a))", 5),
        ("(NP *T*-1 x *U* *)", "(NP x *)", 2),
        ("(IP (NP-OB1 *を*) (P *によって*) (VB *囲ま*) (IJ *はあ*) (N *) (NP-SBJ *) (V a))",
         "(IP (IJ *はあ*) (N *) (V a))", 4),
    ],
)  # fmt: skip
def test_empty_elements_and_words_between_asterisks(text: str, tree: str | None, empties: int) -> None:
    left_out = Counter[str]()
    assert [str(found) for found in penn.read_trees(text, left_out=left_out)] == [tree or text]
    assert left_out["empties"] == empties
    kept = Counter[str]()
    list(penn.read_trees(text, traces=True, left_out=kept))
    assert not kept["empties"]


def test_a_failed_parse_is_no_tree_and_counted() -> None:
    left_out = Counter[str]()
    text = "(()) () ( ) ( ( ) )\n(ROOT)(TOP ())(S1 ())(() (ID 3))(S (N a))(S)(() (N a))(NP (-NONE- *))"
    trees = [str(tree) for tree in penn.read_trees(text, left_out=left_out)]
    assert trees == ["(S (N a))", "(S)", "(ROOT () (N a))"]
    assert left_out == {"failed_parses": 8, "empties": 1}


def test_function_tags_and_traces_on_request() -> None:
    text = "( (S (NP-SBJ-1 (-NONE- *)) (VP (V go))))"
    assert penn_of(text, function_tags=True, traces=True) == ["(S (NP-SBJ-1 (-NONE- *)) (VP (V go)))"]
    assert penn_of(text, traces=True) == ["(S (NP (-NONE- *)) (VP (V go)))"]
    assert penn_of(text, function_tags=True) == ["(S (VP (V go)))"]


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("(S (N a))\n(S (N b)))\n(S (N c))\n", 2, "too many"),
        ("(S (N a))\n\n(S (N b)\n(S (N c))\n", 3, "never closed"),
        ("(S (N a))\nloose\n", 2, "outside every bracket"),
    ],
)
def test_broken_brackets_name_the_line(text: str, line: int, says: str) -> None:
    with pytest.raises(CorpusError, match=says) as caught:
        penn_of(text)
    assert caught.value.line == line


@pytest.mark.parametrize("read", [penn.read_trees, lisp.read_trees])
def test_any_depth(read) -> None:
    (tree,) = read("(NP " * DEEP + "(NN x)" + ")" * DEEP)
    assert sum(kind == OPEN for kind in tree.kinds) == DEEP + 1


BRACKETS = st.recursive(
    st.tuples(st.sampled_from("NV"), st.sampled_from("xyz")).map(lambda pair: f"({pair[0]} {pair[1]})"),
    lambda inner: st.tuples(st.sampled_from(["S", "P"]), st.lists(inner, min_size=1, max_size=4)).map(
        lambda node: f"({node[0]} {' '.join(node[1])})"
    ),
    max_leaves=25,
)


@given(st.lists(BRACKETS, max_size=5))
@settings(deadline=None, max_examples=60)
def test_written_trees_read_back(trees: list[str]) -> None:
    assert penn_of("\n".join(trees)) == trees
    for tree in penn.read_trees(" ".join(trees)):
        assert_balanced(tree)


@pytest.mark.parametrize(
    ("text", "trees", "dialect"),
    [
        ("(setq x 1) atom ; comment (\n(f \"a\\\"(\")", ["(setq x 1)", '(f "a\\"(")'], "elisp"),
        ("((lambda (x) x) 2)", ["(list (lambda (x) x) 2)"], "elisp"),
        ("(1 2) () (\"s\" a)", ["(list 1 2)", "(list)", '(list "s" a)'], "elisp"),
        ("(a '(b) `(c ,d ,@e) #'f)",
         ["(a (quote (b)) (backquote (c (unquote d) (unquote-splicing e))) (function f))"], "elisp"),
        ("'(a)", ["(quote (a))"], "elisp"),
        ("''x", ["(quote (quote x))"], "elisp"),
        ("(c ?a ?\\( ?\\C-a ?\\\\ ?\\) ?\\\" ?( foo?)", ["(c ?a ?\\( ?\\C-a ?\\\\ ?\\) ?\\\" ?( foo?)"], "elisp"),
        ("(v [1 (a)] #s(hash-table x) #[1] #1=(a . #1#))",
         ["(v (vector 1 (a)) (record hash-table x) (vector 1) (a . #1#))"], "elisp"),
        ("(f {x} a|b)", ["(f {x} a|b)"], "elisp"),
        ('(f #&3"ab" "a string that is longer than twenty")', ['(f #&3"ab" <string>)'], "elisp"),
        ("(f #| a #| ( |# ) |# x) #;(gone (x)) (g #;y z)", ["(f x)", "(g z)"], "scheme"),
        ("(#;(x) head x)", ["(head x)"], "scheme"),
        ("(quote #;x y)", ["(quote y)"], "scheme"),
        ("(c #\\a #\\( #\\space #\\) #(1 2) #t |sym bol| [let x])",
         ["(c #\\a #\\( #\\space #\\) (vector 1 2) #t |sym bol| (let x))"], "scheme"),
        ("(f #\\; x)", ["(f #\\; x)"], "lisp"),
        ("(or |\\|| |x y\\\\| z)", ["(or |\\|| |x y\\\\| z)"], "scheme"),
        ("(defn f [x] {:a 1, :b #{2}} \\a \\( #(+ % 1) #_(gone) x' @y ~z)",
         ["(defn f (vector x) (map :a 1 :b (set 2)) \\a \\( (function + % 1) x' (deref y) (unquote z))"], "clojure"),
    ],
)  # fmt: skip
def test_lisp_worked_by_hand(text: str, trees: list[str], dialect: str) -> None:
    assert lisp_of(text, dialect) == trees


@pytest.mark.parametrize(
    ("text", "trees", "dialect"),
    [
        ("(a '#3(b c) '#2a((1)) '#C(1 2) `#3(,d) '#S(p :x 1) '#P\"x\" '#p \"y\" '#A (b))",
         ["(a (quote (vector b c)) (quote (vector (list 1))) (quote (complex 1 2)) (backquote (vector (unquote d)))"
          ' (quote (record p :x 1)) (quote #P"x") (quote #p "y") (quote (vector b)))'], "lisp"),
        ("(a #xFF (b) #*01 (c) #:s (d) #\\( #1=(e) #1#)", ["(a #xFF (b) #*01 (c) #:s (d) #\\( (e) #1#)"], "lisp"),
        ("(a '#^[nil 1] #^^[3 0] '#s(r x) '#&3\"b\" '#[1 2])",
         ['(a (quote (vector nil 1)) (vector 3 0) (quote (record r x)) (quote #&3"b") (quote (vector 1 2)))'], "elisp"),
        ("(a '#f32(1.0) '#u8(1) '#vu8(1) '#c64(1) '#2@1((b)) '#fl(1.))",
         ["(a (quote (vector 1.0)) (quote (vector 1)) (quote (vector 1)) (quote (vector 1)) (quote (vector (b)))"
          " (quote (vector 1.)))"], "scheme"),
        ("(a '#hash((b . c)) '#hasheq[(b . 1)] '#s(p 1) '#{b c} '#3(b))",
         ["(a (quote (map (b . c))) (quote (map (b . 1))) (quote (record p 1)) (quote (vector b c))"
          " (quote (vector b)))"], "scheme"),
        ("(a #;#f32(1.) #;#rx\"b\" #;#~(b) '#px#\"c\" '#~(d #$(e) #$f) #&(g) #;#&(h) i)",
         ['(a (quote #px#"c") (quote #~ (d #$ (e) #$f)) #& (g) i)'], "scheme"),
        ("(if #t(a) #f(b)) (c #true(d) #xFF(e) #d1(f))",
         ["(if #t (a) #f (b))", "(c #true (d) #xFF (e) #d1 (f))"], "scheme"),
        ("(a #_#js {:b 1} c) (a #_^:x b c) (a #_ #inst \"2020\" c) (a #_^{:x 1} ^:y b c)", ["(a c)"] * 4, "clojure"),
        ("(a '#inst \"2020\" '#inst\"2020\" '^:x b '#r.P[1] '#r.P{:x 1} #=(f))",
         ['(a (quote #inst "2020") (quote #inst "2020") (quote :x b) (quote #r.P (vector 1)) (quote #r.P (map :x 1))'
          " (eval (f)))"], "clojure"),
        ("(^:m f x) (#^{:m 1} f x) (^:m ^:n f x) (#js f x) (^:m [f] x) (#_ y ^:m #_ z f x)",
         ["(f :m x)", "(f (map :m 1) x)", "(f :m :n x)", "(f #js x)", "(list :m (vector f) x)", "(f :m x)"], "clojure"),
        ("^:x (a) ^{:y (b)} (c) #js {:d 1} #inst \"2020\" #_(e) '^:x (f)",
         ["(a)", "(c)", "(map :d 1)", "(quote :x (f))"], "clojure"),
    ],
)  # fmt: skip
def test_a_prefix_belongs_to_the_datum_after_it(text: str, trees: list[str], dialect: str) -> None:
    assert lisp_of(text, dialect) == trees


def test_conditions_of_common_lisp_stay_as_written() -> None:
    assert lisp_of("(f #+nil (int c))", "lisp") == ["(f #+nil (int c))"]
    assert lisp_of("(#+sbcl f #-(or a b) g x) (#-(and) (f) g)", "lisp") == [
        "(f #+sbcl #- (or a b) g x)",
        "(list #- (and) (f) g)",
    ]
    assert lisp_of("(a '#+x b '#-(and x y) c)", "lisp") == ["(a (quote #+x b) (quote #- (and x y) c))"]
    assert lisp_of("#+(or a b) (f) #+nil (g) #-(and) #+x (h)", "lisp") == ["(f)", "(g)", "(h)"]


@pytest.mark.parametrize(
    ("text", "trees", "dialect"),
    [
        ("#!/bin/sh\n# don't (\nexec g -s \"$0\"\n!#\n(a) #! b (\nc !# (d)", ["(a)", "(d)"], "scheme"),
        ("#!/usr/bin/env racket (\n(a)\n(f b!#)", ["(a)", "(f b!#)"], "scheme"),
        ("#! /usr/bin/chibi (\n(a)", ["(a)"], "scheme"),
        ("#!r6rs (library (a)\n (export f)) (b)", ["(library (a) (export f))", "(b)"], "scheme"),
        ("#!fold-case (a)\n(b #!no-fold-case c)#!r7rs(d)", ["(a)", "(b c)", "(d)"], "scheme"),
        ("(f #!optional x #!rest y) '#!eof", ["(f #!optional x #!rest y)", "(quote #!eof)"], "scheme"),
        ("#!/usr/bin/sbcl --script (\n(a)", ["(a)"], "lisp"),
        ("#!/usr/bin/emacs --script (\n(a)", ["(a)"], "elisp"),
        ("#!/usr/bin/env bb (\n(a)\n#! b (\n(c)", ["(a)", "(c)"], "clojure"),
    ],
)  # fmt: skip
def test_lines_for_the_shell_and_directives(text: str, trees: list[str], dialect: str) -> None:
    assert lisp_of(text, dialect) == trees


@pytest.mark.parametrize("dialect", ["elisp", "scheme", "lisp", "clojure"])
def test_lisp_with_the_line_ends_of_an_old_mac(dialect: str) -> None:
    assert lisp_of(lisp.decode(b"; (\r(a)\r; b\r(c)\r", "x"), dialect) == ["(a)", "(c)"]
    with pytest.raises(CorpusError, match="too many") as caught:
        lisp_of(lisp.decode(b"(a)\r(b))\r", "x"), dialect)
    assert caught.value.line == 2


def test_where_a_lone_carriage_return_ends_a_comment() -> None:
    """In Scheme and Clojure it is a line end by the language, in Emacs only where the whole file has no other."""
    found = {dialect: lisp_of("; a\r(b)\n(c)", dialect) for dialect in ("elisp", "lisp", "scheme", "clojure")}
    assert found == {"elisp": ["(c)"], "lisp": ["(c)"], "scheme": ["(b)", "(c)"], "clojure": ["(b)", "(c)"]}


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("(a)\n(b))\n", 2, "too many"),
        ("(a)\n(b\n(c)\n", 2, "never closed"),
        ("(a)\n\n(b]\n", 3, "should close"),
        ('(a)\n(b "c)\n', 2, "string"),
        ("(a ')\n", 1, "directly after"),
    ],
)
def test_broken_lisp_names_the_line(text: str, line: int, says: str) -> None:
    with pytest.raises(CorpusError, match=says) as caught:
        lisp_of(text)
    assert caught.value.line == line


def test_an_open_block_comment_names_its_line() -> None:
    with pytest.raises(CorpusError, match="comment") as caught:
        lisp_of("(a)\n#| #| |#\n", "scheme")
    assert caught.value.line == 2


def test_lisp_encodings() -> None:
    assert lisp.decode(";; -*- coding: euc-jp -*-\n(f 犬)".encode("euc-jp"), "x.el").endswith("(f 犬)")
    assert lisp.decode(";; -*- coding: latin-1 -*-\n(f é)".encode("latin-1"), "x.el").endswith("(f é)")
    with pytest.raises(CorpusError, match="iso-2022-7bit"):
        lisp.decode(b";; -*- coding: iso-2022-7bit -*-\n(f \xff)", "x.el")
    with pytest.raises(CorpusError, match=r"line 2.*UTF-8"):
        lisp.decode(b"(f)\n(g \xff)", "x.el")


def test_python_worked_by_hand() -> None:
    source = """
class A:
    def f(self, x=1):
        def inner(): return "short"
        return x.y + inner("a string that is longer than twenty")
if True:
    async def g(): global a; return None, ..., 1j
lambda: 0
"""
    first, second = (str(tree) for tree in python_source.read_trees(source))
    assert first == (
        "(FunctionDef f (arguments (arg self) (arg x) (Constant 1))"
        " (FunctionDef inner (arguments) (Return (Constant 'short')))"
        " (Return (BinOp (Attribute (Name x) y) (Add) (Call (Name inner) (Constant <string>)))))"
    )
    assert second == (
        "(AsyncFunctionDef g (arguments) (Global a) (Return (Tuple (Constant None) (Constant ...) (Constant 1j))))"
    )


def test_python_that_cannot_be_parsed() -> None:
    for source in ("def f(:\n", b"\xff\xfe", b"# coding: nonsense\n", "f(" * 5000 + ")" * 5000):
        with pytest.raises(CorpusError):
            list(python_source.read_trees(source))
    with pytest.raises(CorpusError, match="line 2"):
        list(python_source.read_trees("x = 1\ndef f(:\n", path="a.py"))
    (tree,) = python_source.read_trees("def f(): return 0x" + "f" * 5000)
    assert "<number>" in tree.names


def test_python_declares_its_encoding() -> None:
    (tree,) = python_source.read_trees("# coding: latin-1\ndef é(): pass".encode("latin-1"))
    assert "é" in tree.names


@pytest.mark.parametrize(
    ("sample", "extension", "reader"),
    [
        ("(S (NP (DT the) (NN dog)) (VP (VBZ barks)))", "", "penn"),
        ("(S (NP) (VP (V)))", "", "penn"),
        ("( (S (NP x y) z))", ".mrg", "penn"),
        ("(defun f (x) (setq y x))", "", "lisp"),
        (";;; a\n(defun f (x) y)", "", "lisp"),
        ("import os\ndef f(x):\n    return x\n", "", "python"),
        ("import os\rdef f(x):\r    return x\r", "", "python"),
        ("(He laughs.) I will define a dog: the dog that I had for many years and loved.", "", "text"),
        ("The def of it.", ".txt", "text"),
        ("x = (", ".py", "python"),
    ],
)
def test_detection(sample: str, extension: str, reader: str) -> None:
    choice = detect.of_content(detect.sample(sample.encode()), extension)
    assert choice.reader == reader
    assert choice.reason


def test_a_reader_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="penn, lisp, python, text"):
        detect.choose(tmp_path, "latex", "tagged")


def test_folders_and_archives_give_the_same_files(tmp_path: Path) -> None:
    folder = tmp_path / "bank"
    (folder / "b").mkdir(parents=True)
    (folder / ".git").mkdir()
    (folder / "a.mrg").write_text("(S (N a))")
    (folder / "b" / "c.mrg.gz").write_bytes(gzip.compress(b"(S (N c))"))
    (folder / ".git" / "x.mrg").write_text("(")
    with tarfile.open(tmp_path / "bank.tgz", "w:gz") as archive:
        archive.add(folder, "bank")
    for path in (folder, tmp_path / "bank.tgz"):
        found = [(file.name.rsplit("/", 1)[1], file.extension, file.read()) for file in files.open_files(path)]
        assert sorted(found) == [("a.mrg", ".mrg", b"(S (N a))"), ("c.mrg.gz", ".mrg", b"(S (N c))")]


def test_damaged_files(tmp_path: Path) -> None:
    for name in ("a.tgz", "a.zip", "a.ptb.gz"):
        path = tmp_path / name
        path.write_bytes(b"no archive at all")
        with pytest.raises(CorpusError, match="cannot be read"):
            [file.read() for file in files.open_files(path)]


def test_real_treebanks(naibu_data: Path) -> None:
    text = gzip.decompress((naibu_data / "treebank/gum_dev.ptb.gz").read_bytes()).decode()
    trees = list(penn.read_trees(text))
    assert len(trees) == text.count("(ROOT")
    for tree in trees[::20]:
        assert_balanced(tree)
    names = {name for tree in trees for name in tree.names}
    assert "NP-SBJ" not in names
    assert "ROOT" not in names


def test_real_treebanks_lose_their_empties_and_nothing_else(naibu_data: Path) -> None:
    left_out, words = Counter[str](), Counter[str]()
    for file in files.open_files(naibu_data / "treebank/ptb_nltk_wsj0001-0020.tar.gz"):
        if file.extension == ".mrg":
            text = file.read().decode()
            before = left_out["empties"]
            list(penn.read_trees(text, left_out=left_out))
            assert left_out["empties"] - before == text.count("-NONE-")
    assert left_out["empties"] > 300
    for file in files.open_files(naibu_data / "treebank/keyaki_aozora_wikipedia.tar.gz"):
        if file.extension == ".psd":
            for tree in penn.read_trees(file.read().decode(), function_tags=True):
                assert "NP-OB2\u3000" not in tree.names
                words.update(n for kind, n in zip(tree.kinds, tree.names, strict=True) if kind == WORD and "*" in n)
    assert words.keys() == {"*", "***", "**に**", "**の**"}


def test_real_lisp_closes_every_form_at_the_margin(naibu_data: Path) -> None:
    """In the Emacs sources a top-level form begins at the margin, which no reader of ours uses."""
    margin = trees = 0
    for file in files.open_files(naibu_data / "code/elisp_emacs28.2_subset.tar.gz"):
        if file.extension == ".el":
            text = lisp.decode(file.read(), file.name)
            trees += sum(1 for tree in lisp.read_trees(text, path=file.name) if tree.kinds[0] == OPEN)
            margin += sum(line.startswith(("(", "`(", "'(")) for line in text.split("\n"))
    assert abs(margin - trees) <= np.ceil(0.01 * trees)
