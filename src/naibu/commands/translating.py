"""Translating: lines typed one by one, or those of a file."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from naibu.commands.parts import UNTOLD, Told, Typed, flat
from naibu.commands.using import SAMPLING, RunFolder
from naibu.errors import OptionError
from naibu.generation.options import SearchOptions
from naibu.generation.sampling import Sampling

if TYPE_CHECKING:
    from naibu.generation.translating import Translated
    from naibu.looking.translating import Translator

SEARCH = SearchOptions()
INPUT = "standard input"
PROMPT = "> "


def translate(
    run: RunFolder,
    /,
    *,
    search: Annotated[SearchOptions, flat("Search", 2)] = SEARCH,
    n_best: int = 1,
    scores: bool = False,
    prefix: str = "",
    attention: Path | None = None,
    samples: int = 0,
    sampling: Annotated[Sampling, flat("Sampling", 3)] = SAMPLING,
    seed: int = 1,
    hold: tuple[str, ...] = (),
    compare: bool = False,
    told: Told = UNTOLD,
) -> Any:
    """Translate lines: what is typed, one after the other, or those of standard input.

    An empty line stays one. With --n-best or --samples a line has several translations, each after the number of its
    line and a tab.

    $ naibu translate runs/enja
    $ naibu translate runs/enja < lines.en > lines.ja
    $ naibu translate runs/enja --n-best 3 --scores --attention picture.svg
    $ naibu translate runs/enja --hold decoder.0/cell:17=1 --compare

    Args:
        n_best: Translations of each line, none twice; at most as many as --beam.
        scores: Print before each translation what it was ranked by, and ln P(y|x), with tabs between.
        prefix: How all translations begin.
        attention: Draw where the network looked for each word of the translation, of one line, as SVG.
        samples: Draw so many translations of each line in place of searching for the best.
        seed: Seed of what is drawn.
        hold: Hold a unit at a value: [LAYER/]SIGNAL:UNIT=VALUE[@FROM:TO]; repeat it for more. FROM and TO count the
            words written, or in the encoder those read.
        compare: Show free and held translations side by side.
    """
    from naibu.looking.translating import Asked, Translator, translated
    from naibu.progress import Report, shown_if_long, silent
    from naibu.storage import check_writable

    if compare and not hold:
        raise OptionError("--compare: shows free beside held; say what is held with --hold")
    if attention is not None:
        if attention.suffix != ".svg":
            raise OptionError(f"--attention {attention}: must end in .svg")
        check_writable(attention, "--attention")
    asked = Asked(search, n_best, prefix, samples, sampling, seed, hold)
    translator = Translator(run, asked)
    free = Translator(run, asked.free()) if compare else None
    several, drawn = n_best > 1 or samples > 1, list[tuple[str, Any]]()

    def show(line: str, found: Sequence[Translated]) -> None:
        if line.strip() and found:
            drawn[:] = [(line, found[0])]
        if told.json != "-" and not compare:
            sys.stdout.writelines(f"{each}\n" for each in _printed(len(rows) + 1 if several else 0, found, scores))
            sys.stdout.flush()

    rows = list[dict[str, Any]]()
    typed = sys.stdin is not None and sys.stdin.isatty()
    lines = None if typed else _lines()
    if attention is not None and lines is not None and sum(map(bool, map(str.strip, lines))) != 1:
        raise OptionError(f"--attention {attention}: draws one sentence; {INPUT} has {len(lines):,} lines")

    def rows_of(some: Sequence[str], progress: Report = silent) -> Iterator[dict[str, Any]]:
        held = translated(translator, some, INPUT, show, len(rows), progress)
        return held if free is None else _side_by_side(translated(free, some, INPUT, _silent, len(rows)), held, told)

    if lines is None:
        for line in _typed():
            rows += rows_of([line])
    elif sys.stdout.isatty():  # where what is printed shows how far it is
        rows += rows_of(lines)
    else:
        with shown_if_long("translating", "lines") as progress:
            rows += rows_of(lines, progress)
    if translator.unknown:
        shown = f"{translator.unknown:,} of {translator.symbols:,} symbols read"
        print(f"note: {shown} never came in training", file=sys.stderr)
    if attention is not None and drawn:
        _draw(translator, *drawn[0], attention, told)
    return rows


def _silent(line: str, found: Sequence[Translated]) -> None:
    """Show nothing."""


def _side_by_side(
    free: Iterator[dict[str, Any]], held: Iterator[dict[str, Any]], told: Typed
) -> Iterator[dict[str, Any]]:
    """Yield what is to be told of every line, free and held, and print both side by side."""
    from naibu.looking.writing import compared

    for one, other in zip(free, held, strict=True):
        texts = ("\n".join(each["text"] for each in row["translations"]) for row in (one, other))
        told.console.print(compared(*texts))
        yield {"free": one, "held": other}


def _printed(number: int, found: Sequence[Translated], scores: bool) -> Iterator[str]:
    """Yield the lines that are printed of the translations of a line, whose number stands before where it is not 0."""
    if not found:
        yield ""
    for each in found:
        worth = [f"{each.found.score:.4f}", f"{each.found.log_probability:.4f}"] if scores else []
        yield "\t".join([*([str(number)] if number else []), *worth, each.text])


def _lines() -> list[str]:
    """Return the lines of standard input. Raises CorpusError where it is not UTF-8."""
    from naibu.data.files import text_of

    lines = text_of(sys.stdin.buffer.read(), INPUT).split("\n") if sys.stdin is not None else []
    return lines[:-1] if lines and not lines[-1] else lines


def _typed() -> Iterator[str]:
    """Yield lines as they are typed, until the end of the input."""
    try:
        while True:
            yield input(PROMPT)
    except EOFError:
        print()


def _draw(translator: Translator, line: str, found: Translated, path: Path, told: Typed) -> None:
    """Write a picture of attention."""
    from naibu.reporting.plots.canvas import write_figure
    from naibu.reporting.plots.translation import attention_size, plot_attention

    seen = translator.attention(line, found)
    source, target = seen["source"], seen["target"]
    size = attention_size(source, target)
    write_figure(lambda ax: plot_attention(seen["attention"], source, target, ax), path, size=size)
    if told.json != "-" and sys.stdout.isatty():
        told.say("Attention", path)
