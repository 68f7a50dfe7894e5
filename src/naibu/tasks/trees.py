"""The task `trees`: the next symbol of nested text, of treebanks, source code, S-expressions, in one of their forms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from naibu.config import ModelConfig, TrainingConfig
from naibu.data import builtin, detect
from naibu.data.corpus import Corpus, open_corpus
from naibu.data.examples import Data, Examples
from naibu.data.order import ByLength
from naibu.errors import CorpusError
from naibu.models.language_model import LanguageModel
from naibu.tasks.task import Measure, usual_measures

FormName = Literal["brackets", "tagged", "brackets+words", "tagged+words", "words", "characters"]
ReaderName = Literal["penn", "lisp", "python", "text", "indentation"]
UNITS = {"brackets": 100, "tagged": 200, "characters": 200}
"""Units of a network by form, where none are asked for; 300 for forms with words."""
MINUTES = {"brackets": 1.0, "tagged": 1.5}
"""Minutes of training on what every machine has, so that a newcomer need not wait; elsewhere 5."""


@dataclass(frozen=True)
class TreesOptions:
    """The text to learn."""

    corpus: str
    """Treebank, source code or plain text: a file, folder, .gz, .tar.gz or .zip; or standard-library, Python's own."""
    form: FormName | None = None
    """What of a sentence is learnt; when not given, tagged for trees, characters for plain text."""
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

    @property
    def builtin(self) -> bool:
        """Whether the corpus is what every machine has."""
        return self.corpus == builtin.NAME and not Path(self.corpus).exists()

    def forms(self) -> tuple[str, ...]:
        """Return the form asked for, or those that suit the corpus, the one to train alone last."""
        if self.form is not None:
            return (self.form,)
        kind = "python" if self.builtin else detect.choose(Path(self.corpus), self.reader, "tagged").reader
        return ("characters",) if kind == "text" else ("brackets", "tagged")


class Trees:
    """Nested text, symbol by symbol."""

    name = "trees"
    about = "asked for the next symbol of a text whose brackets show its structure, or hide it"
    options = TreesOptions
    model = ModelConfig

    def fits(self, path: Path) -> bool:
        """Return whether this is a treebank, S-expressions or source code; plain text only where nothing else fits."""
        if str(path) == builtin.NAME and not path.exists():
            return True
        try:
            return detect.choose(path, None, "tagged").reader != "text"
        except CorpusError:
            return False

    def open(self, options: TreesOptions) -> Corpus:
        """Return the corpus; see `open_corpus` for what it raises."""
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
        if training.minutes is None and training.steps is None and data.options["corpus"] == builtin.NAME:
            training = replace(training, minutes=MINUTES.get(form, 5.0))
        return model, training

    def build(self, sizes: Mapping[str, int], config: ModelConfig) -> LanguageModel:
        """Return a language model."""
        return LanguageModel(sizes["input"], config)

    def order(self, examples: Examples, config: TrainingConfig) -> ByLength:
        """Return the sequences by length; the last symbol of each is read by nobody."""
        return ByLength(examples, config.batch_size, config.batch_tokens, config.truncation, unread=1)

    def measures(self, examples: Examples) -> tuple[Measure, ...]:
        """Return loss, accuracy and, where sentences end in a mark, recall and precision of the end."""
        return usual_measures(examples)
