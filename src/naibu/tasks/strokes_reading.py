"""What a network writes by hand, read again by another that has learnt to read: the character error."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch.nn.utils.rnn import pad_sequence

from naibu.data.batches import length_batches
from naibu.data.examples import Array, Examples
from naibu.data.strokes.coder import WritingCoder
from naibu.data.strokes.written import Written
from naibu.errors import OptionError
from naibu.generation.drawn import Drawn
from naibu.generation.strokes import Wanted, drawn
from naibu.models.model import evaluating
from naibu.models.stroke_reader import StrokeReader
from naibu.progress import Report
from naibu.tasks.strokes_scores import interval_of_sums
from naibu.tasks.task import Trained

BIAS = 1.0
"""How neatly texts are written that are to be read."""
UNITS, STEPS, BATCH, POINTS, RATE, CLIP = 128, 1500, 32, 8192, 5e-3, 1.0
"""How the reader learns: Adam, the learning rate falling by a cosine."""
SHAKEN = 0.5
"""Standard deviation of what is added to offsets as the reader learns, in the data's units where these are whole
numbers, else in a tenth of the unit offsets are read in: what a network draws is never quite the font."""
LONGER = 2.0
"""How many times as many points as the longest drawing a text may be written with."""
SEED = 1


def read_again(trained: Trained, examples: Examples, count: int, progress: Report) -> dict[str, Any]:
    """Return the character error of texts that a network writes, and of the true drawings of the same texts.

    The reader learns from the validation part and from half of the examples, none of which trained the network that
    writes where they are held out; of the other half `count` texts are written, of the same class where one is read.
    `character_error`: insertions, deletions and substitutions over characters, with `character_error_interval`, whole
    texts resampled; `character_error_true` is the reader's own, on the true drawings; `texts_cut_off` counts those that
    did not come to an end. Raises OptionError where texts are not known.
    """
    if not isinstance(examples, Written):
        raise OptionError("--read: reads texts; this network was told none")
    data = trained.data()
    assert isinstance(data.validation, Written)
    coder = examples.coder
    order = np.random.default_rng([SEED, 0x4EAD]).permutation(len(examples))
    half = len(order) // 2
    if half < 1:
        raise OptionError("--read: two drawings at least are needed, one to learn to read from and one to write")
    reader = learnt((data.validation, examples.subset(order[:half])), coder, progress)
    chosen = examples.subset(order[half:][:count])
    texts = [chosen.text(number) for number in range(len(chosen))]
    true = _read(reader, [_as_read(chosen.points(number), coder) for number in range(len(chosen))], coder)
    written, ended = _written(trained, chosen, texts, coder, progress)
    again = _read(reader, written, coder)
    errors = np.array([distance(one, other) for one, other in zip(again, texts, strict=True)])
    lengths = np.array([len(text) for text in texts])
    found = float(errors.sum() / lengths.sum())
    return {
        "texts_read": len(texts),
        "character_error": found,
        "character_error_interval": interval_of_sums(errors, lengths),
        "character_error_true": sum(map(distance, true, texts)) / int(lengths.sum()),
        "texts_cut_off": int((~ended).sum()),
        "read_as": [{"text": text, "read": read} for text, read in zip(texts[:20], again[:20], strict=True)],
    }


def learnt(parts: Sequence[Written], coder: WritingCoder, progress: Report) -> StrokeReader:
    """Return a network that has learnt to read drawings; a function of them alone."""
    points = [torch.from_numpy(_as_read(part.points(k), coder)).float() for part in parts for k in range(len(part))]
    texts = [torch.from_numpy(coder.ids(part.text(k))).long() for part in parts for k in range(len(part))]
    lengths = np.array([len(each) for each in points])
    generator = np.random.default_rng(SEED)
    shaken = torch.tensor([SHAKEN / each if coder.noise else 0.1 * SHAKEN for each in coder.scale])
    with torch.random.fork_rng(), torch.enable_grad():
        torch.manual_seed(SEED)
        reader = StrokeReader(len(coder.characters), UNITS)
        optimiser = torch.optim.Adam(reader.parameters(), lr=RATE, betas=(0.9, 0.99))
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, STEPS, RATE / 50)
        waiting: list[Array] = []
        for step in range(STEPS):
            if not waiting:
                waiting = length_batches(lengths, POINTS, BATCH, generator)
            which = waiting.pop().tolist()
            x = pad_sequence([points[k] for k in which])
            x[..., :2] += shaken * torch.randn(*x.shape[:2], 2)
            loss = reader.loss(x, torch.from_numpy(lengths[which]), [texts[k] for k in which])
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(reader.parameters(), CLIP)
            optimiser.step()
            schedule.step()
            progress(step + 1, STEPS, f"learning to read, {float(loss.detach()):.3f} nats a character")
    return reader


def distance(one: str, other: str) -> int:
    """Return the fewest insertions, deletions and substitutions of characters that make one text the other."""
    row = list(range(len(other) + 1))
    for place, letter in enumerate(one, 1):
        before, row[0] = row[0], place
        for k, wanted in enumerate(other, 1):
            before, row[k] = row[k], min(row[k] + 1, row[k - 1] + 1, before + (letter != wanted))
    return row[-1]


def _as_read(points: Array, coder: WritingCoder) -> Array:
    """Return the points of a drawing, `[point 3]`, as the networks read them, the first from where the pen happens to
    be: where on a page a text begins says nothing of it."""
    found = np.column_stack([coder.read(points[:, :2]), points[:, 2]])
    found[0, :2] = 0
    return found


def _read(reader: StrokeReader, points: Sequence[Array], coder: WritingCoder) -> list[str]:
    """Return what a reader reads in drawings."""
    found = []
    with evaluating(reader):
        for start in range(0, len(points), BATCH):
            some = [torch.from_numpy(each).float() for each in points[start : start + BATCH]]
            lengths = torch.tensor([len(each) for each in some])
            read = reader.read(pad_sequence(some), lengths)
            found += ["".join(coder.characters[number] for number in each) for each in read]
    return found


def _written(
    trained: Trained, chosen: Written, texts: Sequence[str], coder: WritingCoder, progress: Report
) -> tuple[list[Array], Array]:
    """Return texts as a network writes them, points as networks read them, and whether each came to an end."""
    longest = int(LONGER * chosen.lengths.max())
    codes = None if chosen.source.codes is None else chosen.source.codes[chosen.which]
    classes = [None if codes is None else coder.classes[codes[number]] for number in range(len(texts))]
    asked = list(map(Wanted, classes, texts))
    found = list[Drawn]()
    for start in range(0, len(asked), BATCH):
        some = asked[start : start + BATCH]
        found += drawn(trained.model, coder, some, bias=BIAS, length=longest, seed=SEED + start)
        progress(len(found), len(asked), "writing")
    return [_as_read(each.points, coder) for each in found], np.array([each.ended for each in found])
