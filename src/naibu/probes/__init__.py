"""What each unit has learnt: scores on sentences that were not fitted on, with intervals and controls."""

from naibu.probes.attention import Attention as Attention
from naibu.probes.attention import attention as attention
from naibu.probes.baseline import Baseline as Baseline
from naibu.probes.baseline import Baselines as Baselines
from naibu.probes.baseline import baselines as baselines
from naibu.probes.baseline import ngram_baseline as ngram_baseline
from naibu.probes.bracket_comparison import compare as compare_brackets
from naibu.probes.bracket_prediction import bracket_prediction as bracket_prediction
from naibu.probes.bracket_results import BracketComparison as BracketComparison
from naibu.probes.bracket_results import BracketPrediction as BracketPrediction
from naibu.probes.components import components as components
from naibu.probes.components import word_tokens as word_tokens
from naibu.probes.components_results import Components as Components
from naibu.probes.components_results import Neighbours as Neighbours
from naibu.probes.components_results import UniqueComponents as UniqueComponents
from naibu.probes.components_results import WordTokens as WordTokens
from naibu.probes.confusion import confusion as confusion
from naibu.probes.correlation import correlation as correlation
from naibu.probes.distributions import distributions as distributions
from naibu.probes.found import Search as Search
from naibu.probes.l1_path import l1_path as l1_path
from naibu.probes.neighbours import neighbours as neighbours
from naibu.probes.overlap import overlap as overlap
from naibu.probes.part_of_speech import part_of_speech as part_of_speech
from naibu.probes.part_of_speech_results import PartOfSpeech as PartOfSpeech
from naibu.probes.regression import regression as regression
from naibu.probes.results import Association as Association
from naibu.probes.results import Confusion as Confusion
from naibu.probes.results import Controls as Controls
from naibu.probes.results import Correlation as Correlation
from naibu.probes.results import Distributions as Distributions
from naibu.probes.results import L1Path as L1Path
from naibu.probes.results import Overlap as Overlap
from naibu.probes.results import Regression as Regression
from naibu.probes.results import Score as Score
from naibu.probes.results import Scores as Scores
from naibu.probes.results import Trajectories as Trajectories
from naibu.probes.search import search as search
from naibu.probes.tables import load_result as load
from naibu.probes.tables import save as save
from naibu.probes.timescales import timescales as timescales
from naibu.probes.timescales_results import Timescales as Timescales
from naibu.probes.trajectories import trajectories as trajectories
from naibu.probes.transitions import Transitions as Transitions
from naibu.probes.transitions import transitions as transitions
from naibu.probes.unique_components import unique_components as unique_components

__all__ = [
    "Association",
    "Attention",
    "Baseline",
    "Baselines",
    "BracketComparison",
    "BracketPrediction",
    "Components",
    "Confusion",
    "Controls",
    "Correlation",
    "Distributions",
    "L1Path",
    "Neighbours",
    "Overlap",
    "PartOfSpeech",
    "Regression",
    "Score",
    "Scores",
    "Search",
    "Timescales",
    "Trajectories",
    "Transitions",
    "UniqueComponents",
    "WordTokens",
    "attention",
    "baselines",
    "bracket_prediction",
    "compare_brackets",
    "components",
    "confusion",
    "correlation",
    "distributions",
    "l1_path",
    "load",
    "neighbours",
    "ngram_baseline",
    "overlap",
    "part_of_speech",
    "regression",
    "save",
    "search",
    "timescales",
    "trajectories",
    "transitions",
    "unique_components",
    "word_tokens",
]
