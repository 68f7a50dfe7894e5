"""`naibu vectors`: a sub-command each to learn vectors of words, ask for neighbours, score them and draw a map."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Group, Parameter

from naibu.commands.parts import UNTOLD, Told, Typed, added, flat, unfolded
from naibu.vectors.options import Options

if TYPE_CHECKING:
    from naibu.vectors.neighbours import Neighbours

ABOUT = """Learn vectors of words from text; ask for neighbours and analogies, score them, draw a map.

A FILE of vectors is one of word2vec, text or binary, from whatever program.

$ naibu vectors train novel.txt --out vectors.txt
$ naibu vectors near vectors.txt prince
$ naibu vectors score vectors.txt wordsim353.tsv simlex999.txt questions-words.txt
$ naibu vectors map vectors.txt --out map.png"""
OPTIONS = Options()
File = Annotated[Path, Parameter(help="Vectors: a file of word2vec, text or binary.")]
Texts = Annotated[tuple[Path, ...], Parameter(help="Text: files, folders, .gz, .tar.gz, .zip.")]


def train(
    files: Texts,
    /,
    *,
    asked: Annotated[Options, flat("Vectors", 1)] = OPTIONS,
    out: Path = Path("vectors.txt"),
    told: Told = UNTOLD,
) -> Any:
    """Learn vectors of the words of a text: skip-gram or CBOW with negative sampling, or GloVe.

    One line is one sentence, and words are what stands between blanks, unless --across and --split say otherwise. With
    one thread the same seed gives the same file to the bit.

    $ naibu vectors train ptb.train.txt --model cbow --size 100 --window 5 --negatives 5 --out ptb.bin
    $ naibu vectors train novel.txt --split reader --lowercase --across --threads 0

    Args:
        out: Write the vectors here: with numbers in four bytes each where the name ends in .bin, else as text.
    """
    from naibu.storage import check_writable
    from naibu.vectors import train, write_vectors

    check_writable(out, "--out")
    found = train(files, asked)
    write_vectors(found.vectors, out)
    facts = found.facts()
    rows = {name: f"{value:,.0f}" if isinstance(value, int | float) else value for name, value in facts.items()}
    if found.losses:
        rows["losses"] = f"{found.losses[0]:,.1f} in the first pass, {found.losses[-1]:,.1f} in the last"
    else:
        del rows["losses"]
    _print(told, f"{asked.model} on {', '.join(map(str, files))}", ("", ""), list(rows.items()))
    told.say("Vectors", out)
    return facts


def near(file: File, words: tuple[str, ...] = (), /, *, count: int = 10, told: Told = UNTOLD) -> Any:
    """Say which words are near others: those whose vectors have the largest cosine with theirs.

    $ naibu vectors near vectors.txt prince battle

    Args:
        words: Words whose neighbours are asked for; one that is not there in these letters is looked for in others.
        count: Neighbours of each.
    """
    from naibu.errors import OptionError
    from naibu.vectors import near, read_vectors

    if not words:
        raise OptionError(f"no word is named: naibu vectors near {file} WORD")
    vectors = read_vectors(file)
    return [row for word in words for row in _told(told, near(vectors, word, count))]


def analogy(file: File, one: str, other: str, third: str, /, *, count: int = 5, told: Told = UNTOLD) -> Any:
    """Say what stands to a third word as a second stands to the first: man is to king as woman is to what?

    $ naibu vectors analogy vectors.txt man king woman

    Args:
        one: The first word.
        other: What stands to it as the word asked for stands to the third.
        third: The third word.
        count: Answers.
    """
    from naibu.vectors import analogy, read_vectors

    return _told(told, analogy(read_vectors(file), one, other, third, count))


def score(file: File, questions: tuple[Path, ...] = (), /, *, seed: int = 1, told: Told = UNTOLD) -> Any:
    """Score vectors on pairs of words that people judged (Spearman), and on analogies (share that come out).

    Each with its 95 % interval over questions and with how many are covered: those all of whose words have vectors. No
    others count.

    $ naibu vectors score vectors.txt wordsim353.tsv simlex999.txt questions-words.txt --json scores.json

    Args:
        questions: Files of pairs, two words and a number a line; or of analogies, four words a line.
        seed: Of the resampling behind intervals.
    """
    from naibu.errors import OptionError
    from naibu.vectors import read_vectors, score

    if not questions:
        raise OptionError(f"no questions are named: naibu vectors score {file} wordsim353.tsv")
    found = score(read_vectors(file), *questions, seed=seed)
    lines = []
    for each in found.scores:
        value, low, high = ("-" if x is None else f"{x:.3f}" for x in (each.value, each.low, each.high))
        lines.append((each.name, each.measure, value, f"{low} to {high}", f"{each.covered:,} of {each.of:,}"))
    _print(told, f"{file}", ("questions", "measure", "value", "95 % interval", "covered"), lines)
    return found.rows()


def map_(
    file: File,
    words: tuple[str, ...] = (),
    /,
    *,
    count: int = 300,
    perplexity: float = 30.0,
    seed: int = 1,
    out: Path = Path("map.png"),
    told: Told = UNTOLD,
) -> Any:
    """Draw words on a map, so that near neighbours stay near: t-SNE, by openTSNE where it is installed.

    Distances between what is far apart say nothing. Labels that would lie over others are left away.

    $ naibu vectors map vectors.txt --count 500 --out map.svg

    Args:
        words: Words on the map; without any, the first of the file.
        count: How many of them.
        perplexity: How many near neighbours a word has, about.
        seed: Of the map.
        out: Write the picture here: .png, .svg or .pdf.
    """
    from naibu.errors import OptionError
    from naibu.reporting.plots.canvas import write_figure
    from naibu.storage import check_writable
    from naibu.vectors import map, read_vectors

    if out.suffix not in (".png", ".svg", ".pdf"):
        raise OptionError(f"--out {out}: must end in .png, .svg or .pdf")
    check_writable(out, "--out")
    found = map(read_vectors(file), words, count=count, perplexity=perplexity, seed=seed)
    write_figure(found.plot, out, size=(7.5, 7.5))
    told.say("Map", out)
    return found.rows()


def _told(told: Typed, found: Neighbours) -> list[Any]:
    lines = [(word, f"{cosine:.3f}") for word, cosine in zip(found.words, found.cosines, strict=True)]
    _print(told, found.of, ("word", "cosine"), lines)
    return found.rows()


def _print(told: Typed, title: str, columns: tuple[str, ...], lines: list[Any]) -> None:
    from rich.markup import escape
    from rich.table import Table

    table = Table(*columns, title=escape(title), title_justify="left", show_header=any(columns))
    for line in lines:
        table.add_row(*(escape(str(cell)) for cell in line))
    told.console.print(table)


vectors = App(name="vectors", help=unfolded(ABOUT), group_commands=Group("Vectors"))
for _command, _name in ((train, "train"), (near, "near"), (analogy, "analogy"), (score, "score"), (map_, "map")):
    added(vectors, _command, _name)
