"""Swap the layers of a published program for Naibu's, and see that it gives the same, and how much faster.

The program is Resemblyzer (the package resemblyzer), which turns speech into a vector of the speaker; its encoder is a
torch.nn.LSTM of three layers with trained weights. Nothing of it is changed.

    pip install resemblyzer 'setuptools<81'
    python examples/swap_resemblyzer.py [SPEECH.wav]

Without a file it reads a minute of something like speech: harmonics of a wandering pitch, and noise.
"""

from __future__ import annotations

import copy
import sys
import warnings

import numpy as np
import torch

import naibu

warnings.filterwarnings("ignore", category=UserWarning)  # webrtcvad's, about setuptools
from resemblyzer import VoiceEncoder, preprocess_wav  # noqa: E402

RATE = 16_000


def speech(seconds: float = 60.0) -> np.ndarray:
    """Return a wave that sounds a little like a voice, `[samples]`, the same every time."""
    draw = np.random.default_rng(1)
    t = np.arange(int(seconds * RATE)) / RATE
    pitch = 120 + 30 * np.sin(2 * np.pi * 0.7 * t) + 10 * np.sin(2 * np.pi * 3.1 * t)
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    voice = sum(np.sin(n * phase) / n for n in range(1, 20)) * (0.6 + 0.4 * np.sin(2 * np.pi * 4 * t))
    return (0.1 * voice + 0.01 * draw.standard_normal(len(t))).astype(np.float32)


def main() -> None:
    """Time the program as published and swapped, in turn, and compare what they return."""
    wave = preprocess_wav(sys.argv[1]) if len(sys.argv) > 1 else speech()
    published = VoiceEncoder("cpu", verbose=False)
    swapped = copy.deepcopy(published)
    print(f"swapped: {', '.join(naibu.swap(swapped))}; {torch.get_num_threads()} threads")
    print(f"{'':34}{'published':>12}{'swapped':>12}{'faster':>9}{'difference':>12}")
    for what, seconds in (("an utterance of 1.6 s", 1.6), ("an utterance of 10 s", 10.0), ("the whole wave", 1e9)):
        piece = wave[: int(min(seconds * RATE, len(wave)))]
        show(what, lambda encoder, piece=piece: encoder.embed_utterance(piece), published, swapped)
    mels = torch.rand(32, 160, 40) * 0.1  # as many slices of speech as one batch of its training would have
    show("the encoder alone, 32 slices", lambda encoder: encoder(mels).detach().numpy(), published, swapped)
    show("its gradients, 32 slices", lambda encoder: gradients(encoder, mels), published, swapped)


def gradients(encoder: VoiceEncoder, mels: torch.Tensor) -> np.ndarray:
    """Return the gradient of some of the vectors' values to all parameters, `[parameters]`."""
    loss = encoder(mels)[:, :10].sum()
    parameters = [p for name, p in encoder.named_parameters() if not name.startswith("similarity")]
    return torch.cat([each.flatten() for each in torch.autograd.grad(loss, parameters)]).numpy()


def show(what, call, published: VoiceEncoder, swapped: VoiceEncoder) -> None:
    """Print a line: milliseconds of both, in rounds by turns, and the largest difference of their outputs."""
    one, other = call(published), call(swapped)
    found = naibu.bench.interleaved({"published": lambda: call(published), "swapped": lambda: call(swapped)})
    before, after = (1000 * found.seconds[name] for name in ("published", "swapped"))
    faster = f"{found.ratio('swapped', 'published'):.2f}{'*' if found.load > naibu.bench.QUIET else ''}"
    difference = np.abs(one - other).max() / np.abs(one).max()
    print(f"{what:34}{before:9.2f} ms{after:9.2f} ms{faster:>9}{difference:12.1e}")
    if found.load > naibu.bench.QUIET:
        print(f"  * other programs used {found.load:.0%} of the machine meanwhile: worth little")


if __name__ == "__main__":
    main()
