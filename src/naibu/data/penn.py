"""Trees out of Penn Treebank brackets, `(S (NP (DT the) (NN dog)) (VP (VBZ barks)))`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from naibu.data.trees import CLOSE, OPEN, PRETERMINAL, WORD, Tree
from naibu.errors import CorpusError

EXTENSIONS = (".mrg", ".ptb", ".psd", ".prd", ".tree", ".trees")

# A label ends at any blank, a word only at one of ASCII: `1 000` with a no-break space is one word.
LEAF = r"\(\s*+([^\s()]++)\s(?a:\s)*+((?a:[^\s()])++)(?a:\s)*+\)"
# A leaf is one match: it saves two thirds of the turns of the loop below. Other blanks before a bracket are layout.
_LAYOUT = r"(?a:(?!\s))\s++(?=[()]|\Z)"
_TOKEN = re.compile(rf"{LEAF}|\(\s*+([^\s()]*+)\s?|(\))|{_LAYOUT}|((?a:[^\s()])++)")
_PRETERMINAL, _OPEN, _CLOSE, _WORD = 2, 3, 4, 5

_FUNCTION = re.compile(r"(.+?)(?:[-=](?=[A-Z0-9])|;).*", re.DOTALL)
_BANNER = re.compile(r"^\*x\*.*$", re.MULTILINE)
_OUTER = frozenset(("", "ROOT", "TOP"))

_EMPTY = re.compile(
    r"\*-\d+|\*(?:"
    r"T|U|\?|NOT|RNR|ICH|EXP|PPA"  # Penn Treebank
    r"|PRO|pro|OP|op"  # Chinese and Korean treebanks
    r"|con|exp|arb|CL"  # historical corpora in the manner of Penn
    r"|(?:speaker|hearer)(?:\+(?:hearer|pro))?|arg|ind|VOC|\.e"  # Keyaki
    r")\*(?:-\d+)?"
)
"""The empty elements of treebanks that do not mark them as -NONE-, an asterisk alone aside."""
# Keyaki repeats a particle as the subject's or object's case, and puts particles and verbs that were left out back.
_PUT_BACK = re.compile(r"(?:NP|P|VB2?) \*[\u3041-\u3096\u4e00-\u9fff]+\*")


def category(label: str) -> str:
    """The label without function tags, indices and suffixes: NP of `NP-SBJ-1`, `NP=2` and `NP;{I}`.

    A tag that begins with the hyphen (`-LRB-`, `-NONE-`) is a tag in itself and stays whole, and so does
    a label whose hyphen is followed by a small letter (Keyaki's `multi-sentence`).
    """
    if label[:1] == "-":
        return label
    found = _FUNCTION.fullmatch(label)
    return label if found is None else found.group(1)


def read_trees(
    text: str,
    *,
    path: str | Path | None = None,
    function_tags: bool = False,
    traces: bool = False,
    left_out: Counter[str] | None = None,
) -> Iterator[Tree]:
    """The trees of a text in Penn Treebank brackets, one by one.

    text: brackets over any number of lines; lines that begin with `*x*` are the old files' banners.
    path: named in errors.
    function_tags: keep labels as written, `NP-SBJ-1`; by default the category alone, `NP`.
    traces: keep empty elements; by default they go, and with them the nodes that become empty. Where the text marks
        them, they are its `-NONE-` nodes and nothing else; elsewhere words such as `*T*-1` and `*pro*`, and a lone
        `*` under a phrase with a function tag. Other words between asterisks, `*sigh*`, are words.
    left_out: counts the `empties` that went and the `failed_parses`, which are no trees: brackets without any
        label or word, `(())`.

    Space, tab and line ends part words; any other blank, as a no-break space, is part of one. An outer label that is
    empty, ROOT or TOP and has one child is dropped, Keyaki's `(ID ...)` always.
    Raises CorpusError: a `)` too many (its line), a bracket never closed (the line where its tree began),
    a word outside every bracket (its line).
    """
    left_out = Counter() if left_out is None else left_out
    if "*x*" in text:
        text = _BANNER.sub("", text)
    marked = "(-NONE-" in text
    plain: dict[str, str] = {}
    stack: list[str] = []
    kinds, names = bytearray(), list[str]()
    began = children = 0
    hollow = -1  # where an element was dropped: a node that closes right there has become empty
    for found in _TOKEN.finditer(text):
        token = found.lastindex
        if token == _PRETERMINAL:
            written, word = found.group(1, 2)
            label = plain.get(written) or plain.setdefault(written, category(written))
            drop = False
            if written == "ID":
                drop = len(stack) == 1
            elif not traces and (word[0] == "*" or written == "-NONE-"):
                drop = _is_empty(written, label, word, marked)
                left_out["empties"] += drop
            if not stack:
                if not drop:
                    shown = written if function_tags else label
                    yield Tree(PRETERMINAL, (shown, word, shown))
                continue
            if drop:
                hollow = len(kinds)
                continue
            if function_tags:
                label = written
            kinds += PRETERMINAL
            names += (label, word, label)
            children += len(stack) == 1
        elif token == _CLOSE:
            if not stack:
                raise CorpusError("a `)` too many: it closes nothing", path, _line(text, found.start()))
            label = stack.pop()
            if hollow == len(kinds) and kinds[-1] == OPEN:
                kinds.pop()
                names.pop()
                hollow = len(kinds)
            else:
                kinds.append(CLOSE)
                names.append(label)
                children += len(stack) == 1
            if not stack:
                if _failed(kinds, names):
                    left_out["failed_parses"] += 1
                elif kinds:
                    yield _without_outer(kinds, names, children)
                kinds, names = bytearray(), []
                children, hollow = 0, -1
        elif token == _OPEN:
            written = found.group(3)
            label = written if function_tags else plain.get(written) or plain.setdefault(written, category(written))
            if not stack:
                began = found.start()
            stack.append(label)
            kinds.append(OPEN)
            names.append(label)
        elif token == _WORD:
            word = found.group(5)
            if not stack:
                message = f"the word {word[:40]!r} stands outside every bracket"
                raise CorpusError(message, path, _line(text, found.start()))
            if not traces and word[0] == "*" and _is_empty("", "", word, marked):
                left_out["empties"] += 1
                hollow = len(kinds)
                continue
            kinds.append(WORD)
            names.append(word)
            children += len(stack) == 1
    if stack:
        missing = len(stack)
        message = f"the tree that begins here is never closed: {missing} `)` missing at the end of the file"
        raise CorpusError(message, path, _line(text, began))


def _is_empty(written: str, label: str, word: str, marked: bool) -> bool:
    if marked or written == "-NONE-":
        return written == "-NONE-"
    if word == "*":
        # `(NP-SBJ *)` is an empty subject, `(SYM *)` an asterisk that somebody wrote.
        return written != label
    return (_EMPTY.fullmatch(word) or _PUT_BACK.fullmatch(f"{label} {word}")) is not None


def _failed(kinds: bytearray, names: list[str]) -> bool:
    """Whether a bracket says nothing, as parsers write where they found no tree: `()`, `(())`, `(S1 ())`."""
    return bool(kinds) and WORD not in kinds and _OUTER.issuperset(names[1:-1] or names)


def _without_outer(kinds: bytearray, names: list[str], children: int) -> Tree:
    if names[0] in _OUTER:
        if children == 1 and kinds[1] == OPEN:
            return Tree(bytes(kinds[1:-1]), names[1:-1])
        if not names[0]:
            names[0] = names[-1] = "ROOT"
    return Tree(bytes(kinds), names)


def _line(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1
