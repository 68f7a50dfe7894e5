"""Trees out of Python source through `ast`: one tree for each outermost function definition."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator
from pathlib import Path

from naibu.data.trees import CLOSE, OPEN, PRETERMINAL, WORD, Tree
from naibu.errors import CorpusError, OptionError
from naibu.memory import check_memory

EXTENSIONS = (".py",)
LONGEST_CONSTANT = 20
MOST_PARTS = 2000
_DOTTED = re.compile(rb"(?:\.[\s\\]*+[\w\x80-\xff]++[\s\\]*+)++")

# Load/Store/Del repeat what the place in the tree says; the others are flags, not words of the program.
_LEFT_OUT = frozenset(("ctx", "kind", "type_comment", "type_ignores", "conversion", "simple", "level", "is_async"))


class _Closer(str):
    """A category on the stack that waits for its CLOSE; a plain string there is a word."""


_CLOSERS: dict[type[ast.AST], _Closer] = {}
_FIELDS: dict[type[ast.AST], tuple[str, ...]] = {}
_BLOCKS = ("body", "orelse", "handlers", "finalbody", "cases")


def parsed(source: str | bytes) -> ast.Module:
    """What Python's parser makes of a source, without its warnings.

    Raises what it raises, and OptionError before it would take more memory than is free: it takes 500 times the source,
    and for a dotted name after `import` the square of its parts.
    """
    data = source.encode("utf-8", "surrogatepass") if isinstance(source, str) else source
    if any(match[0].count(b".") > MOST_PARTS for match in _DOTTED.finditer(data)):
        raise OptionError(f"a name of more than {MOST_PARTS:,} parts, for which Python's parser takes gigabytes")
    check_memory(500 * len(source), "Python's parser")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(source)


def read_trees(source: str | bytes, *, path: str | Path | None = None) -> Iterator[Tree]:
    """The outermost function definitions of a Python file, methods included, in the file's order.

    source: text, or bytes in the encoding that they declare (UTF-8 without a declaration, PEP 263).
    path: named in errors.

    Categories are the class names of `ast` without Load, Store and Del; words are names and constants,
    strings whose repr is longer than 20 characters being `<string>`. Raises CorpusError, with the line
    where there is one, for source that this Python cannot parse.
    """
    try:
        module = parsed(source)
    except SyntaxError as error:
        raise CorpusError(f"not Python: {error.msg}", path, error.lineno or None) from None
    except (RecursionError, MemoryError):
        raise CorpusError("nested deeper than Python's own parser allows", path) from None
    except ValueError as error:
        raise CorpusError(f"not Python: {error}", path) from None
    except OptionError as error:
        raise CorpusError(str(error), path) from None
    stack: list[ast.AST] = list(reversed(module.body))
    while stack:
        node = stack.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield _tree(node)
            continue
        for block in reversed(_BLOCKS):
            statements = getattr(node, block, None)
            if isinstance(statements, list):
                stack.extend(reversed(statements))


def _tree(root: ast.AST) -> Tree:
    kinds, names = bytearray(), list[str]()
    stack: list[ast.AST | str] = [root]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            kinds.append(CLOSE if item.__class__ is _Closer else WORD)
            names.append(item)
            continue
        kind = item.__class__
        if kind is ast.Name or kind is ast.Constant:
            word = item.id if isinstance(item, ast.Name) else _constant(item.value)  # type: ignore[attr-defined]
            kinds += PRETERMINAL
            names += (kind.__name__, word, kind.__name__)
            continue
        closer = _CLOSERS.get(kind) or _CLOSERS.setdefault(kind, _Closer(kind.__name__))
        kinds.append(OPEN)
        names.append(closer)
        stack.append(closer)
        for field in _FIELDS.get(kind) or _fields(kind):
            value = getattr(item, field)
            if value.__class__ is list:
                stack.extend(reversed([part for part in value if part is not None]))
            elif isinstance(value, (ast.AST, str)):
                stack.append(value)
            elif value is not None or kind is ast.MatchSingleton:
                stack.append(_constant(value))
    return Tree(bytes(kinds), names)


def _fields(kind: type[ast.AST]) -> tuple[str, ...]:
    """The fields to visit, last first, as a stack wants them."""
    return _FIELDS.setdefault(kind, tuple(field for field in reversed(kind._fields) if field not in _LEFT_OUT))


def _constant(value: object) -> str:
    if isinstance(value, (str, bytes)) and len(value) > LONGEST_CONSTANT:
        return "<string>"
    if value is Ellipsis:
        return "..."
    try:
        written = repr(value)
    except ValueError:  # Python refuses to write out integers of more than 4,300 digits
        return "<number>"
    if len(written) <= LONGEST_CONSTANT:
        return written
    return "<string>" if isinstance(value, (str, bytes)) else "<number>"
