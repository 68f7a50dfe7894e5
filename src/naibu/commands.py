"""The commands and their options: what each is called, takes, does and leaves, and the help that says so."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from tyro.conf import FlagCreatePairsOff, OmitArgPrefixes, Positional, UseAppendAction, arg

from naibu.config import CellName, ModelConfig, TrainingConfig
from naibu.errors import OptionError
from naibu.storage import read_json

if TYPE_CHECKING:
    from rich.console import Console

    from naibu.looking.asked import Look as Asked
    from naibu.looking.places import Places

Form = Literal["brackets", "tagged", "brackets+words", "tagged+words", "words", "characters"]
Signal = Literal[
    "input_gate",
    "forget_gate",
    "candidate",
    "output_gate",
    "update",
    "cell",
    "hidden",
    "reset_gate",
    "update_gate",
    "relevance_gate",
    "stabiliser",
    "normaliser",
]
Reader = Literal["penn", "lisp", "python", "text", "indentation"]
# Where nothing is given the help says in words what happens then, not "(default: None)".
Whole = Annotated[int, arg(metavar="N")]
Number = Annotated[float, arg(metavar="X")]
Switch = Annotated[FlagCreatePairsOff[bool], arg(help_behavior_hint="")]
MaybeWhole = Annotated[int | None, arg(metavar="N", help_behavior_hint="")]
MaybeNumber = Annotated[float | None, arg(metavar="X", help_behavior_hint="")]
MaybePath = Annotated[Path | None, arg(metavar="PATH", help_behavior_hint="")]
MaybeName = Annotated[str | None, arg(metavar="NAME", help_behavior_hint="")]
MaybePair = Annotated[tuple[str, str] | None, arg(metavar="NAME NAME", help_behavior_hint="")]
ONE_READER = "{penn,lisp,python,text,indentation}"
ONE_FORM = "{brackets,tagged,brackets+words,tagged+words,words,characters}"


@dataclass(frozen=True)
class CorpusOptions:
    """The text to learn."""

    corpus: Annotated[Positional[str], arg(metavar="CORPUS")]
    """Treebank, source code or plain text: a file, folder, .gz, .tar.gz or .zip; or standard-library, Python's own."""
    test: MaybePath = None
    """A file or folder to score on, in place of a tenth of the corpus."""
    reader: Annotated[Reader | None, arg(metavar=ONE_READER, help_behavior_hint="")] = None
    """How to read the files; found from their content when not given. indentation: Python by its indented blocks."""
    category: MaybeName = None
    """The phrase to probe, VP for example; when not given VP, or the one that half the text is inside."""
    vocabulary: Whole = 10_000
    """Symbols at most; rarer ones become <unk>."""
    longest: MaybeWhole = None
    """Leave out sequences with more symbols; 300 for source code when not given, 0 for no limit."""
    split_seed: Whole = 1
    """Seed of the division into training, validation and test."""
    function_tags: Switch = False
    """Keep function tags: NP-SBJ and NP are two categories then."""
    traces: Switch = False
    """Keep traces and other empty elements: (-NONE- *T*)."""
    labels: MaybePath = None
    """A file of your own labels: tab-separated columns, one line a symbol, a header line."""

    def keywords(self) -> dict[str, Any]:
        """Return the options as `open_corpus` takes them, without path and form."""
        options = {k: str(v) if isinstance(v, Path) else v for k, v in asdict(self).items() if k != "corpus"}
        options["seed"] = options.pop("split_seed")
        return options


@dataclass(frozen=True)
class NetworkOptions:
    """The network and its training."""

    units: MaybeWhole = None
    """Hidden units; when not given 100 for brackets, 200 for tagged and characters, 300 with words."""
    cell: Annotated[CellName, arg(metavar="NAME")] = "lstm"
    """The recurrent cell: lstm, gru, rnn (Elman, tanh), or any of README's table of cells."""
    layers: Whole = 1
    """Layers, one on the other."""
    dropout: Number = ModelConfig.dropout
    """Share of values dropped in training."""
    embedding_dropout: MaybeNumber = None
    """Share of values dropped in training from the vectors of the symbols read; as --dropout when not given."""
    tied: Switch = False
    """Let the output layer use the embedding's weights."""
    softmax: Literal["full", "adaptive"] = "full"
    """The output layer; adaptive keeps rarer symbols in groups of their own, faster for large vocabularies."""
    orthogonal: Switch = False
    """Let the recurrent weights of each gate begin orthogonal."""
    forget_bias: Number = ModelConfig.forget_bias
    """Added to the forget gate's first bias, where there is a forget gate."""
    input_gate_bias: Number = ModelConfig.input_gate_bias
    """Added to the input gate's first bias; below 0 against a drift of the cell."""
    output_gate_bias: Number = ModelConfig.output_gate_bias
    """Added to the output gate's first bias; below 0 against cells abused as biases."""
    zoneout: Number = ModelConfig.zoneout
    """Probability that a unit of the hidden state keeps its old value in a step of training."""
    zoneout_cell: Number = ModelConfig.zoneout_cell
    """The same of the cell, where there is one."""
    variational_dropout: Number = ModelConfig.variational_dropout
    """Share of a layer's input and hidden state dropped in training, the same for a whole sequence."""
    weight_drop: Number = ModelConfig.weight_drop
    """Share of the recurrent weights dropped in training, anew for every batch."""
    heads: Whole = ModelConfig.heads
    """Groups of units of an slstm that read only their own group."""
    l1: Number = TrainingConfig.l1
    """Weight of an L1 term on the signals of --l1-signals: the sum over units, added to the loss of a symbol."""
    l1_signals: UseAppendAction[tuple[Signal, ...]] = ()
    """A signal on which the L1 term lies; repeat it for more; cell when not given."""
    minutes: MaybeNumber = None
    """Minutes of training for each network, 5 when not given (less on standard-library); becomes a number of steps."""
    steps: MaybeWhole = None
    """Steps of training, in place of minutes; repeats a run exactly."""
    seed: Whole = 1
    """Seed of weights, batches and dropout."""
    learning_rate: Number = TrainingConfig.learning_rate
    """Learning rate of Adam at its highest."""
    batch_size: Whole = TrainingConfig.batch_size
    """Sequences in a batch."""
    truncation: Whole = TrainingConfig.truncation
    """Steps through which gradients travel back."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Type of the products in training; bfloat16 is for GPUs above all."""
    device: Literal["cpu", "cuda"] = "cpu"
    """Where training computes."""
    threads: Whole = 0
    """Threads; 0 takes what a short warm-up finds fastest."""

    def configs(self) -> tuple[ModelConfig, TrainingConfig]:
        """Return model and training configuration; raises OptionError for a value that is not allowed."""
        if self.steps is not None and self.minutes is not None:
            raise OptionError(f"--steps {self.steps} and --minutes {self.minutes}: give one of the two")
        units = ModelConfig.units if self.units is None else self.units
        model = ModelConfig(
            self.cell,
            units,
            self.layers,
            dropout=self.dropout,
            embedding_dropout=self.embedding_dropout,
            tied=self.tied,
            softmax=self.softmax,
            forget_bias=self.forget_bias,
            input_gate_bias=self.input_gate_bias,
            output_gate_bias=self.output_gate_bias,
            orthogonal=self.orthogonal,
            zoneout=self.zoneout,
            zoneout_cell=self.zoneout_cell,
            variational_dropout=self.variational_dropout,
            weight_drop=self.weight_drop,
            heads=self.heads,
        )
        training = TrainingConfig(
            self.steps,
            self.minutes,
            self.seed,
            self.batch_size,
            truncation=self.truncation,
            learning_rate=self.learning_rate,
            l1=self.l1,
            l1_signals=self.l1_signals or TrainingConfig.l1_signals,
            precision=self.precision,
            device=self.device,
            threads=self.threads,
        )
        return model, training


Json = Annotated[str | None, arg(metavar="FILE", help_behavior_hint="")]
Out = Annotated[Path, arg(metavar="FOLDER")]


@dataclass(frozen=True)
class Output:
    """Where things go."""

    out: Out = Path("looks/mine")
    """Holds runs/, recordings/, results/ and the report."""
    json: Json = None
    """Write the main numbers here as JSON too; - for standard output."""


@dataclass(frozen=True)
class RunChoice:
    """Which networks, and where they lie."""

    out: Out = Path("looks/mine")
    """The folder that naibu train was given."""
    run: MaybeName = None
    """A network under runs/, tagged-200 for example; all of them when not given."""
    json: Json = None
    """Write what was done here as JSON too; - for standard output."""

    def places(self) -> list[Places]:
        """Return the runs asked for; raises OptionError naming those that exist."""
        from naibu.looking.places import Places
        from naibu.runs import list_runs

        runs = list_runs(self.out)
        chosen = [run for run in runs if self.run in (None, run.name)]
        if not chosen:
            raise OptionError(f"--run {self.run}: not one of {', '.join(run.name for run in runs)} under {self.out}")
        return [Places(self.out, run) for run in chosen]


@dataclass(frozen=True)
class Look:
    """Train on a corpus, look inside, and write a report that shows which unit learnt what.

    All five steps in order: train, record, probe, intervene, report. Everything lies under --out: runs/,
    recordings/, results/, report.html to look at, summary.json for scripts. Stop it with Ctrl-C whenever you like;
    the same command goes on from there, and shows at once what is there when all is done.

    $ naibu look standard-library
    $ naibu look treebank.mrg --form tagged --units 200 --minutes 10 --out looks/mine
    $ naibu look train.mrg --test test.mrg --category VP --out looks/other
    """

    corpus: OmitArgPrefixes[CorpusOptions]
    form: Annotated[UseAppendAction[tuple[Form, ...]], arg(metavar=ONE_FORM, help_behavior_hint="")] = ()
    """What of a sentence is learnt; repeat it for more networks. Without it: brackets and tagged, or characters."""
    network: OmitArgPrefixes[NetworkOptions] = field(default_factory=NetworkOptions)
    output: OmitArgPrefixes[Output] = field(default_factory=Output)

    def asked(self) -> Asked:
        """Return what is asked for; raises OptionError for a value that is not allowed."""
        from naibu.looking.asked import Look as Asked

        model, training = self.network.configs()
        options, units = self.corpus.keywords(), self.network.units
        return Asked(self.corpus.corpus, options, self.form, model, training, units, self.output.out)

    def execute(self, console: Console, typed: str) -> Any:
        """Do all five steps and print the table; print it at once where they are done."""
        from rich.table import Table
        from rich.text import Text

        from naibu.looking.asked import summary_if_finished

        asked, out = self.asked(), self.output.out
        summary = summary_if_finished(asked)
        if summary is None:
            from naibu.looking.look import look

            look(asked, console, command=typed, workers=0)
            summary = read_json(out / "summary.json", "the main numbers")
        table = Table("", title=Text(summary["title"]), title_justify="left")
        for name in summary["table"]["columns"]:
            table.add_column(Text(name), overflow="fold")
        for row in summary["table"]["rows"]:
            table.add_row(*(Text(cell) for cell in row))
        console.print(table)
        say(console, "Report", out / "report.html")
        return summary


@dataclass(frozen=True)
class Train:
    """Train a language model on a corpus; the first of the five steps.

    Leaves runs/FORM-UNITS/ under --out: configuration, weights (safetensors), metrics. Stop it with Ctrl-C
    whenever you like: the same command goes on from there, and ends with the same weights.

    $ naibu train treebank.mrg --form tagged --units 200 --minutes 10 --out looks/mine
    $ naibu record --out looks/mine
    """

    corpus: OmitArgPrefixes[CorpusOptions]
    form: Annotated[Form | None, arg(metavar=ONE_FORM, help_behavior_hint="")] = None
    """What of a sentence is learnt; when not given, tagged for trees, characters for plain text."""
    network: OmitArgPrefixes[NetworkOptions] = field(default_factory=NetworkOptions)
    output: OmitArgPrefixes[Output] = field(default_factory=Output)

    def execute(self, console: Console, typed: str) -> Any:
        """Train, and print how it went."""
        forms = () if self.form is None else (self.form,)
        asked = Look(self.corpus, forms, self.network, self.output).asked()
        form = asked.forms_or_default()[-1]
        from naibu.looking.look import trained

        run = trained(asked, form, console)[0].run
        say(console, "Run", run.path)
        return {"run": str(run.path), **run.summary()}


@dataclass(frozen=True)
class Record:
    """Record what happens inside trained networks: every gate, cell and output of every unit at every symbol.

    Starts from runs/ under --out. Leaves recordings/RUN/, and recordings/RUN-untrained/ for comparison: plain .npy
    files, one row a symbol.

    $ naibu record --out looks/mine
    $ naibu record --out looks/mine --run tagged-200 --label depth:NP --label inside:SBAR
    """

    network: OmitArgPrefixes[RunChoice] = field(default_factory=RunChoice)
    keep: UseAppendAction[tuple[Signal, ...]] = ()
    """A signal to keep; all when not given."""
    label: Annotated[UseAppendAction[tuple[str, ...]], arg(metavar="NAME")] = ()
    """A label to carry besides the usual ones, depth:NP or inside:SBAR for example."""
    train_tokens: Whole = 100_000
    """Symbols of training sequences to record; probes are fitted on them."""
    test_tokens: Whole = 150_000
    """Symbols of test sequences to record; probes are scored on them."""
    dtype: Literal["float16", "float32"] = "float16"
    """How values are stored."""

    def execute(self, console: Console, typed: str) -> Any:
        """Record every run asked for."""
        for option, value in (("--train-tokens", self.train_tokens), ("--test-tokens", self.test_tokens)):
            if value < 1:
                raise OptionError(f"{option} {value}: must be at least 1")
        from naibu.looking.look import write_facts
        from naibu.looking.steps import record_run

        recorded = []
        for places in self.network.places():
            corpus = places.corpus()
            write_facts(places, corpus)
            record_run(
                places,
                corpus,
                keep=self.keep,
                labels=self.label,
                train_tokens=self.train_tokens,
                test_tokens=self.test_tokens,
                dtype=self.dtype,
            )
            say(console, "Recording", places.recording)
            recorded.append(str(places.recording))
        return recorded


@dataclass(frozen=True)
class Probe:
    """Find what the units of recorded networks have learnt: correlations, overlaps, regressions, with controls.

    Starts from recordings/ under --out. Leaves results/RUN/: a .csv of every probe to read, a .json to load again.

    $ naibu probe --out looks/mine
    $ naibu probe --out looks/mine --label depth:VP
    $ naibu probe --out looks/mine --parts "VB*" "NN*" --word that
    """

    network: OmitArgPrefixes[RunChoice] = field(default_factory=RunChoice)
    label: MaybeName = None
    """Only the correlation of every unit with this label of the recording; all probes when not given."""
    parts: MaybePair = None
    """Only telling these two parts of speech apart, VB and NN when not given; VB* is every name that begins with VB."""
    word: MaybeName = None
    """Only the tokens of this word by part of speech, with their nearest neighbours; "that" when not given."""

    def execute(self, console: Console, typed: str) -> Any:
        """Probe every run asked for."""
        from naibu.looking.probing import probe_run

        places = self.network.places()
        for each in places:
            probe_run(each, label=self.label, parts=self.parts, word=self.word, workers=0)
            say(console, "Results", each.results)
        return [str(path) for each in places for path in sorted(each.results.glob("*.csv"))]


@dataclass(frozen=True)
class Intervene:
    """Hold a unit still on the test sequences and see what the network can no longer do.

    Starts from runs/, recordings/ and results/ under --out; holds random units too, for comparison. Leaves
    results/RUN/holding.csv and holding.json, with --ternary in their place ternary.csv and ternary.json.

    $ naibu intervene --out looks/mine
    $ naibu intervene --out looks/mine --run tagged-200 --unit 17 --signal cell
    $ naibu intervene --out looks/mine --run tagged-200 --ternary
    """

    network: OmitArgPrefixes[RunChoice] = field(default_factory=RunChoice)
    unit: MaybeWhole = None
    """The unit to hold, counted from 0; the one that follows depth best when not given."""
    signal: Annotated[
        Signal | None,
        arg(
            metavar="SIGNAL",
            help_behavior_hint="",
        ),
    ] = None
    """The signal in which it is held; cell when not given (hidden where there is no cell)."""
    draws: Whole = 10
    """How many random units to hold beside it, one at a time."""
    ternary: Switch = False
    """In place of holding a unit, round the update (i * g) to -1, 0, 1 at every step, and see what that costs."""

    def execute(self, console: Console, typed: str) -> Any:
        """Intervene in every run asked for, and print the table."""
        if self.draws < 0:
            raise OptionError(f"--draws {self.draws}: must be 0 or more")
        from naibu.looking.report import holding_table
        from naibu.looking.rounding import ternary_run, ternary_table
        from naibu.looking.steps import intervene_run

        if self.ternary and (self.unit is not None or self.signal is not None):
            raise OptionError("--ternary: rounds the update of every unit; give no --unit and no --signal")
        rows = []
        for places in self.network.places():
            if self.ternary:
                rounded = ternary_run(places, places.corpus())
                console.print(ternary_table(rounded))
                rows += rounded.rows()
                continue
            found = intervene_run(places, places.corpus(), unit=self.unit, signal=self.signal, draws=self.draws)
            console.print(holding_table(found))
            rows += found.rows()
        return rows


@dataclass(frozen=True)
class MakeReport:
    """Write the page and the main numbers from the results under --out; the last of the five steps.

    Leaves report.html (one file, no network needed) and summary.json (for scripts), and prints the main numbers.
    What was not probed is left out.

    $ naibu report --out looks/mine
    """

    output: OmitArgPrefixes[Output] = field(default_factory=Output)

    def execute(self, console: Console, typed: str) -> Any:
        """Write the report and print the table."""
        from naibu.looking.report import make_report
        from naibu.reporting import summary_table

        out = self.output.out
        console.print(summary_table(make_report(out, command=typed)))
        say(console, "Report", out / "report.html")
        return read_json(out / "summary.json", "the main numbers")


@dataclass(frozen=True)
class Colour:
    """Read a text through a trained network and colour every symbol by the value of one unit.

    Any text: --text or --file, read as the network's corpus was; without either, test text from recordings/. Any unit
    and signal; without --unit, the one that naibu probe named for --label (inside_string for example), or for the label
    told best. Vermillion above 0, blue below, green for gates; underlined where the label holds. Without colours (in a
    file, a pipe, with NO_COLOR) a digit stands below each symbol. --html writes a page where the unit can be switched.

    $ naibu colour --out looks/mine
    $ naibu colour --out looks/mine --run characters-200 --unit 17 --signal cell --text 'if (a[1] == "b"):'
    $ naibu colour --out looks/mine --label inside_string --file setup.py --html setup.html
    """

    network: OmitArgPrefixes[RunChoice] = field(default_factory=RunChoice)
    unit: MaybeWhole = None
    """The unit, counted from 0; when not given, the one that was found for the label."""
    signal: Annotated[Signal | None, arg(metavar="SIGNAL", help_behavior_hint="")] = None
    """Its signal; with --unit cell when not given (hidden where there is no cell)."""
    layer: MaybeName = None
    """Its layer, lstm.0 for example; with --unit the uppermost when not given."""
    label: MaybeName = None
    """A label of the text: its unit is shown, its places are underlined."""
    text: Annotated[str | None, arg(metavar="TEXT", help_behavior_hint="")] = None
    """The text to read; trees or source code where the network learnt those."""
    file: Annotated[str | None, arg(metavar="FILE", help_behavior_hint="")] = None
    """A file to read; - for standard input."""
    symbols: Whole = 2_000
    """Symbols shown at most."""
    html: MaybePath = None
    """Write a page, too, on which the named cells can be chosen."""

    def execute(self, console: Console, typed: str) -> Any:
        """Read the text through every run asked for, print it coloured, and return the values."""
        from naibu.looking.colour import Asked, colour_run, print_run

        asked = Asked(
            self.unit, self.signal, self.layer, self.label, self.text, self.file, self.symbols, self.html is not None
        )
        places = self.network.places()
        if len(places) > 1 and (self.html is not None or self.file == "-"):
            raise OptionError(f"--run: say which, one of {', '.join(each.run.name for each in places)}")
        rows = []
        for each in places:
            found = colour_run(each, asked)
            rows += print_run(console, each, found)
            if self.html is not None:
                from naibu.reporting.page import write_reading

                write_reading(found.passages, each.run.corpus["form"], f"Inside {each.run.name}", self.html)
                say(console, "Page", self.html)
        return rows


@dataclass(frozen=True)
class Gradients:
    """Measure how the gradient travels back through time: its norm against the lag, and clipping at work.

    Without RUN, trains a network of each of --cells on Python's standard library (form tagged), alike in all but the
    cell; with RUN, measures those that are there, on their own test sequences. Both before and after training, with
    the bound on Elman networks. Leaves gradients.csv and gradients.png under --out, with --clipping in their place
    clipping.csv and clipping.png: an Elman network whose gradient explodes. Under 3 minutes on 2 cores; Ctrl-C loses
    no training, the same command goes on.

    $ naibu gradients
    $ naibu gradients --cells rnn,lstm --units 50 --lags 200 --wrt carousel
    $ naibu gradients looks/mine/runs/tagged-200 --out looks/mine/gradients
    $ naibu gradients --clipping
    """

    runs: Annotated[Positional[tuple[str, ...]], arg(metavar="[RUN ...]", help_behavior_hint="")] = ()
    """Folders of trained networks, looks/mine/runs/tagged-200 for example."""
    cells: Annotated[str | None, arg(metavar="NAME,NAME", help_behavior_hint="")] = None
    """Cells to train, named as for naibu train; rnn, lstm without and with forget gate, gru when not given."""
    units: Whole = 100
    """Hidden units of the networks to train; norms are exact up to 128, estimated beyond."""
    steps: Whole = 600
    """Steps of training for each; the same number for all cells."""
    lags: Whole = 100
    """The longest lag."""
    wrt: UseAppendAction[tuple[Literal["hidden", "state", "cell", "carousel"], ...]] = ()
    """Derivative of what at T by the same at t; repeat it for more. All but state when not given."""
    norm: Annotated[
        Literal["spectral", "frobenius"] | None, arg(metavar="{spectral,frobenius}", help_behavior_hint="")
    ] = None
    """Which norm; spectral when not given, frobenius beyond 128 units, where it is estimated with 64 random vectors."""
    sequences: Whole = 24
    """Test sequences at most; the norm is their median, with an interval over them."""
    seed: Whole = 1
    """Seed of weights, batches, sequences and random vectors."""
    clipping: Switch = False
    """Show clipping at work instead: the gradient's norm and the loss with and without it."""
    out: Out = Path("looks/gradients")
    """Holds runs/, the tables and the pictures."""
    json: Json = None
    """Write the rows here as JSON too; - for standard output."""

    def execute(self, console: Console, typed: str) -> Any:
        """Train what is to be trained, measure, and print the table."""
        from naibu.looking import gradients as look

        if self.clipping and (self.runs or self.cells):
            raise OptionError("--clipping: trains an Elman network of its own; leave RUN and --cells out")
        default = () if self.runs else look.CELLS_SHOWN
        cells = default if self.cells is None else tuple(self.cells.split(","))
        asked = look.Asked(
            self.runs,
            cells,
            self.units,
            self.steps,
            self.lags,
            self.wrt,
            self.norm,
            self.sequences,
            self.seed,
            self.out,
        )
        if self.clipping:
            runs = look.measure_clipping(asked, console)
            console.print(look.clipping_table(runs))
            say(console, "Picture", self.out / "clipping.png")
            return [row for run in runs for row in run.rows()]
        curves = look.measure_gradients(asked, console)
        console.print(look.gradients_table(curves))
        say(console, "Picture", self.out / "gradients.png")
        return [row for curve in curves for row in curve.rows()]


@dataclass(frozen=True)
class Bench:
    """Measure speed against named peers, and what recording costs, in time and in memory.

    layers: LSTM, GRU and RNN against torch's, its cell in a loop, and onnxruntime and JAX where they are installed;
    running, recording every signal, training; at most 10 minutes.
    language-model: a training step of the whole model against plain PyTorch's; as long.
    growth: how the cost grows with the steps of a sequence and with the signals kept; two minutes.
    recording: how many times its own forward pass a torch layer takes when all of it is kept, on disk and in memory;
    a minute.
    online: the LSTM of 1997 learning on-line, 16 trials side by side, on the paper's tasks, against loops in PyTorch;
    two minutes.
    probes: the L1 path, regressions, correlation and other probes against scikit-learn, numpy and scipy doing the same,
    time, memory and objective; 100,000 rows of 200 units, and 1 million of 1,000 where peers are given a part; half an
    hour, and 6 GB of disk meanwhile.
    memory: the most memory that recording and each probe hold on 5 million positions of 200 units; minutes, and
    4 GB of disk meanwhile.
    all: all of these, one after the other (with --quick all but probes and memory).

    Everything is measured in rounds by turns, beside the machine's own speed in products of matrices (sgemm): the
    limit says what share of it is reached. While other programs use more than 8 % of the machine the ratios are
    worth little; such rounds are repeated, and what is left of them is marked.

    $ naibu bench
    $ naibu bench layers --cells lstm --hidden 200 --batch 1 --batch 32 --quick
    $ naibu bench language-model --json language-model.json --markdown language-model.md
    $ naibu bench probes --rows 20000 --hidden 100
    """

    what: Annotated[
        Positional[Literal["all", "layers", "language-model", "growth", "recording", "online", "probes", "memory"]],
        arg(metavar="{all,layers,language-model,growth,recording,online,probes,memory}"),
    ] = "all"
    """What to measure."""
    hidden: Annotated[UseAppendAction[tuple[int, ...]], arg(metavar="N", help_behavior_hint="")] = ()
    """Hidden units; repeat it for more. Without it 100, 200 and 1000 (growth: 200; probes: 200 and 1000)."""
    batch: Annotated[UseAppendAction[tuple[int, ...]], arg(metavar="N", help_behavior_hint="")] = ()
    """Sequences side by side; repeat it for more. Without it 1, 8, 32 and 128 (quick: 1 and 32; growth: 32)."""
    cells: Annotated[
        UseAppendAction[tuple[Literal["lstm", "gru", "rnn"], ...]],
        arg(metavar="{lstm,gru,rnn}", help_behavior_hint=""),
    ] = ()
    """The cell; repeat it for more. Without it all three (language-model: lstm)."""
    vocabulary: Annotated[UseAppendAction[tuple[int, ...]], arg(metavar="N", help_behavior_hint="")] = ()
    """Symbols of the language model; repeat it for more. Without it 5, 160 and 10,000."""
    steps: MaybeWhole = None
    """Steps of a sequence; when not given 64, 35 from 500 hidden units on."""
    rows: Annotated[UseAppendAction[tuple[int, ...]], arg(metavar="N", help_behavior_hint="")] = ()
    """Training rows of the recording that is probed; repeat it for more. Without it 100,000 and 1,000,000."""
    quick: Switch = False
    """Fewer sizes and rounds: two minutes each."""
    threads: Whole = 0
    """Threads; 0 takes the framework's own number."""
    json: Json = None
    """Write the rows here as JSON too; - for standard output."""
    markdown: MaybePath = None
    """Write the tables here in markdown too."""

    def execute(self, console: Console, typed: str) -> Any:
        """Measure, and print the tables."""
        if self.threads < 0:
            raise OptionError(f"--threads {self.threads}: must be 0 (the framework's own) or more")
        from naibu.bench.run import run
        from naibu.bench.sizes import Sizes
        from naibu.training.threads import threads

        sizes = Sizes(self.hidden, self.batch, self.cells, self.vocabulary, self.steps, self.quick, self.rows)
        try:
            with threads(self.threads):
                return run(self.what, sizes, console, self.markdown)
        except KeyboardInterrupt:
            raise KeyboardInterrupt("stopped; what was measured is above, the same command begins anew") from None


@dataclass(frozen=True)
class PaperOptions:
    """Which rows of hochreiter1997, and where to depart from its literal reading."""

    experiment: Annotated[str | None, arg(metavar="NAME", help_behavior_hint="")] = None
    """One experiment (1, 2a, 2b, 2c, 3a, 3b, 3c, 4, 5, 6a, 6b, continual), departures or remedies; 2 is all of 2."""
    lag: MaybeWhole = None
    """Only the rows with this time lag."""
    trials: MaybeWhole = None
    """Trials of each row, in place of the paper's number (or that of --quick)."""
    seed: Whole = 1
    """Seed of weights and sequences; trial k is the same however many there are."""
    gradient: Literal["truncated", "full"] = "truncated"
    """The gradient of the LSTM; the paper's is truncated."""
    output_bias: Switch = False
    """Give the outputs biases where the paper's count of weights has none."""
    no_output_derivative: Switch = False
    """Leave f'(net k) out of the outputs' errors (equation 19)."""
    ranges: Literal["text", "table10"] = "text"
    """g in [-2, 2] and h in [-1, 1] as the text has it, or exchanged, as table 10 has it."""
    update: Literal["sequence", "step"] = "sequence"
    """When weights change: after every sequence, or at every step."""


@dataclass(frozen=True)
class StudyOptions:
    """The corpus of mochihashi2019, and how large its networks are."""

    test: MaybePath = None
    """A file or folder to score on, in place of a tenth of the corpus."""
    reader: Annotated[Reader | None, arg(metavar=ONE_READER, help_behavior_hint="")] = None
    """How to read the files; found from their content when not given."""
    category: MaybeName = None
    """The phrase to probe, IP for example; when not given VP, or the one that half the text is inside."""
    vocabulary: Whole = 10_000
    """Symbols at most; rarer ones become <unk>."""
    longest: MaybeWhole = None
    """Leave out sequences with more symbols; 300 for source code when not given, 0 for no limit."""
    function_tags: Switch = False
    """Keep function tags: NP-SBJ and NP are two categories then."""
    full: Switch = False
    """The document's own sizes, 1000 units and two rates of dropout, for a GPU."""


@dataclass(frozen=True)
class Papers:
    """Run a paper's experiments and set the obtained figures beside the published ones.

    Without a name, lists the papers there are. What is finished stays under --out/NAME; Ctrl-C loses at most what is
    under way, and the same command goes on.

    hochreiter1997: every table of Long Short-Term Memory by the paper's own algorithm, success rates and ratios of
    means with intervals, the methods it was compared with, and today's LSTM. Leaves report.html (tables, learning
    curves, the Reber grammar, cells and gates of solved trials) and tables.md. --quick takes minutes; the full version
    hours. Its options choose rows, or depart from the literal reading.

    mochihashi2019: the five types of text of How LSTM Encodes Syntax, on a treebank or source code of yours, or on
    Python's standard library: trained, recorded, probed and held, published beside obtained. Leaves study.html and
    study.md in a folder of the corpus's name. And its future work, an L1 term until a network counts in whole numbers.

    variants: every recurrent cell, with as many parameters as the LSTM, on brackets and on text of Python's standard
    library; three trainings each, with intervals. Leaves table.md and loss.png.

    $ naibu papers
    $ naibu papers hochreiter1997 --quick
    $ naibu papers hochreiter1997 --experiment 4 --lag 1000 --trials 10 --seed 3
    $ naibu papers mochihashi2019 --quick
    $ naibu papers mochihashi2019 train.mrg --test test.mrg --category VP
    $ naibu papers variants --workers 2 --json variants.json
    """

    name: Annotated[Positional[str | None], arg(metavar="[NAME]", help_behavior_hint="")] = None
    """Which paper; lists them when not given."""
    treebank: Annotated[Positional[str | None], arg(metavar="[TREEBANK]", help_behavior_hint="")] = None
    """Of mochihashi2019: treebank or source code, as for naibu look; when not given, Python's standard library."""
    quick: Switch = False
    """A smaller version of every experiment, to see that it runs."""
    workers: Whole = 2
    """Processes side by side, one thread each, where the work can be divided."""
    out: Out = Path("papers")
    """Where the finished rows lie."""
    json: Json = None
    """Write the rows here as JSON too; - for standard output."""
    hochreiter1997: OmitArgPrefixes[PaperOptions] = field(default_factory=PaperOptions)
    mochihashi2019: OmitArgPrefixes[StudyOptions] = field(default_factory=StudyOptions)

    def execute(self, console: Console, typed: str) -> Any:
        """Run the experiments of a paper, or list the papers."""
        from naibu.papers.catalogue import PAPERS

        if self.name is not None and self.name not in PAPERS:
            raise OptionError(f"{self.name}: no paper of that name; those here are {', '.join(PAPERS)}")
        if self.workers < 1:
            raise OptionError(f"--workers {self.workers}: must be at least 1")
        asked = self._asked()
        if self.name is None:
            for name, paper in PAPERS.items():
                console.print(f"{name}  {paper.title}", markup=False, soft_wrap=True)
            return {name: paper.title for name, paper in PAPERS.items()}
        paper, folder = PAPERS[self.name], self.out / self.name
        from naibu.papers.runner import run

        how = paper.reproduction() if paper.chosen is None else paper.chosen(asked)
        rows, left = run(how, folder, paper.title, quick=self.quick, workers=self.workers)
        for table in left.tables:
            console.print(table)
        if left.note:
            console.print(left.note, markup=False, highlight=False)
        for what, path in left.files.items():
            say(console, what, path)
        return [asdict(row) for row in rows]

    def _asked(self) -> Any:
        """Return the options of the paper named. Raises OptionError where another paper's were given."""
        from naibu.papers.hochreiter1997 import asked as hochreiter1997
        from naibu.papers.mochihashi2019 import asked as mochihashi2019

        table = hochreiter1997.Asked(**asdict(self.hochreiter1997))
        study = mochihashi2019.Asked(self.treebank, **asdict(self.mochihashi2019))
        given = {"hochreiter1997": hochreiter1997.given(table), "mochihashi2019": mochihashi2019.given(study)}
        for owner, typed in given.items():
            if typed and owner != self.name:
                other = "no paper was named" if self.name is None else f"{self.name} does not take it"
                raise OptionError(f"{typed[0]}: {other}; {owner} takes it")
        return study if self.name == "mochihashi2019" else table


COMMANDS: dict[str, Any] = {
    "look": Look,
    "train": Train,
    "record": Record,
    "probe": Probe,
    "intervene": Intervene,
    "report": MakeReport,
    "colour": Colour,
    "gradients": Gradients,
    "bench": Bench,
    "papers": Papers,
}


def say(console: Console, what: str, path: Path) -> None:
    """Print where something lies; a folder named [b] is no markup, and a long path stays on one line."""
    console.print(f"{what}: {path}", markup=False, highlight=False, soft_wrap=True)
