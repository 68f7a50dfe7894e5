"""Trees out of S-expressions: Emacs Lisp, Common Lisp, Scheme and Clojure."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from pathlib import Path

from naibu.data.trees import CLOSE, OPEN, WORD, Tree
from naibu.errors import CorpusError

DIALECTS = {
    ".el": "elisp",
    ".scm": "scheme",
    ".ss": "scheme",
    ".sld": "scheme",
    ".rkt": "scheme",
    ".lisp": "lisp",
    ".lsp": "lisp",
    ".cl": "lisp",
    ".clj": "clojure",
    ".cljs": "clojure",
    ".cljc": "clojure",
}
EXTENSIONS = tuple(DIALECTS)
LONGEST_STRING = 20

_COMMA_DIALECTS = {"'": "quote", "`": "quote", "#'": "function", ",": "unquote", ",@": "unquote-splicing"}
_PREFIXES = {
    "elisp": {**_COMMA_DIALECTS, "`": "backquote"},
    "scheme": {
        **_COMMA_DIALECTS,
        "`": "backquote",
        "#`": "backquote",
        "#,": "unquote",
        "#,@": "unquote-splicing",
    },
    "lisp": {**_COMMA_DIALECTS, "`": "backquote", ",.": "unquote-splicing", "#.": "eval"},
    "clojure": {
        "'": "quote",
        "`": "backquote",
        "#'": "function",
        "~": "unquote",
        "~@": "unquote-splicing",
        "@": "deref",
        "#=": "eval",
    },
}
_CLOSERS = {"(": ")", "[": "]", "{": "}"}
_ONE_DATUM = ("", "#;", "^")

_ELISP_CHARACTER = (
    r"\?(?:\\(?:(?:[CMSHA]-|s-|\^)\\?)*(?:x[0-9a-fA-F]+|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|N\{[^}\n]{1,80}\}"
    r"|[0-7]{1,3}|.)|[^\\])"
)
_STRING = r'"(?:[^"\\]|\\.)*+"'
_ATOM = r"(?:\\.|\|(?:[^|\\]|\\.)*+\||[^\s()\[\]{}\"';`,|\\])+"
_CLOJURE_LETTER = r"[^\s()\[\]{}\";`,~@^\\]"
_DIRECTIVE = r"(?:r[67]rs|(?:no-)?fold-case|curly-infix(?:-and-bracket-lists)?|chezscheme)(?=[\s()\[\]\";]|\Z)"
_NUMERIC_VECTOR = r"\d*(?:(?:vu|[usfc])\d+|v?f[lx]\d*)?(?:[@:]-?\d+)*"

# What a token is, in this order; `tag` is a word that belongs to the datum after it and `meta` comes before such a
# datum, so that a quote before them waits for the datum.
_SYNTAX = {
    "comment": r";[^\n]*",
    "block": r"#\|",
    "datum": r"(?!)",
    "string": _STRING,
    "skip": r"#\d+=",
    "character": r"#\\(?:[^\W_][\w\-+]*|.)",
    "open": r"[(\[{]",
    "close": r"[)\]}]",
    "prefix": "",
    "meta": r"(?!)",
    "tag": r"(?!)",
    "atom": _ATOM,
    "bad": r"\S",
}
_SYNTAX_OF = {
    "elisp": {
        "comment": r"(?:;|#!)[^\n]*",
        "block": r"(?!)",
        "string": rf"(?:#&\d+)?{_STRING}",
        "character": _ELISP_CHARACTER,
        # Braces are letters of a symbol in Emacs Lisp; `#^[` is a table of characters.
        "open": r"#(?:s|&\d*|\^\^?)?[(\[]|[(\[]",
        "close": r"[)\]]",
        "atom": r"(?:\\.|[^\s()\[\]\"';`,\\])+",
    },
    "scheme": {
        # Guile's `#! ... !#` is a block, the line for the shell alone has no `!#` after it.
        "comment": rf";[^\n\r]*|#!(?:{_DIRECTIVE}|(?=[\s/])(?:.*?(?<=\s)!#|[^\n\r]*))",
        "datum": r"#;",
        "string": rf"(?:#(?:[rp]x#?)?)?{_STRING}",
        "open": rf"#(?:hash(?:eqv?|alw)?|[sS]|{_NUMERIC_VECTOR})[(\[{{]|[(\[{{]",
        "tag": r"#(?:[~$+]@?|&|c[is])(?=[(\[{\"'`,#])",
    },
    "lisp": {
        "comment": r";[^\n]*|\A#![^\n]*",
        "string": rf"(?:#(?:[pP]\s*)?)?{_STRING}",
        "open": r"#(?:\d*|(?:\d*[aA]|[cCsS])\s*)[(\[]|[(\[{]",
        "tag": rf"#[+-](?:{_ATOM})?",
    },
    "clojure": {
        "comment": r"(?:;|#!)[^\n\r]*",
        "block": r"(?!)",
        "datum": r"#_",
        "string": rf"#?{_STRING}",
        "skip": ",",
        "character": r"\\(?:[a-zA-Z][\w]*|.)",
        "open": r"#\?@?\(|#:+[^\s{]*\s*\{|#[({]|[(\[{]",
        "meta": r"#?\^",
        "tag": rf"#[^\W\d_]{_CLOJURE_LETTER}*",
        "atom": rf"(?!'){_CLOJURE_LETTER}+",
    },
}


def _tokens(dialect: str) -> re.Pattern[str]:
    """One pattern for a dialect; `lastgroup` says what a match is."""
    prefixes = "|".join(re.escape(prefix) for prefix in sorted(_PREFIXES[dialect], key=len, reverse=True))
    parts = _SYNTAX | _SYNTAX_OF[dialect] | {"prefix": prefixes}
    return re.compile("|".join(f"(?P<{name}>{pattern})" for name, pattern in parts.items()), re.DOTALL)


_PATTERNS = {dialect: _tokens(dialect) for dialect in _PREFIXES}
_NUMBER = re.compile(r"[-+]?\.?\d[\d.eE+\-/]*|#[xXbBoOdDeEiI][-+]?[0-9a-fA-F./]+")
# A head that holds a bracket or a blank (`\(`, `|two words|`) would make ambiguous bracket symbols.
_CATEGORY = re.compile(r"[^\s()\[\]{}|\\\"]+")


def read_trees(text: str, *, path: str | Path | None = None, dialect: str | None = None) -> Iterator[Tree]:
    """The top-level forms of Lisp source, one tree each.

    text: source code.
    path: named in errors; its extension says the dialect where `dialect` does not (Emacs Lisp by default).
    dialect: "elisp", "scheme", "lisp" (Common Lisp) or "clojure".

    A list's category is its head where that is a symbol, which then is no word, and `list` otherwise;
    vectors, maps, sets, records and complex numbers are `vector`, `map`, `set`, `record`, `complex`; quotes are
    nodes `quote`, `backquote`, `unquote`, `unquote-splicing`, `function`. Strings longer than 20 characters are
    `<string>`. An atom at top level is no tree.

    A tag (`#inst "2020"`), metadata (`^:m f`) and a condition (`#+nil (f)`) stay as written, words before the datum
    that they belong to: they are no head, and a quote or datum comment before them is one of both. No condition is
    decided; at top level all three are left out and the form stays.

    Raises CorpusError with the line for a bracket that closes nothing or another one, and with the line where the
    form began for what is never closed.
    """
    if dialect is None:
        dialect = DIALECTS.get(Path(path).suffix.lower(), "elisp") if path is not None else "elisp"
    prefixes = _PREFIXES[dialect]
    form = _Form()
    for token, written, offset in _lex(text, dialect, path):
        if not form.stack:
            form.began = offset
        if token == "atom":
            form.atom(written)
        elif token == "string":
            form.word(written if len(written) <= LONGEST_STRING else "<string>")
        elif token == "character":
            form.word(written)
        elif token == "open":
            form.open(_opened(written, dialect), _CLOSERS[written[-1]])
        elif token == "prefix":
            form.open(prefixes[written], "")
        elif token == "datum":
            form.hold("#;")
        elif token == "meta":
            form.hold("^")
        elif token == "tag":
            if written in ("#+", "#-"):  # the features in brackets after it belong to the datum, too
                form.hold("^")
            form.hold("^")
            form.word(written)
        elif (problem := form.close(written)) is not None:
            raise CorpusError(problem, path, _line(text, offset))
        if not form.stack:
            if form.kinds and form.kinds[0] == OPEN:
                yield Tree(bytes(form.kinds), form.names)
            form = _Form()
    if form.stack:
        message = "the form that begins here is never closed: the file ends inside it"
        raise CorpusError(message, path, _line(text, form.began))


def _lex(text: str, dialect: str, path: str | Path | None) -> Iterator[tuple[str, str, int]]:
    """Every token that counts, with its kind and offset; nested block comments are jumped over."""
    pattern = _PATTERNS[dialect]
    offset: int | None = 0
    while offset is not None:
        start, offset = offset, None
        for found in pattern.finditer(text, start):
            token = found.lastgroup
            if token == "comment" or token == "skip":
                continue
            if token == "block":
                offset = _comment_end(text, found.start(), path)
                break
            if token == "bad" or token is None:
                what = "a string" if found.group() == '"' else f"what begins with {found.group()!r}"
                raise CorpusError(f"{what} is never closed", path, _line(text, found.start()))
            yield token, found.group(), found.start()


def _comment_end(text: str, start: int, path: str | Path | None) -> int:
    depth = 0
    for found in re.compile(r"#\||\|#").finditer(text, start):
        depth += 1 if found.group() == "#|" else -1
        if depth == 0:
            return found.end()
    raise CorpusError("the comment `#|` that begins here is never closed", path, _line(text, start))


def _opened(written: str, dialect: str) -> str | None:
    """The category that the opening characters decide, or None where the head decides."""
    last, mark = written[-1], written[:-1].rstrip().lower()
    if written == "(" or mark.startswith("#?"):
        return None
    if mark in ("#s", "#c"):
        return "record" if mark == "#s" else "complex"
    if mark.startswith("#hash") or (last == "{" and mark != "#"):
        return "map"
    if last == "[":
        return "vector" if dialect != "scheme" or mark else None  # scheme's [ ] are brackets
    if dialect == "clojure":
        return "set" if last == "{" else "function"
    return "vector"


class _Form:
    """The events of one top-level form while it is read."""

    def __init__(self) -> None:
        self.kinds = bytearray()
        self.names: list[str] = []
        # (index of the OPEN event, closing bracket); "" closes after one datum, as a quote does, "#;" throws that
        # datum away, and after "^" it belongs to the next one.
        self.stack: list[tuple[int, str]] = []
        self.headless = False  # the innermost list awaits its head
        self.began = 0

    def open(self, category: str | None, closer: str) -> None:
        self.stack.append((len(self.kinds), closer))
        self.kinds.append(OPEN)
        self.names.append("list" if category is None else category)
        self.headless = category is None

    def hold(self, closer: str) -> None:
        # Whether a head is still awaited is kept in the sign: the datum that is held must not settle it.
        self.stack.append((~len(self.kinds) if self.headless else len(self.kinds), closer))
        self.headless = False

    def atom(self, written: str) -> None:
        if self.headless and _CATEGORY.fullmatch(written) and not _NUMBER.fullmatch(written):
            self.names[self.stack[-1][0]] = written
            self.headless = False
        else:
            self.word(written)

    def word(self, written: str) -> None:
        self.kinds.append(WORD)
        self.names.append(written)
        self._datum_read()

    def close(self, written: str) -> str | None:
        """Close the innermost list; what is wrong, if that cannot be."""
        if not self.stack:
            return f"a `{written}` too many: it closes nothing"
        start, closer = self.stack[-1]
        if closer in _ONE_DATUM:
            return f"a `{written}` directly after a quote, a datum comment or `^`"
        if closer != written:
            return f"`{written}` where `{closer}` should close"
        self.stack.pop()
        self.kinds.append(CLOSE)
        self.names.append(self.names[start])
        self._datum_read()
        return None

    def _datum_read(self) -> None:
        self.headless = False
        while self.stack and self.stack[-1][1] in _ONE_DATUM:
            start, closer = self.stack.pop()
            if closer == "":
                self.kinds.append(CLOSE)
                self.names.append(self.names[start])
                continue
            self.headless = start < 0
            start = ~start if start < 0 else start
            if closer == "#;" or not self.stack:
                del self.kinds[start:], self.names[start:]
            # An outer quote waits for the datum behind this one, so it goes on.
            return


_COOKIE = re.compile(rb"coding:[ \t]*([\w.\-]+)")
_EMACS_NAMES = {
    "utf-8-emacs": "utf-8",
    "raw-text": "latin-1",
    "no-conversion": "latin-1",
    "binary": "latin-1",
    "prefer-utf-8": "utf-8",
    "undecided": "utf-8",
    "mule-utf-8": "utf-8",
    "iso-latin-1": "latin-1",
}


def decode(data: bytes, path: str | Path) -> str:
    """The text of a Lisp file, in the encoding that its `coding:` cookie names, UTF-8 without one.

    Line ends that are `\\r` throughout become `\\n`. Raises CorpusError for bytes that are not in that encoding and
    for one that Python does not know.
    """
    if b"\n" not in data:
        data = data.replace(b"\r", b"\n")
    lines = data.split(b"\n", 2)
    cookie = _COOKIE.search(b"\n".join(lines[:2])) or _COOKIE.search(data, max(0, len(data) - 3000))
    name = "utf-8" if cookie is None else cookie.group(1).decode("ascii", "replace").lower()
    name = re.sub(r"-(?:unix|dos|mac)$", "", name)
    name = _EMACS_NAMES.get(name, name)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
    try:
        if codecs.lookup(name).name == "utf-8":
            raise CorpusError("not UTF-8, and no `coding:` cookie names another encoding", path, line)
        return data.decode(name)
    except LookupError:
        raise CorpusError(f"its encoding {name!r} is not known to Python", path) from None
    except ValueError:
        raise CorpusError(f"not in the encoding {name!r} that its cookie names", path, line) from None


def _line(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1
