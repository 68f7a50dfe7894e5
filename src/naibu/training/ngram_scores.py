"""How good n-grams are on a text, counted as a network's score is."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from naibu import ngrams
from naibu.data.levels import Characters, Level, LevelName, SplitName, Words
from naibu.data.text_coder import TextCoder
from naibu.data.text_corpus import LONGEST, SHARE, open_text
from naibu.errors import CorpusError, OptionError
from naibu.ngrams.arpa import is_arpa
from naibu.ngrams.kneser_ney import check_order
from naibu.tasks.catalogue import task_named


def ngram_scores(
    files: Sequence[Path],
    *,
    order: int = 5,
    test: Path | None = None,
    level: LevelName = "word",
    split: SplitName = "spaces",
    vocabulary: int = 0,
    first: str | None = None,
) -> tuple[ngrams.NGramModel, dict[str, Any]]:
    """Return the n-gram model of a text, or of an ARPA file, and its scores by name on a test text.

    files: training text as `open_text` takes it, or one ARPA file, which has its own order, level and vocabulary. test:
    what is scored; without it the end of the text is held out. Symbols that the model has no probability of, as unknown
    words where it has no `<unk>`, are in no score and counted in `left_out`.

    Raises CorpusError for files that cannot be used, OptionError for options that cannot.
    """
    began = time.perf_counter()
    check_order(order, "--order")
    if test is not None and test.exists() and test.resolve() in {file.resolve() for file in files}:
        raise OptionError(f"--test {test}: is the training text itself; give another file")
    if len(files) == 1 and is_arpa(files[0]):
        if test is None:
            raise OptionError(f"{files[0]}: an ARPA file has no text to score: give --test FILE")
        model = ngrams.NGramModel.load_arpa(files[0])
        level = "character" if model.across else "word"
        cut: Level = Characters() if model.across else Words(split)
        examples = TextCoder(model.vocabulary, cut, LONGEST[level]).read([test])
    else:
        held = SHARE if test is None else test
        data = open_text(files, level=level, split=split, validation=held, vocabulary=vocabulary, first=first)
        model, examples = ngrams.train(data.train, order), data.test
    log_p = model.log_probabilities(examples)
    there = np.isfinite(log_p)
    if not there.any():
        raise CorpusError("the n-grams have a probability of none of its symbols", test)
    loss, source = float(-log_p[there].mean()), examples.source
    scores = task_named("text").scores(examples, {"loss": loss})
    if not there.all():
        scores = {"perplexity": scores["perplexity"], "tokens": int(there.sum()), "left_out": int((~there).sum())}
    unknown = int(source.counts(examples.ranges)[source.ids == source.vocabulary.unknown].sum())
    return model, {
        "loss": loss,
        **scores,
        "unknown": unknown,
        "unknown_share": unknown / examples.steps,
        "level": level,
        "order": model.order,
        "ngrams": {str(n): count for n, count in enumerate(model.counts, 1)},
        "seconds": round(time.perf_counter() - began, 3),
    }
