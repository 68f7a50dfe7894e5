"""What a bench found, as a table to read: on the terminal, and in markdown for a README."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from rich.box import SIMPLE
from rich.table import Table

from naibu.bench.rounds import QUIET
from naibu.bench.sizes import Row


@dataclass(frozen=True)
class Printed:
    """A title, columns, lines of the same length, and remarks to stand under them."""

    title: str
    columns: tuple[str, ...]
    lines: tuple[tuple[str, ...], ...]
    remarks: tuple[str, ...] = ()

    def terminal(self) -> Table:
        """Return the table as the terminal shows it."""
        under = "\n".join(self.remarks)
        table = Table(title=self.title, caption=under, box=SIMPLE, pad_edge=False, collapse_padding=True)
        table.title_justify = table.caption_justify = "left"
        for column in self.columns:
            table.add_column(column.replace(", ", "\n"), justify="right")
        for line in self.lines:
            table.add_row(*line)
        return table

    def markdown(self) -> str:
        """Return the table in markdown."""
        lines = [self.columns, ("---",) * len(self.columns), *self.lines]
        rows = "".join(f"| {' | '.join(line)} |\n" for line in lines)
        return "\n".join([f"**{self.title}**\n", rows, *(f"{remark}\n" for remark in self.remarks)])


_SHORT = {"inference": "run", "recording": "record", "training": "train"}


def layers(rows: list[Row]) -> list[Printed]:
    """Return two tables: for each cell and size our layer by mode, and the peers by mode."""
    modes = tuple(dict.fromkeys(row["mode"] for row in rows))
    peers = tuple(dict.fromkeys((row["mode"], name) for row in rows for name in row["peers"]))
    mine, theirs = [], []
    for key, group in _groups(rows, ("cell", "hidden", "batch", "steps")):
        by_mode = {row["mode"]: row for row in group}
        mine.append((*key, *(_figure(by_mode.get(mode)) for mode in modes)))
        others = [by_mode[mode]["peers"].get(name) if mode in by_mode else None for mode, name in peers]
        theirs.append((*key[:3], *("" if each is None else f"{each:.2f}" for each in others)))
    title = "Layers: how many times as fast as torch.nn's (share of the arithmetic limit)"
    found = [Printed(title, ("cell", "units", "batch", "steps", *modes), tuple(mine), _remarks(rows))]
    if peers:
        columns = ("cell", "units", "batch", *(f"{name}, {_SHORT[mode]}" for mode, name in peers))
        remarks = ("jax takes all processors, however many threads the others have",)
        title = "Peers: how many times as fast as torch.nn's layer"
        found.append(Printed(title, columns, tuple(theirs), remarks if any(name == "jax" for _, name in peers) else ()))
    return found


def language_model(rows: list[Row]) -> list[Printed]:
    """Return one table: a line for each cell and size, a column for each vocabulary."""
    sizes = tuple(dict.fromkeys(row["vocabulary"] for row in rows))
    lines = []
    for key, group in _groups(rows, ("cell", "layers", "hidden", "batch", "steps", "precision")):
        by_size = {row["vocabulary"]: row for row in group}
        lines.append((*key, *(_figure(by_size.get(size)) for size in sizes)))
    columns = ("cell", "layers", "units", "batch", "steps", "ours in", *(f"V = {size:,}" for size in sizes))
    title = "Language model, training step: how many times as fast as plain PyTorch (share of the arithmetic limit)"
    return [Printed(title, columns, tuple(lines), _remarks(rows))]


def growth(rows: list[Row]) -> list[Printed]:
    """Return two tables: milliseconds by steps with the exponent, and time over that of keeping nothing."""
    by_steps = [row for row in rows if row["varied"] == "steps"]
    by_signals = [row for row in rows if row["varied"] == "signals"]
    numbers = tuple(dict.fromkeys(row["steps"] for row in by_steps))
    counts = sorted({row["signals"] for row in by_signals})
    steps, signals = [], []
    for key, group in _groups(by_steps, ("cell", "hidden", "batch", "mode")):
        each = {row["steps"]: f"{row['ms']:.2f}{_mark(row)}" for row in group}
        steps.append((*key, *(each.get(n, "") for n in numbers), f"{group[0]['exponent']:.2f}"))
    for key, group in _groups(by_signals, ("cell", "hidden", "batch", "steps")):
        each = {row["signals"]: f"{row['to_first']:.2f}{_mark(row)}" for row in group}
        signals.append((*key, *(each.get(n, "") for n in counts)))
    first = ("cell", "units", "batch")
    found = []
    if steps:
        columns = (*first, "mode", *(f"T = {n}, ms" for n in numbers), "exponent")
        title = "Cost by steps T, milliseconds, and the exponent of T (1 is linear)"
        found.append(Printed(title, columns, tuple(steps), _remarks(by_steps)))
    if signals:
        columns = (*first, "steps", *(f"{n} signals" for n in counts))
        title = "Cost by signals kept, over the time with none"
        found.append(Printed(title, columns, tuple(signals), _remarks(by_signals)))
    return found


def online(rows: list[Row]) -> list[Printed]:
    """Return one table: a line for each task, with steps a second and the ratios to the peers."""
    lines = []
    for row in rows:
        peers = (f"{row[f'ratio_to_{name}']:,.0f}" for name in ("loop", "by_hand", "batched"))
        speeds = (f"{row[name] / 1e6:.1f}" for name in ("steps_per_second", "with_drawing_steps_per_second"))
        how = f"{row['gradient']}, by {row['update']}"
        limit = f"{row['ratio_to_limit']:.2f}{_mark(row)}"
        lines.append((str(row["task"]), how, str(row["weights"]), *speeds, *peers, limit))
    columns = ("task", "gradient", "weights", "M steps/s", "drawn too", "loop", "by hand", "batched", "limit")
    remarks = (
        "M steps/s: million time steps of all trials together; drawn too: sequences drawn meanwhile. Times as fast as, "
        "loop: nn.LSTMCell, one sequence at a time; by hand: the cell of 1997 in PyTorch; batched: the same for "
        f"{rows[0]['trials']} trials at once. limit: share of what a core can multiply and add.",
        *_remarks(rows),
    )
    return [Printed("LSTM of 1997, learning on-line, one core", columns, tuple(lines), remarks)]


def probes(rows: list[Row]) -> list[Printed]:
    """Return two tables: contests with the peers, and what ours alone takes."""
    contests = [row for row in rows if row["peer"] is not None]
    alone = [row for row in rows if row["peer"] is None]
    found = []
    if contests:
        columns = ("probe", "rows, units", "times, as fast", "ours, s", "peer, s", "ours, MB", "peer, MB")
        remarks = (
            "s: processor time, one thread each; times as fast: the peer's over ours; MB: the most that the whole "
            "process held; higher: the peer's objective, relative, or its numbers; liblinear penalises the intercept "
            "too, here by a hundredth",
            *_remarks(contests),
        )
        title = "Probes of a recording on disk against their peers"
        found.append(Printed(title, (*columns, "higher", "peer"), tuple(map(_contest, contests)), remarks))
    if alone:
        lines = tuple(
            (*_sized(row), f"{row['cpu_seconds']:.2f}", f"{row['seconds']:.2f}{_mark(row)}", f"{row['peak_mb']:,}")
            for row in alone
        )
        heads = ("probe", "rows, units", "processor, s", "clock, s", "peak, MB")
        found.append(Printed("Ours alone; report: the whole probe", heads, lines, _remarks(alone)))
    return found


def _sized(row: Row) -> tuple[str, str]:
    return row["probe"], f"{row['rows']:,} {row['units']}"


def _contest(row: Row) -> tuple[str, ...]:
    if row["ratio_to_sklearn"] is None:
        return (*_sized(row), "", f"{row['cpu_seconds']:.2f}", "", f"{row['peak_mb']:,}", "", "", row["peer"])
    ratio, higher = f"{row['ratio_to_sklearn']:.1f}{_mark(row)}", f"{row['objective_difference']:.0e}"
    seconds = (f"{row[name]:.2f}" for name in ("cpu_seconds", "peer_cpu_seconds"))
    held = (f"{row[name]:,}" for name in ("peak_mb", "peer_peak_mb"))
    return (*_sized(row), ratio, *seconds, *held, higher, row["peer"] if row["equal"] else f"{row['peer']}: not as low")


def plain(title: str) -> Callable[[list[Row]], list[Printed]]:
    """Return a maker of tables that show every key of every row as it is."""

    def made(rows: list[Row]) -> list[Printed]:
        names = {"hidden": "units", "forward_ms": "forward, ms"}
        names |= {"ratio_to_forward_disk": "on disk / forward", "ratio_to_forward_memory": "in memory / forward"}
        names["ratio_watched"] = "training, a unit watched / not"
        columns = tuple(names.get(column, column.replace("_", " ")) for column in rows[0])
        lines = [[f"{each:.2f}" if isinstance(each, float) else str(each) for each in row.values()] for row in rows]
        return [Printed(title, columns, tuple(map(tuple, lines)), _remarks(rows))]

    return made


def _groups(rows: list[Row], keys: tuple[str, ...]) -> Iterable[tuple[tuple[str, ...], list[Row]]]:
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(str(row[key]) for key in keys), []).append(row)
    return groups.items()


def _figure(row: Row | None) -> str:
    return "" if row is None else f"{row['ratio_to_torch']:.2f} ({row['ratio_to_limit']:.2f}){_mark(row)}"


def _mark(row: Row) -> str:
    return "*" if row["load"] > QUIET else ""


def _remarks(rows: list[Row]) -> tuple[str, ...]:
    loads = [row["load"] for row in rows]
    said = [f"load by other processes: {max(loads):.0%} at most"]
    if "threads" in rows[0]:
        said[0] = f"threads: {rows[0]['threads']}; {said[0]}"
    if "gflops" in rows[0]:
        gflops = [row["gflops"] for row in rows]
        said[0] += f"; products in the same rounds: {min(gflops):.0f} to {max(gflops):.0f} GFLOP/s"
    if loud := sum(load > QUIET for load in loads):
        said.append(f"* {loud} of {len(rows)} figures with a load above {QUIET:.0%}: worth little; measure again")
    return tuple(said)
