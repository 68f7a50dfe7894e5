"""The command line: one command a step, `look` for all of them in order."""

from __future__ import annotations

import contextlib
import io
import json
import re
import shlex
import sys
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro
from tyro.conf import OmitArgPrefixes, Positional, subcommand

import naibu
from naibu.config import ModelConfig, TrainingConfig
from naibu.errors import NaibuError, OptionError

if TYPE_CHECKING:
    from rich.console import Console

    from naibu.corpora.corpus import Corpus
    from naibu.look.places import Places

Form = Literal["brackets", "tagged", "brackets+words", "tagged+words", "words", "characters"]
Signal = Literal[
    "input_gate", "forget_gate", "candidate", "output_gate", "update", "cell", "hidden", "reset_gate", "update_gate"
]


@dataclass(frozen=True)
class CorpusOptions:
    """The text to learn."""

    corpus: Positional[str]
    """A file or folder (also .gz, .tar.gz, .zip): Penn Treebank brackets, S-expressions, Python source or plain
    text; or standard-library, Python's own, which every machine has."""
    test: Path | None = None
    """A file or folder to score on, in place of a tenth of the corpus."""
    reader: Literal["penn", "lisp", "python", "text"] | None = None
    """How to read it; found from the content when not given."""
    category: str | None = None
    """The phrase to probe, VP for example; chosen and named when not given."""
    vocabulary: int = 10_000
    """Symbols at most; rarer ones become <unk>."""
    longest: int | None = None
    """Leave out sequences with more symbols: 300 by default for source code, 0 for no limit."""
    split_seed: int = 1
    """Seed of the division into training, validation and test."""
    function_tags: bool = False
    """Keep function tags: NP-SBJ and NP are two categories."""
    traces: bool = False
    """Keep traces and other empty elements: (-NONE- *T*)."""
    labels: Path | None = None
    """A file of your own labels: tab-separated columns, one line a symbol, a header line."""

    def keywords(self) -> dict[str, Any]:
        """Return the options as `open_corpus` takes them, without path and form."""
        options = {k: str(v) if isinstance(v, Path) else v for k, v in asdict(self).items() if k != "corpus"}
        options["seed"] = options.pop("split_seed")
        return options


@dataclass(frozen=True)
class NetworkOptions:
    """The network and its training."""

    units: int | None = None
    """Hidden units: 100 for brackets, 200 for tagged and characters, 300 with words, when not given."""
    cell: Literal["lstm", "gru", "rnn", "rnn-relu"] = "lstm"
    """The recurrent cell; rnn is Elman's with tanh."""
    layers: int = 1
    """Layers, one on the other."""
    dropout: float = ModelConfig.dropout
    """Share of values dropped in training."""
    tied: bool = False
    """Let the output use the embedding's weights."""
    minutes: float | None = None
    """Minutes of training for each network (5 when not given); becomes a number of steps."""
    steps: int | None = None
    """Steps of training, in place of minutes; repeats a run exactly."""
    seed: int = 1
    """Seed of weights, batches and dropout."""
    learning_rate: float = TrainingConfig.learning_rate
    """Learning rate of Adam at its highest."""
    batch_size: int = TrainingConfig.batch_size
    """Sequences in a batch."""
    truncation: int = TrainingConfig.truncation
    """Steps through which gradients travel back."""
    threads: int = 0
    """Threads; 0 takes what a short warm-up finds fastest."""

    def configs(self) -> tuple[ModelConfig, TrainingConfig]:
        """Return model and training configuration; raises OptionError for a value that is not allowed."""
        if self.steps is not None and self.minutes is not None:
            raise OptionError(f"--steps {self.steps} and --minutes {self.minutes}: give one of the two")
        model = ModelConfig(
            self.cell, 1 if self.units is None else self.units, self.layers, dropout=self.dropout, tied=self.tied
        )
        training = TrainingConfig(
            self.steps,
            self.minutes,
            self.seed,
            self.batch_size,
            truncation=self.truncation,
            learning_rate=self.learning_rate,
            threads=self.threads,
        )
        return model, training


@dataclass(frozen=True)
class Output:
    """Where things go."""

    out: Path = Path("looks/mine")
    """Folder of runs/, recordings/, results/ and the report."""
    json: str | None = None
    """Write the main numbers here as JSON too; - for standard output."""


@dataclass(frozen=True)
class RunChoice(Output):
    """A run that is there."""

    run: str | None = None
    """Name of the run; all under --out when not given."""

    def places(self) -> list[Places]:
        """Return the runs asked for; raises StoredError naming those that exist."""
        from naibu.look.places import Places
        from naibu.runs import list_runs

        runs = list_runs(self.out)
        chosen = [run for run in runs if self.run in (None, run.name)]
        if not chosen:
            raise OptionError(f"--run {self.run}: not one of {', '.join(run.name for run in runs)} under {self.out}")
        return [Places(self.out, run) for run in chosen]


@dataclass(frozen=True)
class Look:
    """Train on a corpus, look inside, and write a report that shows which unit learnt what.

    naibu look standard-library
    naibu look treebank.mrg --form tagged --units 200 --minutes 10 --out looks/mine
    """

    corpus: OmitArgPrefixes[CorpusOptions]
    form: tuple[Form, ...] = ()
    """One or several: brackets and tagged for trees, characters for plain text, when not given."""
    network: OmitArgPrefixes[NetworkOptions] = field(default_factory=NetworkOptions)
    output: OmitArgPrefixes[Output] = field(default_factory=Output)

    def execute(self, console: Console) -> Any:
        """Do all five steps and print the table."""
        from naibu.look.look import Look as Asked
        from naibu.look.look import look
        from naibu.report import summary_table
        from naibu.storage import read_json

        model, training = self.network.configs()
        out = self.output.out
        asked = Asked(self.corpus.corpus, self.corpus.keywords(), self.form, model, training, self.network.units, out)
        report = look(asked, console, command=command_line())
        console.print(summary_table(report))
        console.print(f"Report: [bold]{out / 'report.html'}[/bold]")
        return read_json(out / "summary.json", "the main numbers")


@dataclass(frozen=True)
class Train:
    """Train a network on a corpus: runs/ under --out. A run that was broken off goes on where it was."""

    corpus: OmitArgPrefixes[CorpusOptions]
    form: Form | None = None
    """What of a sentence is learnt: tagged for trees, characters for plain text, when not given."""
    network: OmitArgPrefixes[NetworkOptions] = field(default_factory=NetworkOptions)
    output: OmitArgPrefixes[Output] = field(default_factory=Output)

    def execute(self, console: Console) -> Any:
        """Train, and print how it went."""
        from naibu.look.look import default_forms, open_shown, train_shown, units_for, write_facts
        from naibu.look.places import Places

        model, training = self.network.configs()
        form = self.form or default_forms(self.corpus.corpus, self.corpus.reader)[-1]
        corpus: Corpus = open_shown(self.corpus.corpus, form, self.corpus.keywords(), console)
        model = replace(model, units=units_for(form, self.network.units))
        run = train_shown(corpus, model, training, self.output.out, console)
        write_facts(Places(self.output.out, run), corpus)
        return {"run": str(run.path), **run.summary()}


@dataclass(frozen=True)
class Record:
    """Record what happens inside trained networks: recordings/ under --out."""

    choice: OmitArgPrefixes[RunChoice] = field(default_factory=RunChoice)
    keep: tuple[Signal, ...] = ()
    """Signals to keep; all when not given."""
    label: tuple[str, ...] = ()
    """Labels to carry besides the usual ones: depth:NP inside:SBAR ..."""
    train_tokens: int = 100_000
    """Symbols of training sequences to record, on which probes are fitted."""
    test_tokens: int = 150_000
    """Symbols of test sequences to record, on which probes are scored."""
    dtype: Literal["float16", "float32"] = "float16"
    """How values are stored."""

    def execute(self, console: Console) -> Any:
        """Record every run asked for."""
        from naibu.look.steps import record_run

        for places in self.choice.places():
            record_run(
                places,
                places.corpus(),
                keep=self.keep,
                labels=self.label,
                train_tokens=self.train_tokens,
                test_tokens=self.test_tokens,
                dtype=self.dtype,
            )
            console.print(f"Recording: [bold]{places.recording}[/bold]")
        return [str(places.recording) for places in self.choice.places()]


@dataclass(frozen=True)
class Probe:
    """Find what the units of recorded networks have learnt: results/ under --out."""

    choice: OmitArgPrefixes[RunChoice] = field(default_factory=RunChoice)
    label: str | None = None
    """Only the correlation of every unit with this label; all probes when not given."""

    def execute(self, console: Console) -> Any:
        """Probe every run asked for."""
        from naibu.look.steps import probe_run

        for places in self.choice.places():
            probe_run(places, places.run.corpus["category"], label=self.label)
            console.print(f"Results: [bold]{places.results}[/bold]")
        return [str(path) for places in self.choice.places() for path in sorted(places.results.glob("*.csv"))]


@dataclass(frozen=True)
class Intervene:
    """Hold a unit still on the test sequences and see what the network can no longer do."""

    choice: OmitArgPrefixes[RunChoice] = field(default_factory=RunChoice)
    unit: int | None = None
    """The unit to hold; the one that follows depth best when not given."""
    signal: Signal | None = None
    """The signal in which it is held; cell when not given (hidden where there is no cell)."""
    draws: int = 10
    """How many random units to hold beside it, one at a time."""

    def execute(self, console: Console) -> Any:
        """Intervene in every run asked for, and print the table."""
        from naibu.look.report import holding_table
        from naibu.look.steps import intervene_run

        rows = []
        for places in self.choice.places():
            found = intervene_run(places, places.corpus(), unit=self.unit, signal=self.signal, draws=self.draws)
            console.print(holding_table(found))
            rows += found.rows()
        return rows


@dataclass(frozen=True)
class MakeReport:
    """Write report.html and summary.json from the results under --out."""

    output: OmitArgPrefixes[Output] = field(default_factory=Output)

    def execute(self, console: Console) -> Any:
        """Write the report and print the table."""
        from naibu.look.report import make_report
        from naibu.report import summary_table
        from naibu.storage import read_json

        console.print(summary_table(make_report(self.output.out, command=command_line())))
        console.print(f"Report: [bold]{self.output.out / 'report.html'}[/bold]")
        return read_json(self.output.out / "summary.json", "the main numbers")


Command = (
    Annotated[Look, subcommand("look")]
    | Annotated[Train, subcommand("train")]
    | Annotated[Record, subcommand("record")]
    | Annotated[Probe, subcommand("probe")]
    | Annotated[Intervene, subcommand("intervene")]
    | Annotated[MakeReport, subcommand("report")]
)


def command_line() -> str:
    """Return the command as it was typed."""
    return shlex.join(["naibu", *sys.argv[1:]])


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit status: 0, 2 for an error said in one line, 130 after Ctrl-C."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments in (["--version"], ["-V"]):
        print(f"naibu {naibu.__version__}")
        return 0
    try:
        command = parsed(arguments or ["--help"])
        if command is None:
            return 0
        write_to = getattr(getattr(command, "output", None) or getattr(command, "choice", None), "json", None)
        _execute(command, write_to)
    except NaibuError as error:
        print(f"naibu: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("naibu: stopped; the same command goes on from here", file=sys.stderr)
        return 130
    except BrokenPipeError:
        return 1
    return 0


def parsed(arguments: list[str]) -> Any:
    """Return the command that was typed, None where help was printed; raises OptionError, one line, for a wrong one."""
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            return tyro.cli(Command, prog="naibu", description=naibu.__doc__, args=arguments)  # type: ignore[call-overload]
    except SystemExit as ended:
        if ended.code in (0, None):
            return None
        words = re.sub(r"\x1b\[[0-9;]*m|[\u2500-\u257f]", " ", said.getvalue())
        raise OptionError(re.sub(r"\s+", " ", words).strip()) from None


def _execute(command: Any, write_to: str | None) -> None:
    from rich.console import Console

    from naibu.storage import write_json

    result = command.execute(Console(stderr=write_to == "-"))
    if write_to == "-":
        json.dump(result, sys.stdout, indent=1, ensure_ascii=False)
        print()
    elif write_to is not None:
        write_json(Path(write_to), result)


if __name__ == "__main__":
    sys.exit(main())
