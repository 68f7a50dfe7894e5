"""What networks write and draw: from a run's folder; text free and held side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from itertools import zip_longest
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from naibu.cells.units import HeldUnit
from naibu.data.strokes.coder import StrokeCoder
from naibu.data.text_coder import TextCoder
from naibu.errors import OptionError
from naibu.generation.drawing_options import DrawingOptions
from naibu.generation.drawn import Drawn
from naibu.generation.sampling import Sampling
from naibu.generation.strokes import drawings
from naibu.generation.text import Symbol, Writer
from naibu.models.language_model import LanguageModel
from naibu.models.model import Model
from naibu.models.strokes import StrokeModel
from naibu.runs import Run, open_run
from naibu.runs.load import load
from naibu.training.threads import threads

USUAL = Sampling()


@dataclass(frozen=True)
class Asked:
    """What is to be written."""

    prime: str = ""
    length: int = 400
    count: int = 1
    sampling: Sampling = USUAL
    seed: int = 1
    stop: Sequence[str] = ()
    hold: Sequence[str | HeldUnit] = ()
    unknown: bool = False

    def free(self) -> Asked:
        """Return the same with nothing held."""
        return replace(self, hold=())

    def texts(self, written: Iterable[Symbol], show: Callable[[str], None] = lambda text: None) -> list[dict[str, Any]]:
        """Return the text of every sample, its symbols and their probabilities; show each piece as it comes."""
        found: list[dict[str, Any]] = [{"text": "", "symbols": [], "probabilities": []} for _ in range(self.count)]
        pieces: list[list[str]] = [[] for _ in found]
        for symbol in written:
            show(symbol.text)
            pieces[symbol.sample].append(symbol.text)
            found[symbol.sample]["symbols"].append(symbol.symbol)
            found[symbol.sample]["probabilities"].append(symbol.probability)
        for each, text in zip(found, pieces, strict=True):
            each["text"] = "".join(text)
        return found


def writer_of(run: Run | str | Path, asked: Asked, model: Model | None = None) -> Writer:
    """Return the writer of a run, whose `model` is loaded where it is not given. Raises OptionError where it is no
    network of running text."""
    run = run if isinstance(run, Run) else open_run(run)
    if run.task != "text":
        told = "text is written by networks of the task text, and strokes are drawn by those of the task strokes"
        raise OptionError(f"{run.path}: learnt {run.task}; {told}")
    if model is None:
        model = load(run)
        run.ended()
    assert isinstance(model, LanguageModel)
    return Writer(
        model,
        TextCoder.load(run.path, run.options),
        asked.prime,
        sampling=asked.sampling,
        length=asked.length,
        stop=asked.stop,
        hold=asked.hold,
        count=asked.count,
        seed=asked.seed,
        unknown=asked.unknown,
    )


def generate(
    run: Run | str | Path,
    prime: str = "",
    *,
    length: int = 400,
    count: int = 1,
    temperature: float = 1.0,
    top_k: int = 0,
    top_p: float = 1.0,
    seed: int = 1,
    stop: Sequence[str] = (),
    hold: Sequence[str] = (),
    unknown: bool = False,
    bias: float = 0.0,
    class_: Sequence[str] = (),
    text: Sequence[str] = (),
) -> Iterator[Any]:
    """Yield what a network of running text writes after `prime`, symbol by symbol, of `count` samples side by side; of
    a network of strokes `count` drawings, of at most `length` points each.

    temperature, top_k, top_p: see `Sampling`. hold: units as on the command line, `cell:17=1`. A symbol has `sample`,
    `symbol`, `text` (what it adds) and `probability`; see `naibu.generation.drawn.Drawn` for a drawing. bias, class_,
    text: of drawings, see `DrawingOptions`. Raises OptionError for what cannot be read, drawn or held.
    """
    sampling = Sampling(temperature, top_k, top_p)
    asked = Asked(prime, length, count, sampling, seed, tuple(stop), tuple(hold), unknown)
    classes, texts = ((each,) if isinstance(each, str) else tuple(each) for each in (class_, text))
    drawing = DrawingOptions(bias, classes, texts)
    run = run if isinstance(run, Run) else open_run(run)
    if run.task == "strokes":
        yield from drawings_of(run, asked, drawing)
        return
    check_drawing(run, drawing)
    writer = writer_of(run, asked)
    with threads(1 if count < 8 else 0):
        yield from writer.write()


def drawings_of(run: Run, asked: Asked, drawing: DrawingOptions) -> list[Drawn]:
    """Return drawings of a run of strokes. Raises OptionError where something is asked that only text has."""
    usual = Asked(length=asked.length, count=asked.count, seed=asked.seed, hold=asked.hold)
    for each in fields(Asked):
        if getattr(asked, each.name) != getattr(usual, each.name):
            name = "temperature, --top-k and --top-p" if each.name == "sampling" else each.name
            raise OptionError(f"--{name}: is of text; {run.path} learnt strokes")
    model = load(run)
    assert isinstance(model, StrokeModel)
    run.ended()
    with threads(1 if asked.count < 8 else 0):
        return drawings(
            model,
            StrokeCoder.load(run.path),
            count=asked.count,
            bias=drawing.bias,
            length=asked.length,
            classes=drawing.class_,
            texts=drawing.text,
            hold=asked.hold,
            seed=asked.seed,
        )


def check_drawing(run: Run, drawing: DrawingOptions) -> None:
    """Raise OptionError where a network that draws nothing is asked for what only drawings have."""
    for each in fields(DrawingOptions):
        if getattr(drawing, each.name) != each.default:
            raise OptionError(f"--{each.name.strip('_')}: is of drawings; {run.path} learnt {run.task}")


def compared(free: str, held: str) -> Table:
    """Return two texts side by side, line by line; what differs in the second is shown so."""
    table = Table("free", "held", show_lines=False, expand=True)
    for left, right in zip_longest(free.split("\n"), held.split("\n"), fillvalue=""):
        same = next(
            (k for k, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), min(len(left), len(right))
        )
        table.add_row(Text(left), Text.assemble(right[:same], (right[same:], "bold")))
    return table
