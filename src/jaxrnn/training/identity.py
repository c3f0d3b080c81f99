"""What a checkpoint says of the data and the model that it belongs to."""

from typing import Annotated, Any, Literal

import jax
import numpy as np
from annotated_types import Len
from typing_extensions import TypedDict

from jaxrnn.errors import ConfigError

MOST = 4096  # values of an array that are looked at
LARGE, RUN = 2**26, 64  # values of an array from which on they are looked at in runs: it may be a file that is mapped


class Settings(TypedDict):
    """What a checkpoint notes of its run, see `jaxrnn.training.single_run.settings`."""

    seed: int
    batch_size: int
    report_every: int
    precision: Literal["f32", "bf16", "f64"]
    data: list[Annotated[list[float], Len(4, 4)]]
    configuration: dict[str, Any] | None


def check(saved, own, folder):
    """Compares what a checkpoint notes of its run with what is noted of another.

    Args:
      saved, own: {name: value}, see `jaxrnn.training.single_run.settings`.
      folder: of the checkpoint.

    Raises:
      ConfigError: if they differ; it names in what.
    """
    names = [name for name in own if name not in ("data", "configuration") and saved.get(name) != own[name]]
    a, b = saved["configuration"] or {}, own["configuration"] or {}
    if a and b:
        names += [name for name in {**a, **b} if name not in a or name not in b or a[name] != b[name]]
    if not names and not _same_data(saved["data"], own["data"]):
        names = ["data"]
    if names:
        raise ConfigError(
            f"{folder}: its checkpoint is of a run with another {', '.join(names[:5])}; choose another folder, or "
            "restore what was changed"
        )


def of_data(dataset):
    """Numbers that tell a data set from others, of each of its arrays: [size, mean, root mean square, mean with weights
    that rise from 0 to 1]; over 4096 values of it at most.

    They are compared with a tolerance, since another machine computes a sine with another last digit.

    Args:
      dataset: a `Dataset`.
    """
    splits = [batch._replace(fresh=None) for batch in dataset.splits.values()]
    return [_numbers(np.asarray(leaf)) for leaf in jax.tree.leaves((dataset.arrays, splits))]


def _same_data(numbers, others):
    """Whether two data sets are the same by what `of_data` says of them."""
    a, b = np.array(numbers, float).reshape(-1, 4), np.array(others, float).reshape(-1, 4)
    if a.shape != b.shape or (a[:, 0] != b[:, 0]).any():  # sizes are exact
        return False
    return np.allclose(a, b, rtol=1e-4, atol=1e-6, equal_nan=True)


def _numbers(array):
    values = array.reshape(-1)
    places = np.linspace(0, len(values) - 1, min(len(values), MOST)).astype(int)
    if len(values) >= LARGE:
        places = (places[::RUN, None] // RUN * RUN + np.arange(RUN)).ravel()
    values = np.nan_to_num(values[places].astype(float))  # targets that are not known
    rising = np.linspace(0, 1, len(values))
    found = [values.mean(), np.sqrt(np.mean(values**2)), np.mean(values * rising)] if len(values) else [0, 0, 0]
    return [len(array.reshape(-1)), *map(float, found)]
