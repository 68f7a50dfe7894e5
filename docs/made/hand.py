"""The window of a network that writes texts by hand: where in the text it looks at every point.

    naibu train strokes hershey_jhf.tar.gz --words ... --class font --out runs/hand
    naibu record runs/hand --positions 60000
    python docs/made/hand.py runs/hand docs/hand-window.png

Prints the figures of docs/strokes.md and draws the window over a test text.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from naibu.probes.resampling import Resampler, per_sequence, ratio
from naibu.probes.target import TEST
from naibu.recording import Recording
from naibu.recording.alignment import attended
from naibu.reporting.plots.canvas import VERMILLION, write_figure

KEY = ("window", "weights")
SHOWN = (8, 14)
"""Characters of the text that is drawn."""


def main(run: Path, picture: Path) -> None:
    """Print and draw what stands in the page."""
    for name in ("untrained", "trained"):
        recording = Recording.open(run / "recordings" / name)
        print(name, "; ".join(shares(recording)))
    recording = Recording.open(run / "recordings" / "trained")
    lengths = np.diff(recording.beside["text"].index.starts)
    test = first_of(recording, lengths)
    write_figure(lambda ax: drawn(recording, test, ax), picture, size=(6.5, 3.2))


def shares(recording: Recording) -> list[str]:
    """Return how often the place with most weight is that of the character that the next point is of, on test texts,
    and how often within one; 95 % intervals draw whole texts."""
    index = recording.index
    told = np.roll(np.asarray(index.label("place").values), -1)  # of the point that is told
    sequence = np.asarray(index.sequence)
    last = np.append(np.diff(sequence) != 0, True)
    test = (np.asarray(index.split) == TEST) & ~last & ~np.isnan(told)
    apart = np.abs(attended(recording, KEY, "text")["place"] - told)
    found = []
    for most in (0, 1):
        right = (apart[test] <= most).astype(float)
        sums = per_sequence([right, np.ones_like(right)], sequence[test])
        score = Resampler(1000, 1).score(ratio, sums, len(right))
        found.append(f"within {most}: {score.value:.3f} [{score.low:.3f}, {score.high:.3f}], {score.n:,} points")
    return found


def first_of(recording: Recording, lengths: np.ndarray) -> int:
    """Return the first test text of a length that can be drawn."""
    index = recording.index
    starts = index.starts[:-1]
    tests = np.asarray(index.split)[starts] == TEST
    return int(np.flatnonzero(tests & (lengths >= SHOWN[0]) & (lengths <= SHOWN[1]))[0])


def drawn(recording: Recording, sequence: int, ax: Axes) -> None:
    """Draw the window over a text, points to the right, and the character that each point truly is of."""
    beside, index = recording.beside["text"].index, recording.index
    rows = slice(index.starts[sequence], index.starts[sequence + 1])
    own = slice(beside.starts[sequence], beside.starts[sequence + 1])
    text = [beside.symbols[number] for number in beside.symbol[own].tolist()]
    weights = np.asarray(recording[KEY][rows, : len(text)], np.float32)
    ax.imshow(weights.T, aspect="auto", cmap="Greys", origin="lower", vmin=0, interpolation="nearest")
    truth = np.asarray(index.label("place").values)[rows][1:]
    ax.step(np.arange(len(truth)), truth, color=VERMILLION, linewidth=1.2, where="mid")
    ax.set_yticks(range(len(text)), ["␣" if letter == " " else letter for letter in text])
    ax.set_xlabel("points of the pen")
    ax.set_ylabel("text")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
