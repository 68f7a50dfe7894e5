"""What a model and its training are made of: frozen, checked at construction, written into the run.

A field is the option of the command line, the key in a file of settings and the record in the run; its docstring is
the help of all three. `shared` has what all tasks have; what the networks of a task have besides is a file of its name.
"""

from naibu.config.classes import ClassesConfig as ClassesConfig
from naibu.config.classes import PoolingName as PoolingName
from naibu.config.formal import FormalConfig as FormalConfig
from naibu.config.recovery import RecoveryConfig as RecoveryConfig
from naibu.config.series import DistributionName as DistributionName
from naibu.config.series import SeriesConfig as SeriesConfig
from naibu.config.shared import CELLS as CELLS
from naibu.config.shared import AveragingName as AveragingName
from naibu.config.shared import CellName as CellName
from naibu.config.shared import DecayName as DecayName
from naibu.config.shared import DeviceName as DeviceName
from naibu.config.shared import EmbeddingName as EmbeddingName
from naibu.config.shared import KeepName as KeepName
from naibu.config.shared import ModelConfig as ModelConfig
from naibu.config.shared import OptimiserName as OptimiserName
from naibu.config.shared import PartName as PartName
from naibu.config.shared import PrecisionName as PrecisionName
from naibu.config.shared import SignalName as SignalName
from naibu.config.shared import SoftmaxName as SoftmaxName
from naibu.config.shared import SymbolsName as SymbolsName
from naibu.config.shared import TrainingConfig as TrainingConfig
from naibu.config.shared import as_typed as as_typed
from naibu.config.shared import check as check
from naibu.config.shared import check_number as check_number
from naibu.config.shared import check_numbers as check_numbers
from naibu.config.shared import one_of as one_of
from naibu.config.strokes import StrokesConfig as StrokesConfig
from naibu.config.tags import DecodeName as DecodeName
from naibu.config.tags import TagsConfig as TagsConfig
from naibu.config.text import TextConfig as TextConfig
from naibu.config.translation import AttentionName as AttentionName
from naibu.config.translation import EncoderName as EncoderName
from naibu.config.translation import TranslationConfig as TranslationConfig
