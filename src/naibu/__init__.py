"""Naibu: train recurrent networks, record everything inside them, find out what each unit has learnt.

Public names resolve on first use, so that `import naibu` loads no torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from naibu.version import __version__

_HOME = {
    "open_trees": "naibu.data.corpus:open_corpus",
    "open_corpus": "naibu.data.corpus",
    "open_text": "naibu.data.text_corpus",
    "open_translation": "naibu.data.parallel_corpus:open_parallel",
    "open_classes": "naibu.data.classes.opening",
    "open_tags": "naibu.data.tags",
    "open_series": "naibu.data.series_opening",
    "open_strokes": "naibu.data.strokes.opening",
    "open_formal": "naibu.data.formal.opening",
    "open_recovery": "naibu.data.recovery_opening",
    "train": "naibu.training.train",
    "evaluate": "naibu.training.evaluate",
    "predict": "naibu.training.evaluate",
    "generate": "naibu.looking.writing",
    "translate": "naibu.looking.translating",
    "record": "naibu.recording",
    "listen": "naibu.recording",
    "watch": "naibu.recording.watching",
    "probe": "naibu.looking.library",
    "intervene": "naibu.looking.library",
    "report": "naibu.looking.library",
    "look": "naibu.looking.library",
    "view": "naibu.viewer",
    "Recording": "naibu.recording",
    "LSTM": "naibu.cells.layers",
    "GRU": "naibu.cells.layers",
    "RNN": "naibu.cells.layers",
    "swap": "naibu.cells.swap",
    "draw": "naibu.drawing",
    "unroll": "naibu.cells.unroll",
    "Clamp": "naibu.cells.edits",
    "ModelConfig": "naibu.config",
    "TrainingConfig": "naibu.config",
    "TreesOptions": "naibu.tasks.trees",
    "TextOptions": "naibu.tasks.text",
    "TranslationOptions": "naibu.tasks.translation",
    "ClassesOptions": "naibu.tasks.classes",
    "TagsOptions": "naibu.tasks.tags",
    "SeriesOptions": "naibu.tasks.series",
    "StrokesOptions": "naibu.tasks.strokes",
    "FormalOptions": "naibu.tasks.formal",
    "RecoveryOptions": "naibu.tasks.recovery",
    "open_run": "naibu.runs",
    "load": "naibu.runs.load",
    "NaibuError": "naibu.errors",
    "CorpusError": "naibu.errors",
    "OptionError": "naibu.errors",
    "StoredError": "naibu.errors",
}
_MODULES = (
    "cells",
    "data",
    "ngrams",
    "vectors",
    "probes",
    "interventions",
    "gradients",
    "reporting",
    "papers",
    "bench",
    "sklearn",
)

__all__ = [*_HOME, *_MODULES, "__version__"]  # noqa: PLE0604

if TYPE_CHECKING:
    from naibu.cells.edits import Clamp as Clamp
    from naibu.cells.layers import GRU as GRU
    from naibu.cells.layers import LSTM as LSTM
    from naibu.cells.layers import RNN as RNN
    from naibu.cells.swap import swap as swap
    from naibu.cells.unroll import unroll as unroll
    from naibu.config import ModelConfig as ModelConfig
    from naibu.config import TrainingConfig as TrainingConfig
    from naibu.data.classes.opening import open_classes as open_classes
    from naibu.data.corpus import open_corpus as open_corpus
    from naibu.data.formal.opening import open_formal as open_formal
    from naibu.data.parallel_corpus import open_parallel
    from naibu.data.recovery_opening import open_recovery as open_recovery
    from naibu.data.series_opening import open_series as open_series
    from naibu.data.strokes.opening import open_strokes as open_strokes
    from naibu.data.tags import open_tags as open_tags
    from naibu.data.text_corpus import open_text as open_text
    from naibu.drawing import draw as draw
    from naibu.errors import CorpusError as CorpusError
    from naibu.errors import NaibuError as NaibuError
    from naibu.errors import OptionError as OptionError
    from naibu.errors import StoredError as StoredError
    from naibu.looking.library import intervene as intervene
    from naibu.looking.library import look as look
    from naibu.looking.library import probe as probe
    from naibu.looking.library import report as report
    from naibu.looking.translating import translate as translate
    from naibu.looking.writing import generate as generate
    from naibu.recording import Recording as Recording
    from naibu.recording import listen as listen
    from naibu.recording import record as record
    from naibu.recording.watching import watch as watch
    from naibu.runs import open_run as open_run
    from naibu.runs.load import load as load
    from naibu.tasks.classes import ClassesOptions as ClassesOptions
    from naibu.tasks.formal import FormalOptions as FormalOptions
    from naibu.tasks.recovery import RecoveryOptions as RecoveryOptions
    from naibu.tasks.series import SeriesOptions as SeriesOptions
    from naibu.tasks.strokes import StrokesOptions as StrokesOptions
    from naibu.tasks.tags import TagsOptions as TagsOptions
    from naibu.tasks.text import TextOptions as TextOptions
    from naibu.tasks.translation import TranslationOptions as TranslationOptions
    from naibu.tasks.trees import TreesOptions as TreesOptions
    from naibu.training.evaluate import evaluate as evaluate
    from naibu.training.evaluate import predict as predict
    from naibu.training.train import train as train
    from naibu.viewer import view as view

    open_trees, open_translation = open_corpus, open_parallel


def __getattr__(name: str) -> Any:
    if name in _HOME:
        module, _, other_name = _HOME[name].partition(":")
        return getattr(importlib.import_module(module), other_name or name)
    if name in _MODULES:
        return importlib.import_module(f"naibu.{name}")
    raise AttributeError(f"module 'naibu' has no attribute {name!r}; it has {', '.join(__all__)}")


def __dir__() -> list[str]:
    return sorted(__all__)
