"""Using trained networks: how good they are, and what they write."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from naibu.commands.parts import UNTOLD, Told, Typed, flat
from naibu.config import PartName
from naibu.data.levels import LevelName, SplitName
from naibu.errors import OptionError
from naibu.generation.drawing_options import DrawingOptions
from naibu.generation.sampling import Sampling
from naibu.tasks.catalogue import TASKS, task_named

if TYPE_CHECKING:
    from naibu.generation.drawn import Drawn

RunFolder = Annotated[Path, Parameter(help="The folder of a trained network.")]
SAMPLING, DRAWING = Sampling(), DrawingOptions()


def evaluate(
    run: RunFolder,
    files: tuple[Path, ...] = (),
    /,
    *,
    part: PartName = "test",
    report: Path | None = None,
    picture: Path | None = None,
    told: Told = UNTOLD,
    **asked: Any,
) -> Any:
    """Say how good a trained network is on its test part, or on other files.

    Text is read from beginning to end with the state carried on. What helps at test time is printed beside the network
    alone; weights are fitted on validation data, never on what is scored.

    $ naibu evaluate runs/ptb ptb.test.txt --json scores.json
    $ naibu evaluate runs/ptb --part validation --cache
    $ naibu evaluate runs/enja test.en test.ja --errors --report errors.html
    $ naibu evaluate runs/parity --lengths 41:500 --picture parity.svg

    Args:
        files: What to score on; without any, the part of what it was trained on that --part says.
        part: Which part of its own data is scored where no file is named.
        report: Write what --errors finds as a page that needs nothing else.
        picture: Draw the accuracy of a formal language by length here: SVG, PNG or PDF.
    """
    from naibu.progress import shown
    from naibu.runs import open_run
    from naibu.storage import check_writable
    from naibu.training.evaluate import evaluate

    opened = open_run(run)
    options = _options(asked, opened.task)
    if report is not None:
        if not options.get("errors"):
            raise OptionError(f"--report {report}: is a page of what --errors finds; add --errors")
        check_writable(report, "--report")
    if picture is not None:
        _check_picture(picture, opened.task)
    with shown(f"{opened.name}: scoring", "steps") as progress:
        scores = evaluate(opened, files, part=part, progress=progress, **options)
    scored = ", ".join(map(str, files)) if files else part
    _print_scores(told, f"{opened.name} on {scored}", task_named(opened.task).told(scores))
    if report is not None:
        from naibu.reporting.translation_errors import write

        write(scores["errors"], f"{opened.name} on {scored}", told.command, report)
        told.say("Page", report)
    if picture is not None:
        from naibu.reporting.plots.canvas import write_figure
        from naibu.reporting.plots.formal import plot_by_length

        write_figure(lambda ax: plot_by_length(scores["by_length"], opened.name, ax), picture, size=(4.5, 3.0))
        told.say("Picture", picture)
    return scores


def _check_picture(path: Path, task: str) -> None:
    """Raise OptionError where there is nothing by length to draw, or a picture cannot be of a kind."""
    from naibu.looking.drawing import KINDS
    from naibu.storage import check_writable

    if task != "formal":
        raise OptionError(f"--picture {path}: is of accuracy by length, which a network of the task {task} has not")
    if path.suffix.lstrip(".") not in KINDS:
        raise OptionError(f"--picture {path}: must end in {', '.join('.' + kind for kind in KINDS)}")
    check_writable(path, "--picture")


def predict(
    run: RunFolder,
    files: tuple[Path, ...] = (),
    /,
    *,
    out: Path | None = None,
    told: Told = UNTOLD,
    **asked: Any,
) -> Any:
    """Say what a trained network tells of other files: forecasts with intervals, tags, classes.

    What is printed is a file of the kind that was read, or a table (CSV), so that it goes on to the next program.

    $ naibu predict runs/i94 future.csv > forecast.csv
    $ naibu predict runs/upos new.conllu --out tagged.conllu

    Args:
        files: What to tell something of.
        out: Write here in place of standard output.
    """
    from naibu.progress import shown
    from naibu.runs import open_run
    from naibu.storage import check_writable, deliver_text
    from naibu.training.evaluate import predict

    if out is not None:
        check_writable(out, "--out")
    opened = open_run(run)
    options = _options(asked, opened.task)
    with shown(f"{opened.name}: predicting", "steps") as progress:
        predicted = predict(opened, files, progress=progress, **options)
    if out is not None:
        deliver_text(out, "".join(f"{line}\n" for line in predicted.lines()))
        told.say("Predictions", out)
    elif told.json != "-":
        sys.stdout.writelines(f"{line}\n" for line in predicted.lines())
    return predicted.rows()


def _options(asked: Mapping[str, Any], task: str) -> dict[str, Any]:
    """Return the options of a task that were typed. Raises OptionError for one that is of other tasks."""
    from naibu.training.evaluate import not_of

    options: dict[str, Any] = {}
    for name, given in asked.items():
        for each in fields(given) if given is not None else ():
            value = getattr(given, each.name)
            if value != each.default:
                if name != task:
                    raise not_of(each.name, task)
                options[each.name] = value
    return options


def _with_options_of_tasks(command: Callable[..., Any], which: str) -> Callable[..., Any]:
    """Return a command whose options, beside its own, are those of every task, each task's under a title of its own."""
    signature = inspect.signature(command, eval_str=True)
    own = [each for each in signature.parameters.values() if each.kind is not inspect.Parameter.VAR_KEYWORD]
    kinds = {name: getattr(task_named(name), which) for name in TASKS}
    more = [
        inspect.Parameter(
            name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[kind, flat(f"Of {name}", place)]
        )
        for place, (name, kind) in enumerate(kinds.items(), 2)
        if fields(kind)
    ]
    command.__signature__ = signature.replace(parameters=[*own, *more])  # type: ignore[attr-defined]
    command.__annotations__ = {each.name: each.annotation for each in (*own, *more)}
    return command


def _print_scores(told: Typed, title: str, rows: Mapping[str, object]) -> None:
    """Print measures by name: whole numbers, others, and texts as they are."""
    from rich.markup import escape
    from rich.table import Table

    table = Table("measure", "value", title=escape(title), title_justify="left")
    for name, value in rows.items():
        shown = f"{value:,}" if isinstance(value, int) else f"{value:.4f}" if isinstance(value, float) else str(value)
        table.add_row(name.replace("_", " "), shown)
    told.console.print(table)


def ngram(
    files: Annotated[tuple[Path, ...], Parameter(help="Training text: files, folders, archives; or one ARPA file.")],
    /,
    *,
    order: int = 5,
    test: Path | None = None,
    level: LevelName = "word",
    split: SplitName = "spaces",
    vocabulary: int = 0,
    first: str | None = None,
    arpa: Path | None = None,
    told: Told = UNTOLD,
) -> Any:
    """Count the n-grams of a text, smooth them (modified Kneser-Ney), and say how well they tell another.

    Symbols, unknown ones among them, are counted as naibu train text counts them, so that the perplexity stands beside
    that of a network. An ARPA file, of whatever program, in place of the text is scored alike; it says itself of what
    order and level it is.

    $ naibu ngram ptb.train.txt --order 5 --test ptb.valid.txt
    $ naibu ngram ptb.train.txt --arpa ptb.arpa
    $ naibu ngram ptb.arpa --test ptb.valid.txt --json scores.json

    Args:
        order: Symbols of the longest n-grams.
        test: The text to score; without it the end of the text is held out, as naibu train text does.
        level: What a symbol is.
        split: Where words end: at blanks, or where the reader of plain text cuts, punctuation apart.
        vocabulary: Symbols at most; 0 takes 30,000 words, 8,000 subwords or 10,000 characters. Rarer ones become <unk>.
        first: Read the beginning alone, 100MB for example.
        arpa: Write the n-grams here as ARPA, packed where the name ends in .gz.
    """
    from naibu.storage import check_writable
    from naibu.training.ngram_scores import ngram_scores

    if arpa is not None:
        check_writable(arpa, "--arpa")
    model, scores = ngram_scores(
        files, order=order, test=test, level=level, split=split, vocabulary=vocabulary, first=first
    )
    counts = ", ".join(f"{count:,} of {n}" for n, count in scores["ngrams"].items())
    rows = {"n-grams" if name == "ngrams" else name: value for name, value in (scores | {"ngrams": counts}).items()}
    _print_scores(told, f"{model.order}-grams of {files[0]} on {test or 'its end'}", rows)
    if arpa is not None:
        model.save_arpa(arpa)
        told.say("ARPA", arpa)
    return scores


def generate(
    run: RunFolder,
    /,
    *,
    prime: str = "",
    length: int = 400,
    count: int = 1,
    sampling: Annotated[Sampling, flat("Sampling", 2)] = SAMPLING,
    seed: int = 1,
    stop: tuple[str, ...] = (),
    hold: tuple[str, ...] = (),
    compare: bool = False,
    unknown: bool = False,
    drawing: Annotated[DrawingOptions, flat("Drawing", 3)] = DRAWING,
    told: Told = UNTOLD,
) -> Any:
    r"""Let a network of running text write, symbol by symbol, or one of strokes draw; as it is or with units held.

    With --json the probability of every symbol is written too, and the points of every drawing. What is drawn depends
    on --seed alone, so that a text written with a unit held differs from the free one by what the unit does.

    $ naibu generate runs/shakespeare --prime "ROMEO:" --temperature .8 --length 400 --count 3
    $ naibu generate runs/novel --prime 'He said "' --hold cell:17=1 --compare
    $ naibu generate runs/kanji --bias 1 --count 12 --out page.svg
    $ naibu generate runs/hand --text "naibu" --bias 1 --out page.svg

    Args:
        prime: The text that is read before; what the network writes goes on with it.
        length: Symbols to write; of a drawing, points at most.
        count: Samples, side by side; of drawings so many of each class and text that is asked for.
        seed: Seed of what is drawn.
        stop: End a sample after this text.
        hold: Hold a unit: [LAYER/]SIGNAL:UNIT[=VALUE][@FROM:TO]; repeat it for more. Without a value it stays as it is
            when that begins; FROM and TO count the symbols written.
        compare: Write free and held side by side, line by line.
        unknown: Read <unk> for symbols of the prime that never came in training.
    """
    from naibu.looking.writing import Asked, check_drawing, compared, drawings_of, writer_of
    from naibu.runs import open_run
    from naibu.storage import check_writable

    if compare and not hold:
        raise OptionError("--compare: shows free beside held; say what is held with --hold")
    asked = Asked(prime, length, count, sampling, seed, stop, hold, unknown)
    opened = open_run(run)
    if opened.task == "strokes":
        if compare:
            raise OptionError(f"--compare: is of text; {run} learnt strokes")
        if drawing.out is not None:
            check_writable(drawing.out, "--out")
        return _drawn(drawings_of(opened, asked, drawing), drawing.out, told)
    check_drawing(opened, drawing)
    if compare:
        free, held = (writer_of(run, each).write() for each in (asked.free(), asked))
        texts = [asked.texts(found) for found in (free, held)]
        for each, other in zip(*texts, strict=True):
            told.console.print(compared(prime + each["text"], prime + other["text"]))
        return {"free": texts[0], "held": texts[1]}
    writer, stream = writer_of(run, asked), count == 1 and told.json != "-"
    if stream:
        sys.stdout.write(prime)

    def show(text: str) -> None:
        if stream:
            sys.stdout.write(text)
            sys.stdout.flush()

    found = asked.texts(writer.write(), show)
    if stream:
        sys.stdout.write("\n")
    for number, each in enumerate(() if stream or told.json == "-" else found):
        sys.stdout.write(f"--- {number + 1}\n{prime}{each['text']}\n")
    return found


def _drawn(drawings: Sequence[Drawn], out: Path | None, told: Typed) -> list[dict[str, Any]]:
    """Write drawings where they are asked for, or print them; return them as values of JSON."""
    from naibu.generation.drawn import write_drawings

    if out is not None:
        write_drawings(drawings, out)
        told.say("Drawings", out)
    elif told.json != "-":
        sys.stdout.writelines(f"{each.line()}\n" for each in drawings)
    cut = sum(not each.ended for each in drawings)
    if cut:
        told.console.print(f"{cut} of {len(drawings)} were cut off, as long as --length allows", highlight=False)
    return [each.row() for each in drawings]


_with_options_of_tasks(evaluate, "evaluation")
_with_options_of_tasks(predict, "prediction")
