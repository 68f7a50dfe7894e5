"""Looking inside trained networks: each command starts from what the one before left in their folders."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from naibu.commands.parts import FLAT, UNTOLD, FileOrStandard, Runs, Told
from naibu.errors import OptionError, StoredError
from naibu.looking.options import Coloured, Held, Probed, Recorded
from naibu.storage import read_json

RECORDED, PROBED, HELD, COLOURED = Recorded(), Probed(), Held(), Coloured()


def record(runs: Runs, /, *, asked: Annotated[Recorded, FLAT] = RECORDED, told: Told = UNTOLD) -> Any:
    """Record what happens inside trained networks: every gate, cell and output of every unit at every symbol.

    Leaves RUN/recordings/trained/, and RUN/recordings/untrained/ for comparison: plain .npy files, one row a symbol.
    How much it will be is said first, and refused where the disk has no room for it.

    $ naibu record runs/tagged
    $ naibu record looks/mine/tagged-200 --label depth:NP --label inside:SBAR
    $ naibu record runs/tagged --name long --split validation,test --positions 1000000
    """
    from naibu.looking.look import write_facts
    from naibu.looking.places import places_in
    from naibu.looking.steps import record_run

    recorded = []
    for places in places_in(runs):
        data = places.run.data()
        write_facts(places, data)
        record_run(places, data, asked)
        told.say("Recording", places.recordings / asked.name)
        recorded.append(str(places.recordings / asked.name))
    return recorded


def probe(runs: Runs, /, *, asked: Annotated[Probed, FLAT] = PROBED, told: Told = UNTOLD) -> Any:
    """Find what the units of recorded networks have learnt: correlations, overlaps, regressions, with controls.

    Starts from RUN/recordings/. Leaves RUN/results/: a .csv of every probe to read, a .json to load again.

    $ naibu probe runs/tagged
    $ naibu probe looks/mine --label depth:VP
    $ naibu probe runs/tagged --parts "VB*" "NN*" --word that
    """
    from naibu.looking.places import places_in
    from naibu.looking.probing import probe_run

    probed = places_in(runs)
    for places in probed:
        probe_run(places, **vars(asked), workers=0)
        told.say("Results", places.results)
    return [str(path) for places in probed for path in sorted(places.results.glob("*.csv"))]


def intervene(runs: Runs, /, *, asked: Annotated[Held, FLAT] = HELD, told: Told = UNTOLD) -> Any:
    """Hold a unit still on the test sequences and see what the network can no longer do.

    Starts from recording and results of RUN; holds random units too, for comparison. Leaves RUN/results/holding.csv and
    holding.json, with --ternary in their place ternary.csv and ternary.json.

    $ naibu intervene runs/tagged
    $ naibu intervene runs/tagged --unit 17 --signal cell
    $ naibu intervene runs/i94 --by rush_hour
    $ naibu intervene runs/tagged --ternary
    """
    from naibu.looking.places import places_in
    from naibu.looking.report import by_table, holding_table
    from naibu.looking.rounding import ternary_run, ternary_table
    from naibu.looking.steps import intervene_run

    rows = []
    for places in places_in(runs):
        if asked.ternary:
            rounded = ternary_run(places, places.run.data())
            told.console.print(ternary_table(rounded))
            rows += rounded.rows()
        else:
            chosen = {name: getattr(asked, name) for name in ("unit", "signal", "by", "draws")}
            held = intervene_run(places, places.run.data(), **chosen)
            told.console.print(holding_table(held))
            if held.by:
                told.console.print(by_table(held))
            rows += held.rows()
    return rows


def report(runs: Runs, /, *, out: Path = Path("report.html"), told: Told = UNTOLD) -> Any:
    """Write a page and the main numbers from the results of networks; the last of the five steps.

    One file that needs no network, and summary.json beside it for scripts; prints the main numbers. What was not probed
    is left out.

    $ naibu report runs/tagged
    $ naibu report looks/mine --out looks/mine/report.html

    Args:
        out: The page to write.
    """
    from naibu.looking.places import places_in
    from naibu.looking.report import make_report
    from naibu.reporting import summary_table

    told.console.print(summary_table(make_report(places_in(runs), out, command=told.command)))
    told.say("Report", out)
    summary = read_json(out.with_name("summary.json"), "the main numbers")
    told.console.print(summary["finding"], markup=False, highlight=False)
    return summary


def view(
    what: Annotated[tuple[Path, ...], Parameter(help="Folders of runs or of recordings, several to see side by side.")],
    /,
    *,
    port: int = 8642,
    host: str = "127.0.0.1",
    token_file: Path | None = None,
    no_browser: bool = False,
    told: Told = UNTOLD,
) -> Any:
    """Walk through a network in the browser, and change it while it runs.

    Opens a page on any recording: its units by what they tell, its sequences, every signal beside the text; finds
    elsewhere what units do in a span. Where the run is at hand the network reads what is typed, and signals can be held
    over a span. Serves this machine alone, at an address with a token, until Ctrl-C. Needs the extra view.

    $ naibu view runs/tagged
    $ naibu view looks/mine/tagged-200 looks/mine/brackets-100
    $ naibu view recordings/somebody-elses --no-browser

    Args:
        port: The port; where it is taken the next one that is free.
        host: The address to listen at; one that others reach needs --token-file.
        token_file: A file with the token of the address, in place of one drawn anew.
        no_browser: Print the address alone.
    """
    from naibu.viewer.exhibits import open_exhibits
    from naibu.viewer.serving import check_installed, open_door, run

    def say(line: str) -> None:
        told.console.print(line, markup=False, highlight=False, soft_wrap=True)

    check_installed()
    exhibits = open_exhibits(what)
    door = open_door(host, port, token_file, say)
    say(f"Viewer: {door.address}")
    say("Ctrl-C ends it.")
    run(exhibits, door, browser=not no_browser, say=say)
    return door.address


def show(runs: Runs, /, *, told: Told = UNTOLD) -> Any:
    """List what there is of networks: training, recordings with their signals, labels, units with a name, plots.

    $ naibu show looks/mine
    """
    from naibu.looking.places import places_in
    from naibu.looking.showing import shown, shown_table

    found = [shown(places) for places in places_in(runs)]
    for each in found:
        told.console.print(shown_table(each))
    return found


def plot(
    run: Annotated[Path, Parameter(help="The folder of a network that was probed.")],
    /,
    *,
    what: str = "depth",
    unit: int | None = None,
    signal: str = "cell",
    out: Path = Path("plot.svg"),
    show: Annotated[bool, Parameter(name="--list")] = False,
    told: Told = UNTOLD,
) -> Any:
    """Draw one result of a network into a file of its own, for a slide or a paper: SVG, PNG or PDF.

    What there is to draw is a name under RUN/results/, or trajectory: a unit over a test sequence from the recording.

    $ naibu plot looks/mine/tagged-200 --list
    $ naibu plot looks/mine/tagged-200 --what holding --out holding.png
    $ naibu plot looks/mine/tagged-200 --what trajectory --unit 23 --out slide.svg

    Args:
        what: The result to draw, or trajectory.
        unit: The unit of a trajectory; the one that follows the label best when not given.
        signal: The signal of a trajectory.
        out: The file; its ending says the kind.
        show: List what can be drawn.
    """
    from naibu.looking.drawing import draw_into, drawable
    from naibu.looking.places import places_in

    (places, *_) = places_in([run])
    if show:
        for name in drawable(places):
            told.console.print(name, markup=False, highlight=False)
        return drawable(places)
    draw_into(places, what, out, unit=unit, signal=signal)
    told.say("Picture", out)
    return str(out)


def draw(
    what: Annotated[str, Parameter(help="A cell, lstm or gru for example, or the folder of a trained network.")],
    /,
    *,
    out: Path = Path("cell.svg"),
    steps: int = 3,
    told: Told = UNTOLD,
) -> Any:
    """Draw a cell, or a network's layers, for a slide: folded and unrolled, the cell's inside, its equations.

    Every cell that --cell has can be drawn; a name that is none lists them.

    $ naibu draw lstm --out lstm.svg
    $ naibu draw gru --steps 5 --out gru.svg
    $ naibu draw looks/mine/tagged-200 --out network.svg

    Args:
        out: The file to write, SVG.
        steps: Steps of the unrolled layers; 0 draws the inside alone.
    """
    from naibu.drawing import draw
    from naibu.runs import is_run, open_run

    if out.suffix != ".svg":
        raise OptionError(f"--out {out}: must end in .svg")
    if is_run(Path(what)):
        from naibu.runs.load import load

        drawn = draw(load(open_run(what)), steps)
    else:
        drawn = draw(what, steps)
    drawn.save(out)
    told.say("Picture", out)
    return str(out)


def check(
    paths: Annotated[tuple[Path, ...], Parameter(help="Folders of networks, looks, recordings or papers.")],
    /,
    *,
    told: Told = UNTOLD,
) -> Any:
    """Compare every stored file with its checksum, and say which are damaged.

    Settings, weights, checkpoints and curves of networks, every shard and column of recordings, results, pages. Names
    every file that is not as it was written, with what makes it again, and ends with status 2; writes nothing.

    $ naibu check looks/mine
    $ naibu check runs papers
    """
    from naibu.looking.check import compare
    from naibu.progress import shown

    compared = []
    for path in paths:
        if not path.is_dir():
            raise StoredError(f"{path}: no folder; give that of a network, a look, a recording or a paper")
        with shown(f"{path}: comparing", "folders") as progress:
            compared += list(compare(path, progress))
    wrong = [line for _, line in compared if line]
    for line in wrong:
        told.console.print(line, markup=False, highlight=False, soft_wrap=True)
    if wrong:
        raise StoredError(f"{len(wrong)} of {len(compared)} files are damaged or missing; each is named above")
    told.console.print(f"{len(compared)} files compared, all as they were written")
    return [str(file) for file, _ in compared]


def colour(
    run: Annotated[Path, Parameter(help="The folder of a trained network.")],
    /,
    *,
    asked: Annotated[Coloured, FLAT] = COLOURED,
    file: FileOrStandard = None,
    html: Path | None = None,
    told: Told = UNTOLD,
) -> Any:
    """Read a text through a trained network and colour every symbol by the value of one unit.

    Any text: --text or --file, read as the network's data was; without either, test text from its recording. Any unit
    and signal; without --unit, the one that naibu probe named for --label (inside_string for example), or for the label
    told best. Vermillion above 0, blue below, green for gates; underlined where the label holds. Without colours (in a
    file, a pipe, with NO_COLOR) a digit stands below each symbol. --html writes a page where the unit can be switched.

    $ naibu colour runs/tagged
    $ naibu colour runs/python --unit 17 --signal cell --text 'if (a[1] == "b"):'
    $ naibu colour runs/python --label inside_string --file setup.py --html s.html

    Args:
        file: A file to read; - for standard input.
        html: Write a page, too, on which the named cells can be chosen.
    """
    from naibu.looking.colour import colour_run, print_run
    from naibu.looking.places import places_in
    from naibu.reporting.content import spaced

    places, *others = places_in([run])
    if others:
        raise OptionError(f"{run}: say which, one of {', '.join(str(each.run.path) for each in (places, *others))}")
    found = colour_run(places, asked, file=file, all_named=html is not None)
    rows = print_run(told.console, places, found)
    if html is not None:
        from naibu.reporting.page import write_reading

        write_reading(found.passages, spaced(places.run.options), f"Inside {places.run.name}", html, own=found.own)
        told.say("Page", html)
    return rows
