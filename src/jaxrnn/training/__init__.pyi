from .callbacks import early_stopping as early_stopping
from .lifecycle import Checkpointing as Checkpointing
from .regularizers import flossing as flossing
from .update import Report as Report
from .update import Task as Task
from .update import Trainer as Trainer
from .update import TrainState as TrainState
