"""Skip-gram and CBOW over a whole text: parts of it one after the other, or on several threads at once (Hogwild)."""

from __future__ import annotations

from functools import partial

import numpy as np

from naibu.data.events import Array
from naibu.progress import Report, silent
from naibu.vectors import cbow, skipgram
from naibu.vectors.corpus import Corpus
from naibu.vectors.drawing import chances
from naibu.vectors.negative_sampling import Room, Weights
from naibu.vectors.options import Options
from naibu.vectors.parts import in_parts

PART = 20_000
"""Words of a part, about: what a thread takes at a time."""
LEARN = {"skip-gram": skipgram.learn, "cbow": cbow.learn}


def word2vec(corpus: Corpus, options: Options, progress: Report = silent) -> Array:
    """Return the vectors of a corpus's words, float32 [word number], learnt by skip-gram or CBOW.

    Threads change the same vectors without waiting for each other (Recht et al. 2011), so that what comes out with more
    than one is never twice the same. progress: told of the words read.
    """
    learn, tokens, starts = LEARN[options.model], corpus.tokens, corpus.starts
    weights = Weights.drawn(len(corpus.words), options.size, np.random.default_rng([options.seed, 0x3EC]))
    drawn, how = chances(corpus.counts, options.sample), (options.window, options.negatives)
    parts, total = _parts(starts), len(tokens) * options.epochs

    def rate(words: int) -> float:
        return options.rate + (options.last_rate - options.rate) * words / total

    def one(epoch: int, part: int) -> int:
        pieces, before = (int(parts[part]), int(parts[part + 1])), epoch * len(tokens)
        begin, end = int(starts[pieces[0]]), int(starts[pieces[1]])
        state = np.random.SeedSequence([options.seed, epoch, part]).generate_state(1, np.uint64)
        room = Room.of(options.negatives, weights.inputs.shape[1])
        learn(tokens, starts, pieces, weights, drawn, how, (rate(before + begin), rate(before + end)), state, room)
        return end - begin

    for epoch in range(options.epochs):
        for done in in_parts(partial(one, epoch), len(parts) - 1, options.threads):
            progress(epoch * len(tokens) + done, total, f"pass {epoch + 1}")
    return np.ascontiguousarray(weights.inputs[:, : options.size])


def _parts(starts: Array) -> Array:
    """Return the first piece of every part, and the end, int64: parts of whole pieces, of some `PART` words each."""
    wanted = np.arange(0, starts[-1], PART)
    return np.unique(np.append(np.searchsorted(starts[:-1], wanted), len(starts) - 1))
