"""Which probes of words a look runs: those that apply, and those asked for by name or an error."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from test_probes_components import UPDATE, words

import fake_results as fake
from fake_recording import fake_recording
from naibu.errors import OptionError
from naibu.looking.analyses.components import COMPONENTS
from naibu.looking.analyses.part_of_speech import PART_OF_SPEECH, parts_ask
from naibu.looking.analyses.unique_components import UNIQUE_COMPONENTS
from naibu.looking.analyses.word_tokens import WORD_TOKENS, word_asks
from naibu.looking.analysis import Ask, Probed
from naibu.probes.components_results import WordTokens
from naibu.probes.part_of_speech_results import PartOfSpeech


def probed(recording: Any) -> Probed:
    network = fake.bare()
    return Probed(recording, None, network.subject, network)


def asks(recording: Any) -> dict[str, Ask]:
    analyses = (PART_OF_SPEECH, COMPONENTS, UNIQUE_COMPONENTS, WORD_TOKENS)
    return {ask.name: ask for analysis in analyses for ask in analysis.asks(probed(recording))}


def test_what_applies_is_run() -> None:
    recording = words()
    everything = asks(recording)
    assert list(everything) == ["part_of_speech", "components", "unique_components", "word_tokens", "neighbours"]
    assert isinstance(everything["part_of_speech"].make(), PartOfSpeech)
    assert everything["word_tokens"].make().word == "that"
    only_cell = replace(recording, arrays={("lstm.0", "cell"): recording.arrays[UPDATE]})
    assert list(asks(only_cell)) == ["part_of_speech"]


def test_nothing_without_words() -> None:
    recording = fake_recording()
    labels = {k: v for k, v in recording.index.labels.items() if k != "part_of_speech"}
    assert asks(recording.with_index(labels=labels)) == {}
    # Each symbol has one part of speech here, so no word varies; no label fits `that` either.
    assert "word_tokens" not in asks(recording)


def test_what_is_asked_for_is_run_or_refused() -> None:
    recording = probed(words())
    assert parts_ask(recording, ("NN*", "VB*")).make().values == ("NN NNS", "VBP VBZ")
    of_word = {ask.name: ask.make for ask in word_asks(recording, "that")}
    assert isinstance(of_word["word_tokens"](), WordTokens)
    assert [q.symbol for q in of_word["neighbours"]().queries] == ["that"] * 2
    with pytest.raises(OptionError, match="never takes the value 'JJ'"):
        parts_ask(recording, ("NN", "JJ"))
    with pytest.raises(OptionError, match="'nowhere' is not among"):
        list(word_asks(recording, "nowhere"))
