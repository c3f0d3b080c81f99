from .callbacks import early_stopping as early_stopping
from .regularizers import flossing as flossing
from .store import Checkpointing as Checkpointing
from .update import Report as Report
from .update import Task as Task
from .update import Trainer as Trainer
from .update import TrainState as TrainState
