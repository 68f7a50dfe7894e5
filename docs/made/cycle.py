"""Whether networks that learnt cycle-navigation count: how well their units tell steps right less steps left.

    naibu train formal cycle-navigation --lengths 1:20 --units 64 --steps 8000 --validations 6 --out runs/cycle
    python docs/made/cycle.py runs/cycle

On 200 new words of 41 symbols, which no network learnt: a linear reading of all units of the cell (of the hidden state
where there is none) is fitted on half of the words and scored on the others, R2. The rule itself needs only the place
on the cycle, the count modulo 5.
"""

from __future__ import annotations

import sys

import numpy as np

import naibu
from naibu.data.formal.catalogue import language_named
from naibu.data.formal.opening import scored
from naibu.runs.load import load

LENGTH, WORDS, SEED = 41, 200, 7
MOVES = {"left": -1, "right": 1}


def main(folders: list[str]) -> None:
    """Print a line for each run."""
    for folder in folders:
        run = naibu.open_run(folder)
        words = scored(language_named(run.options["language"]), f"{LENGTH}:{LENGTH}", WORDS, SEED)
        recording = naibu.record(load(run), {"test": words}, dtype="float32")
        signal = "cell" if any(key[1] == "cell" for key in recording.keys()) else "hidden"
        key = next(each for each in recording.keys() if each[1] == signal)
        index = recording.index
        moves = np.array([MOVES.get(symbol, 0) for symbol in index.symbols])[np.asarray(index.symbol)]
        count = np.cumsum(moves.reshape(WORDS, -1), 1)[:, :LENGTH].reshape(-1).astype(float)
        units = np.asarray(recording[key][:]).reshape(WORDS, -1, recording.units(key))[:, :LENGTH]
        read = np.column_stack([units.reshape(len(count), -1), np.ones(len(count))])
        half = len(count) // 2
        weights = np.linalg.lstsq(read[:half], count[:half], rcond=None)[0]
        rest = count[half:] - read[half:] @ weights
        told = f"{1 - (rest**2).mean() / count[half:].var():.2f} of counts {count.min():g} to {count.max():g}"
        print(f"{folder}: {signal}, R2 {told}")


if __name__ == "__main__":
    main(sys.argv[1:])
