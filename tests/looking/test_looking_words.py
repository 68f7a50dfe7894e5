"""Which probes of words a look runs: those that apply, and those asked for by name or an error."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from test_probes_components import UPDATE, words

from fake_recording import fake_recording
from naibu.errors import OptionError
from naibu.looking.of_words import asked_jobs, word_jobs
from naibu.probes.components_results import WordTokens
from naibu.probes.part_of_speech_results import PartOfSpeech


def names(recording: Any, layer: str = "lstm.0") -> list[str]:
    return [name for name, _ in word_jobs(recording, None, layer)]


def test_what_applies_is_run() -> None:
    recording = words()
    everything = ["part_of_speech", "components", "unique_components", "word_tokens", "neighbours"]
    assert names(recording) == everything
    found = {name: make() for name, make in word_jobs(recording, None, "lstm.0")}  # type: ignore[arg-type]
    assert isinstance(found["part_of_speech"], PartOfSpeech)
    assert found["word_tokens"].word == "that"
    only_cell = replace(recording, arrays={("lstm.0", "cell"): recording.arrays[UPDATE]})
    assert names(only_cell) == ["part_of_speech"]


def test_nothing_without_words() -> None:
    recording = fake_recording()
    labels = {k: v for k, v in recording.index.labels.items() if k != "part_of_speech"}
    assert names(recording.with_index(labels=labels)) == []
    # Each symbol has one part of speech here, so no word varies; no label fits `that` either.
    assert "word_tokens" not in names(recording)


def test_what_is_asked_for_is_run_or_refused() -> None:
    recording: Any = words()
    jobs = dict(asked_jobs(recording, None, "lstm.0", ("NN*", "VB*"), "that"))
    assert list(jobs) == ["part_of_speech", "word_tokens", "neighbours"]
    assert jobs["part_of_speech"]().values == ("NN NNS", "VBP VBZ")
    found = jobs["word_tokens"]()
    assert isinstance(found, WordTokens)
    assert [q.symbol for q in jobs["neighbours"]().queries] == ["that"] * 2
    assert list(asked_jobs(recording, None, "lstm.0", None, None)) == []
    with pytest.raises(OptionError, match="never takes the value 'JJ'"):
        list(asked_jobs(recording, None, "lstm.0", ("NN", "JJ"), None))
    with pytest.raises(OptionError, match="'nowhere' is not among"):
        list(asked_jobs(recording, None, "lstm.0", None, "nowhere"))
