"""Lines translated by a network of a run's folder, with units held if asked for, and where it looked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from naibu.cells.exchange import edited
from naibu.cells.units import HeldUnit, held_unit
from naibu.data.batch import Batch
from naibu.data.parallel import UNKNOWN, Sentences, source_batch
from naibu.data.parallel_coder import ParallelCoder
from naibu.errors import CorpusError, OptionError
from naibu.generation.forced import forced
from naibu.generation.options import PenaltyName, SearchOptions
from naibu.generation.sampling import Sampling
from naibu.generation.stepper import Stepper
from naibu.generation.translating import Drawn, Translated
from naibu.generation.translating import translate as translate_sentences
from naibu.generation.translation_stepper import TranslationStepper
from naibu.looking.beam_tree import Watched, tree_of
from naibu.models.model import Model
from naibu.models.translation import TranslationModel
from naibu.progress import Report, silent
from naibu.runs import Run, open_run
from naibu.runs.load import load
from naibu.training.threads import threads

SEARCH, SAMPLING = SearchOptions(), Sampling()
MOST = 1_000
"""Translations of a sentence that are given, at most."""
FEW = 8
"""Lines below which one thread is quicker than several."""
AT_ONCE = 4_000
"""Lines that are read before their translations are given."""


@dataclass(frozen=True)
class Asked:
    """What translations are wanted."""

    search: SearchOptions = SEARCH
    n_best: int = 1
    prefix: str = ""
    samples: int = 0  # drawn in place of those searched for; 0 searches
    sampling: Sampling = SAMPLING
    seed: int = 1
    hold: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 1 <= self.n_best <= self.search.beam:
            raise OptionError(f"--n-best {self.n_best}: must be from 1 to --beam, which is {self.search.beam}")
        if not 0 <= self.samples <= MOST:
            raise OptionError(f"--samples {self.samples}: must be from 1 to {MOST:,}, or 0 to search")
        if self.seed < 0:
            raise OptionError(f"--seed {self.seed}: must be at least 0")
        if self.samples and self.n_best > 1:
            raise OptionError("--n-best: is for what is searched for; --samples says how many are drawn")
        if self.sampling != SAMPLING and not self.samples:
            raise OptionError("--temperature, --top-k, --top-p: are for what is drawn; say how many with --samples")

    def free(self) -> Asked:
        """Return the same with nothing held."""
        return replace(self, hold=())


class Translator:
    """A network that translates lines, as it is asked to.

    Raises OptionError where the run is no network that translates, for units that are not there, and for a prefix that
    it cannot write.
    """

    def __init__(self, run: Run | str | Path, asked: Asked, model: Model | None = None) -> None:
        """`model` is that of the run where it has been loaded already."""
        run = run if isinstance(run, Run) else open_run(run)
        if run.task != "translation":
            raise OptionError(f"{run.path}: learnt {run.task}; only networks of the task translation translate")
        model = load(run) if model is None else model
        assert isinstance(model, TranslationModel)
        run.ended()
        self.asked, self.coder = asked, ParallelCoder.load(run.path, run.options)
        self._stepper = HeldStepper(model, [_held(each, model) for each in asked.hold])
        missing = self.coder.target.unknown(asked.prefix) if asked.prefix else []
        if missing:
            shown = ", ".join(map(repr, missing[:5]))
            raise OptionError(f"--prefix: {shown} never came in training, so the network cannot write it")
        self._prefix = tuple(self.coder.target.ids(asked.prefix).tolist()) if asked.prefix else ()
        self.symbols, self.unknown = 0, 0
        """Symbols of the lines so far, and how many of them were read as `<unk>`."""

    def translate(
        self, lines: Sequence[str], *, name: str = "lines", first: int = 1, progress: Report = silent
    ) -> list[list[Translated]]:
        """Return the translations of every line, the best first; of an empty line one, which is empty.

        `name` and the number of the `first` line are for errors. Raises CorpusError for a line that is longer than the
        network is to read, or has the mark of a sentence's end in it.
        """
        return self._found(self._stepper, self._encoded(lines, name, first), first, progress)

    def with_tree(self, line: str) -> tuple[list[Translated], dict[str, Any]]:
        """Return the translations of a line that the search ends with, the best first, and the tree of all prefixes
        that it kept, see `tree_of`. Raises CorpusError as `translate`."""
        watched = Watched(self._stepper)
        (found,) = self._found(watched, self._encoded([line], "lines", 1), 1)
        vocabulary, end = self.coder.target.vocabulary, self.coder.target.level.end
        spelt = vocabulary.symbols.__getitem__
        return found, tree_of(watched.kept, [each.found for each in found], spelt, end)

    def _encoded(self, lines: Sequence[str], name: str, first: int) -> Sentences:
        """Return lines as the network reads them, and count their symbols."""
        lines = [line.removesuffix("\n") for line in lines]
        sentences = self.coder.encode(lines, where=lambda place: (name, first + place))
        longest = self.coder.source.longest
        for number in np.flatnonzero(sentences.lengths > longest)[:1].tolist():
            told = f"{sentences.lengths[number]:,} symbols, more than the {longest:,} of a sentence; split it"
            raise CorpusError(told, name, first + number)
        self.symbols += int(sentences.lengths.sum())
        self.unknown += int((sentences.ids[sentences.numbers] == UNKNOWN).sum())
        return sentences

    def _found(
        self, stepper: Stepper, sentences: Sentences, first: int, progress: Report = silent
    ) -> list[list[Translated]]:
        """Return the translations of sentences, of which the first has the number `first`."""
        asked, count = self.asked, self.asked.samples or self.asked.n_best
        with threads(1 if len(sentences) < FEW else 0), self._stepper.held():
            found = translate_sentences(
                stepper,
                self.coder,
                sentences,
                range(len(sentences)),
                asked.search,
                n_best=count,
                prefix=self._prefix,
                drawn=Drawn(asked.sampling, asked.seed, first - 1) if asked.samples else None,
                progress=progress,
            )
        return found.best

    def attention(self, line: str, found: Translated) -> dict[str, Any]:
        """Return where the network looked for each symbol of a translation: `attention [target source]`, and the
        `source` and `target` symbols, both with their end."""
        sentences = self.coder.encode([line])
        with self._stepper.held():
            (read,) = forced(
                self._stepper, source_batch(sentences, np.arange(1)), [found.found.symbols], attention=True
            )
        return {
            "attention": read.attention,
            "source": [*sentences.symbols_of(0), self.coder.source.level.end],
            "target": [*self.coder.target.vocabulary.decode(found.found.symbols), self.coder.target.level.end],
        }


class HeldStepper(TranslationStepper):
    """A network that translates with units held, those of the decoder by the step of the translation."""

    def __init__(self, model: TranslationModel, units: Sequence[HeldUnit]) -> None:
        super().__init__(model)
        self._units = units

    def held(self) -> ExitStack:
        """Return what holds the units while it is entered."""
        stack = ExitStack()
        for each in self._units:
            stack.enter_context(edited(self.model, {(each.layer, each.signal): each}))
        return stack

    def begin(self, batch: Batch) -> Any:
        """Return the state before anything is written."""
        self._at(0)
        return 0, super().begin(batch)

    def step(self, last: Tensor, state: Any) -> tuple[Tensor, Any]:
        """Return log probabilities of what follows, and the state after it."""
        step, place = state
        self._at(step)
        log_p, place = super().step(last, place)
        return log_p, (step + 1, place)

    def pick(self, state: Any, rows: Tensor) -> Any:
        """Return the state of chosen rows."""
        return state[0], super().pick(state[1], rows)

    def attention(self, state: Any) -> Tensor:
        """Return the weights of the last step."""
        return super().attention(state[1])

    def _at(self, step: int) -> None:
        for each in self._units:
            each.now = 0 if each.layer.partition(".")[0] in self.model.reads else step


def _held(typed: str, model: TranslationModel) -> HeldUnit:
    unit = held_unit(typed, model)
    if unit.value is None:
        raise OptionError(f"--hold {typed}: needs a value, {typed.partition('@')[0]}=0.3: a search has many prefixes")
    return unit


def translate(
    run: Run | str | Path,
    lines: str | Sequence[str],
    *,
    n_best: int = 1,
    beam: int = SEARCH.beam,
    alpha: float = SEARCH.alpha,
    penalty: PenaltyName = SEARCH.penalty,
    coverage: float = SEARCH.coverage,
    no_repeat: int = SEARCH.no_repeat,
    min_ratio: float = SEARCH.min_ratio,
    max_ratio: float = SEARCH.max_ratio,
    prefix: str = "",
    samples: int = 0,
    temperature: float = 1.0,
    top_k: int = 0,
    top_p: float = 1.0,
    seed: int = 1,
    hold: Sequence[str] = (),
) -> list[list[Translated]]:
    """Return the translations of lines (one line is a list of one), for each a list, the best first.

    A translation has `text` and `found`: `found.log_probability` is ln P(y|x) with its end, `found.score` what it was
    ranked by, `found.cut` whether it was ended at the longest length. beam, alpha, penalty, coverage, no_repeat,
    min_ratio, max_ratio: see `SearchOptions`. prefix: how all translations begin. samples: draw so many in place of
    searching, with temperature, top_k, top_p and seed as `Sampling` has them. hold: units as on the command line,
    `decoder.0/cell:17=1`.

    Raises OptionError for what cannot be searched for, written or held, CorpusError for a line that is too long.
    """
    search = SearchOptions(beam, alpha, penalty, coverage, no_repeat, min_ratio, max_ratio)
    asked = Asked(search, n_best, prefix, samples, Sampling(temperature, top_k, top_p), seed, tuple(hold))
    return Translator(run, asked).translate([lines] if isinstance(lines, str) else lines)


def translated(
    translator: Translator,
    lines: Sequence[str],
    name: str,
    show: Callable[[str, list[Translated]], None],
    before: int = 0,
    progress: Report = silent,
) -> Iterator[dict[str, Any]]:
    """Yield what is to be told of every line, in their order; `show` is given each line and its translations. `before`
    counts lines that were translated before these; `progress` is told of lines."""
    for begin in range(0, len(lines), AT_ONCE):
        part = lines[begin : begin + AT_ONCE]

        def so_far(done: float, _: float, words: str, begin: int = begin) -> None:
            progress(begin + done, len(lines), words)

        several = translator.translate(part, name=name, first=before + begin + 1, progress=so_far)
        progress(begin + len(part), len(lines), "")  # empty lines too
        for line, found in zip(part, several, strict=True):
            show(line, found)
            yield told_of(line, found)


def told_of(line: str, found: Sequence[Translated]) -> dict[str, Any]:
    """Return the numbers of a line's translations."""
    return {
        "source": line,
        "translations": [
            {
                "text": each.text,
                "score": each.found.score,
                "log_probability": each.found.log_probability,
                "symbols": len(each.found.symbols),
                "cut": each.found.cut,
            }
            for each in found
        ],
    }
