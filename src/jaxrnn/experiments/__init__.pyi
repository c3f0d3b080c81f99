from .api import fit as fit
from .api import load as load
from .build import Experiment as Experiment
from .build import experiment as experiment
from .run import Run as Run
