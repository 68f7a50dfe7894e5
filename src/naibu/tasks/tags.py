"""The task `tags`: a tag of every word, or of every character: parts of speech, chunks, named entities."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from itertools import chain, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from naibu.config import DecayName, KeepName, ModelConfig, OptimiserName, TagsConfig, TrainingConfig
from naibu.config.tags import UNITS, WORDS
from naibu.data import files
from naibu.data.examples import Array, Data, Examples
from naibu.data.span_records import UnitName
from naibu.data.span_scores import class_scores, span_scores
from naibu.data.tag_coder import TagCoder
from naibu.data.tagged import Source, Tagged
from naibu.data.tagged_files import format_of, read_texts, with_column
from naibu.data.tags import SHARE, TagsData, open_tags
from naibu.data.token_table import TokenTable
from naibu.errors import CorpusError, OptionError
from naibu.progress import Report
from naibu.shown import Row
from naibu.tasks.task import Measure, Predicted, Task, Trained, Transitions, usual_measures

if TYPE_CHECKING:
    from naibu.data.order import ByLength
    from naibu.models.model import Model
    from naibu.models.tagger import Tagger

JUDGED = 20_000
"""Words of the validation part that are scored each time, at most."""
SCORED = 64
"""Sentences side by side where nothing is learnt."""
BEGINNING = 20_000
"""Characters of a file from which its format is told."""


@dataclass(frozen=True)
class TagsOptions:
    """The tagged text to learn."""

    files: tuple[Path, ...]
    """CoNLL-U, columns (a line a word, an empty line after a sentence) or JSON records with spans: files, folders."""
    _: KW_ONLY
    column: str | None = None
    """What is told of each word: upos, xpos, deprel, a key of feats (Number) or any column; when not given upos, the
    last column, the spans."""
    columns: tuple[str, ...] = ()
    """Names of columns that have none, word,pos,chunk for example; else they are numbers from 1."""
    word: str | None = None
    """The column that is read; form, word or token when not given, else the first."""
    features: tuple[str, ...] = ()
    """A column read beside the words, pos for example; repeat it for more."""
    level: UnitName | None = None
    """What is tagged of JSON records: characters, or words; by their blanks when not given."""
    validation: float | Path = SHARE
    """Validation text: a file, or a share, whole documents where there are ten; 0: training text judges itself."""
    test: float | Path | None = None
    """Test text, likewise; where it is 0, or not given and --validation is a file, the validation text is scored."""
    stray: Literal["repair", "refuse"] = "repair"
    """What becomes of a span that goes on without having begun: it begins there, and is counted; or it is an error."""
    scheme: Literal["IOB2", "BIOES"] = "IOB2"
    """How the network marks spans, whatever the files do."""
    lowercase: bool = True
    """Let words in capitals and small letters have one vector; letters are read as they are."""
    rare: int = 2
    """How often a word has to come in training to have a vector of its own."""
    vectors: Path | None = None
    """Vectors that words begin with: a file of word2vec, text or binary."""
    split_seed: int = 1
    """Seed of the division into parts."""

    def __post_init__(self) -> None:
        given: Any = self.files
        some = (given,) if isinstance(given, str | Path) else given
        object.__setattr__(self, "files", tuple(map(Path, some)))
        for name in ("columns", "features"):  # lists when read from a file; with commas when typed
            value: Any = getattr(self, name)
            listed = (value,) if isinstance(value, str) else value
            object.__setattr__(self, name, tuple(part for each in listed for part in each.split(",")))
        for name in ("validation", "test", "vectors"):
            if isinstance(value := getattr(self, name), str):
                object.__setattr__(self, name, Path(value))


@dataclass(frozen=True)
class TagsTraining(TrainingConfig):
    """How a network learns tags, as suits it."""

    batch_size: int = 32
    """Sentences in a batch, at most."""
    learning_rate: float = 4e-3
    """Learning rate at its highest."""
    optimiser: OptimiserName = "adamw"
    """What changes the weights; sgd is plain gradient descent, without momentum."""
    adam_beta2: float = 0.98
    """How slowly adam and adamw forget how large gradients were; .99 forgets ten times as fast."""
    weight_decay: float = 0.01
    """Share of a weight that is taken from it in a step, times the learning rate; 0 with adam."""
    warmup: int = 100
    """Steps over which the learning rate rises from 0."""
    patience: int = 0
    """Validations without a better loss after which training stops; 0 never stops."""
    keep: KeepName = "last"
    """Which weights are kept: those with the best validation loss, or those of the last validation. The loss of a
    network that is surer than it is right rises long before fewer tags are right."""
    decay: DecayName = "cosine"
    """How the learning rate falls: linear or cosine to a fiftieth at the last step; one-cycle, which rises over three
    tenths of the steps in place of --warmup, to a thousandth; none; or plateau, to a quarter after each validation that
    is not the best so far."""


@dataclass(frozen=True)
class TagsPrediction:
    """What is told of files."""

    name: str = "predicted"
    """What the new column is called where the format has names."""


class Tags(Task):
    """Words, each with a tag."""

    name = "tags"
    about = "asked for a tag of every word, read from both sides"
    options = TagsOptions
    model = TagsConfig
    training = TagsTraining
    prediction = TagsPrediction
    examples = ("en_ewt-ud-train.conllu --column upos", "chunks.txt --columns word,pos,chunk --features pos")

    def fits(self, path: Path) -> bool:
        """Return whether this is CoNLL-U, or JSON records with spans; columns look like any text."""
        try:
            text = files.text_of(next(iter(files.open_files(path))).read(), str(path))[:BEGINNING]
            return format_of(text) != "columns"
        except (CorpusError, StopIteration):
            return False

    def open(self, options: TagsOptions) -> TagsData:
        """Return tagged text in three parts; see `open_tags`."""
        return open_tags(
            options.files,
            column=options.column,
            columns=options.columns,
            word=options.word,
            features=options.features,
            level=options.level,
            validation=options.validation,
            test=options.test,
            stray=options.stray,
            scheme=options.scheme,
            lowercase=options.lowercase,
            rare=options.rare,
            vectors=options.vectors,
            seed=options.split_seed,
        )

    def configured(
        self, data: Data, model: ModelConfig, training: TrainingConfig
    ) -> tuple[ModelConfig, TrainingConfig]:
        """Return the configurations with units, and with vectors as large as those that are given."""
        own, training = super().configured(data, model, training)
        assert isinstance(own, TagsConfig)
        assert isinstance(data, TagsData)
        size = WORDS if data.vectors is None else data.vectors.size
        if data.vectors is not None and own.embedding not in (0, size):
            raise OptionError(f"--embedding {own.embedding}: must be {size}, as large as the vectors of --vectors")
        return replace(own, units=model.units or UNITS, embedding=own.embedding or size), training

    def build(self, sizes: Mapping[str, int], config: TagsConfig) -> Tagger:
        """Return a tagger."""
        from naibu.models.tagger import Tagger

        return Tagger(sizes, config)

    def order(self, examples: Examples, config: TrainingConfig) -> ByLength:
        """Return whole sentences by length."""
        from naibu.data.order import by_length

        return by_length(examples, replace(config, truncation=0))

    def judged(self, data: Data) -> int:
        """Return how many words of the validation part are scored each time, at most."""
        return JUDGED

    def symbols(self, folder: Path) -> tuple[str, ...]:
        """Return the words of a run."""
        return TagCoder.load(folder).words

    def measures(self, examples: Examples) -> tuple[Measure, ...]:
        """Return loss and accuracy, and of spans F1, precision and recall."""
        assert isinstance(examples, Tagged)
        spans = () if examples.source.coder.scheme is None else SPAN_MEASURES
        return (*usual_measures(examples), *spans)

    def transitions(self, model: Model, folder: Path) -> Transitions | None:
        """Return the scores of the conditional random field; None of a softmax."""
        from naibu.models.tagger import Tagger

        assert isinstance(model, Tagger)
        if model.config.decode != "crf":
            return None
        return Transitions(TagCoder.load(folder).tags, *(part.detach().numpy() for part in model.crf.weights()))

    def examples_of(self, files: Sequence[Path], options: Mapping[str, Any], folder: Path) -> Tagged:
        """Return other files in the numbers of a network."""
        tables = [table for _, table in read_for(files, options, folder)]
        source = Source.of(tables, TagCoder.load(folder), repair=options["stray"] == "repair")
        return Tagged(source, np.arange(len(source.starts) - 1))

    def evaluated(self, trained: Trained, examples: Examples, asked: Any, progress: Report) -> dict[str, Any]:
        """Return accuracy, and precision, recall and F1 of spans as conlleval has them, in all and by class.

        A tag that the network does not know is wrong, and counted: `unknown_tags`.
        """
        assert isinstance(examples, Tagged)
        source, coder = examples.source, examples.source.coder
        told, tokens = predicted_tags(trained.model, examples, progress), examples.tokens
        starts = np.concatenate([[0], np.cumsum(examples.lengths)])
        wanted, given = ([found[a:b] for a, b in pairwise(starts.tolist())]
                         for found in (source.gold(tokens), coder.spell(told, starts)))  # fmt: skip
        unknown = {"unknown_tags": int((source.tags[tokens] < 0).sum())}
        if coder.written is None:
            return class_scores(chain(*wanted), chain(*given)) | unknown
        return span_scores(wanted, given, coder.written) | unknown

    def told(self, scores: Mapping[str, Any]) -> dict[str, Any]:
        """Return scores as they are printed, what is told by class each in a row."""
        rows = super().told(scores)
        for name, found in scores.get("by_class", {}).items():
            there = found.get("spans", found.get("tokens"))
            rows[f"f1 of {name}"] = f"{found['f1']:.4f} ({found['precision']:.4f} of {found['told']:,} told, " \
                f"{found['recall']:.4f} of {there:,})"  # fmt: skip
        return rows

    def predict(self, trained: Trained, files: Sequence[Path], asked: TagsPrediction, progress: Report) -> TagsTold:
        """Return the tags of files, which are written back with a column more."""
        if not files:
            raise OptionError("FILE is missing: name what is to be tagged, naibu predict RUN FILE")
        coder, found = TagCoder.load(trained.folder), list[ToldFile]()
        for text, table in read_for(files, trained.options, trained.folder):
            source = Source.of([table], coder, tagged=False)
            examples = Tagged(source, np.arange(len(source.starts) - 1))
            told = predicted_tags(trained.model, examples, progress)
            found.append(ToldFile(text, table, coder.spell(told, source.starts)))
        return TagsTold(coder, asked.name, tuple(found))


@dataclass(frozen=True)
class ToldFile:
    """The text of a file, what was read of it, and the tags that were told, one a token."""

    text: str
    table: TokenTable
    tags: list[str]


@dataclass(frozen=True, repr=False)
class TagsTold(Predicted):
    """The tags that a network told of files."""

    coder: TagCoder
    name: str
    files: tuple[ToldFile, ...]

    def __repr__(self) -> str:
        return f"TagsTold({sum(len(file.tags) for file in self.files):,} tokens of {len(self.files)} files)"

    def rows(self) -> list[Row]:
        """Return a row for each token: the sentence, what was read, the tag."""
        found: list[Row] = []
        for file in self.files:
            words = file.table.column(self.coder.word)
            sentence = np.searchsorted(file.table.starts, np.arange(len(words)), side="right")
            for number, word, tag in zip(sentence.tolist(), words, file.tags, strict=True):
                found.append({"file": file.table.name, "sentence": number, "word": word, "tag": tag})
        return found

    def lines(self) -> Iterator[str]:
        """Yield the lines of the files, each with a column more."""
        for file in self.files:
            text = with_column(file.text, file.table, self.name, file.tags, self.coder.written)
            yield from text.removesuffix("\n").split("\n")


def read_for(paths: Sequence[Path], options: Mapping[str, Any], folder: Path) -> list[tuple[str, TokenTable]]:
    """Return the texts of files, folders or archives, and what is read of each as it was for a run, whose options and
    folder these are. Raises as `read_tables`."""
    coder = TagCoder.load(folder)
    level = coder.word if coder.format == "spans" else None
    asked = (coder.word, *coder.features)
    found = list[tuple[str, TokenTable]]()
    for path in paths:
        found += read_texts(path, columns=options["columns"], asked=asked, level=level, short=True)  # type: ignore[arg-type]
    return found


def predicted_tags(model: Model, examples: Tagged, progress: Report) -> Array:
    """Return the tag that a network tells of each token, int64 [token]."""
    import torch

    from naibu.models.model import evaluating

    found, lengths = np.zeros(int(examples.lengths.sum()), np.int64), examples.lengths
    starts, order, done = np.cumsum(lengths) - lengths, np.argsort(lengths, kind="stable"), 0
    with evaluating(model), torch.no_grad():
        for first in range(0, len(order), SCORED):
            which = order[first : first + SCORED]
            outcomes, _ = model.outcomes(examples.batch(which).to(model.device))
            told = outcomes["predicted"].cpu().numpy()
            for row, sentence in enumerate(which.tolist()):
                found[starts[sentence] : starts[sentence] + lengths[sentence]] = told[: lengths[sentence], row]
            done += int(lengths[which].sum())
            progress(done, len(found), "")
    return found


def _f1(found: Mapping[str, Array]) -> tuple[Array, Array]:
    return 2.0 * found["span_right"], (found["span_gold"] + found["span_told"]).astype(np.float64)


def _precision(found: Mapping[str, Array]) -> tuple[Array, Array]:
    return found["span_right"].astype(np.float64), found["span_told"].astype(np.float64)


def _recall(found: Mapping[str, Array]) -> tuple[Array, Array]:
    return found["span_right"].astype(np.float64), found["span_gold"].astype(np.float64)


SPAN_MEASURES = (
    Measure("f1", "F1 of spans", "more", True, _f1),
    Measure("precision", "precision of spans", "more", True, _precision),
    Measure("recall", "recall of spans", "more", True, _recall),
)
