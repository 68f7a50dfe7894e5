"""What each unit has learnt: scores on sentences that were not fitted on, with intervals and controls."""

from naibu.probes.confusion import confusion as confusion
from naibu.probes.correlation import correlation as correlation
from naibu.probes.distributions import distributions as distributions
from naibu.probes.l1_path import l1_path as l1_path
from naibu.probes.overlap import overlap as overlap
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
from naibu.probes.tables import load as load
from naibu.probes.tables import save as save
from naibu.probes.trajectories import trajectories as trajectories

__all__ = [
    "Association",
    "Confusion",
    "Controls",
    "Correlation",
    "Distributions",
    "L1Path",
    "Overlap",
    "Regression",
    "Score",
    "Scores",
    "Trajectories",
    "confusion",
    "correlation",
    "distributions",
    "l1_path",
    "load",
    "overlap",
    "regression",
    "save",
    "trajectories",
]
