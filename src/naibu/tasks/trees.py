"""The task `trees`: the next symbol of nested text, of treebanks, source code, S-expressions, in one of their forms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from naibu.config import ModelConfig, TrainingConfig
from naibu.data import builtin, detect
from naibu.data.corpus import Corpus, open_corpus
from naibu.data.examples import Data, Examples
from naibu.data.typed import TreeCoder
from naibu.data.vocabulary import Vocabulary
from naibu.errors import CorpusError, OptionError
from naibu.tasks.task import Task

if TYPE_CHECKING:
    from naibu.data.order import ByLength
    from naibu.data.sequences import Sequences
    from naibu.models.language_model import LanguageModel

FormName = Literal["brackets", "tagged", "brackets+words", "tagged+words", "words", "characters"]
ReaderName = Literal["penn", "lisp", "python", "text", "indentation"]
UNITS = {"brackets": 100, "tagged": 200, "characters": 200}
"""Units of a network by form, where none are asked for; 300 for forms with words."""
STEPS = {"brackets": 4_000, "tagged": 2_500}
"""Steps of training on what every machine has: half a minute and one on two cores, the same network for all."""
THREADS = 2
"""Threads of that training: as many everywhere, for sums are rounded by how they are shared out."""


@dataclass(frozen=True)
class TreesOptions:
    """The text to learn."""

    corpus: Path
    """Treebank, source code or plain text: a file, folder, .gz, .tar.gz or .zip; or standard-library, Python's own."""
    _: KW_ONLY
    form: tuple[FormName, ...] = ()
    """What of a sentence is learnt, tagged or, of plain text, characters when not given; a look takes it repeatedly."""
    test: Path | None = None
    """A file or folder to score on, in place of a tenth of the corpus."""
    reader: ReaderName | None = None
    """How to read the files; found from their content when not given. indentation: Python by its indented blocks."""
    category: str | None = None
    """The phrase to probe, VP for example; when not given VP, or the one that half the text is inside."""
    vocabulary: int = 10_000
    """Symbols at most; rarer ones become <unk>."""
    longest: int | None = None
    """Leave out sequences with more symbols; 300 for source code when not given, 0 for no limit."""
    split_seed: int = 1
    """Seed of the division into training, validation and test."""
    function_tags: bool = False
    """Keep function tags: NP-SBJ and NP are two categories then."""
    traces: bool = False
    """Keep traces and other empty elements: (-NONE- *T*)."""
    labels: Path | None = None
    """A file of your own labels: tab-separated columns, one line a symbol, a header line."""

    def __post_init__(self) -> None:
        for name in ("corpus", "test", "labels"):  # text when read from a file
            if isinstance(value := getattr(self, name), str):
                object.__setattr__(self, name, Path(value))
        form: Any = self.form
        object.__setattr__(self, "form", (form,) if isinstance(form, str) else tuple(form))

    @property
    def builtin(self) -> bool:
        """Whether the corpus is what every machine has."""
        return str(self.corpus) == builtin.NAME and not self.corpus.exists()

    def forms(self) -> tuple[FormName, ...]:
        """Return the forms asked for, or those that suit the corpus, the one to train alone last."""
        if self.form:
            return tuple(dict.fromkeys(self.form))
        kind = "python" if self.builtin else detect.choose(self.corpus, self.reader, "tagged").reader
        return ("characters",) if kind == "text" else ("brackets", "tagged")


class Trees(Task):
    """Nested text, symbol by symbol."""

    name = "trees"
    about = "asked for the next symbol of a text whose brackets show its structure, or hide it"
    options = TreesOptions
    several = "form"
    examples = ("standard-library", "treebank.mrg --form tagged --units 200 --minutes 10")

    def each(self, options: TreesOptions) -> dict[str, TreesOptions]:
        """Return the options of every form."""
        return {form: replace(options, form=(form,)) for form in options.forms()}

    def fits(self, path: Path) -> bool:
        """Return whether this is a treebank, S-expressions or source code; plain text only where nothing else fits."""
        if str(path) == builtin.NAME and not path.exists():
            return True
        try:
            return detect.choose(path, None, "tagged").reader != "text"
        except CorpusError:
            return False

    def open(self, options: TreesOptions) -> Corpus:
        """Return the corpus in its one form; OptionError for several forms, else see `open_corpus`."""
        if len(set(options.form)) > 1:
            raise OptionError(f"--form {' '.join(options.form)}: a network learns one; naibu look takes several")
        return open_corpus(
            options.corpus,
            form=options.forms()[-1],
            test=options.test,
            reader=options.reader,
            category=options.category,
            vocabulary=options.vocabulary,
            longest=options.longest,
            seed=options.split_seed,
            function_tags=options.function_tags,
            traces=options.traces,
            labels=options.labels,
        )

    def configured(
        self, data: Data, model: ModelConfig, training: TrainingConfig
    ) -> tuple[ModelConfig, TrainingConfig]:
        """Return the configurations with units by the form, and less time for what every machine has."""
        form = str(data.options["form"])
        if not model.units:
            model = replace(model, units=UNITS.get(form, 300))
        shared = data.options["corpus"] == builtin.NAME and form in STEPS
        if training.minutes is None and training.steps is None and shared:
            training = replace(training, steps=STEPS[form], threads=training.threads or THREADS)
        return model, training

    def symbols(self, folder: Path) -> tuple[str, ...]:
        """Return the symbols of a run's vocabulary. Raises CorpusError where it is missing or damaged."""
        return Vocabulary.load(folder / "vocabulary.txt").symbols

    def typed(self, text: str, options: Mapping[str, Any], folder: Path, found: Mapping[str, Any]) -> Sequences:
        """Return a text, trees or source code, read as the network's corpus was."""
        return TreeCoder.load(folder, found["reader"], options).encode(text)

    def build(self, sizes: Mapping[str, int], config: ModelConfig) -> LanguageModel:
        """Return a language model."""
        from naibu.models.language_model import LanguageModel

        return LanguageModel(sizes["input"], config)

    def order(self, examples: Examples, config: TrainingConfig) -> ByLength:
        """Return the sequences by length; the last symbol of each is read by nobody."""
        from naibu.data.order import by_length

        return by_length(examples, config, unread=1)
