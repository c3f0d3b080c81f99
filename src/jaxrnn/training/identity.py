"""What a checkpoint says of the data and the model that it belongs to."""

import hashlib
import re
from functools import partial
from typing import Annotated, Any, Literal, NotRequired

import jax
import numpy as np
import optax
from annotated_types import Len
from typing_extensions import TypedDict

import jaxrnn
from jaxrnn.errors import ConfigError
from jaxrnn.training.compatibility import two_step_batch, two_steps

MOST = 4096  # values of an array that are looked at
LARGE, RUN = 2**26, 64  # values of an array from which on they are looked at in runs: it may be a file that is mapped


class Program(TypedDict):
    """What tells the optimizer and the network of a run made in Python from others, see `of_program`."""

    learning_rate: float | None
    clip_norm: float | None
    optimizer: str
    net: str
    versions: list[str]


class Settings(TypedDict):
    """What a checkpoint notes of its run, see `jaxrnn.training.single_run.settings`."""

    seed: int
    batch_size: int
    report_every: int
    precision: Literal["f32", "bf16", "f64"]
    data: list[Annotated[list[float], Len(4, 4)]]
    configuration: dict[str, Any] | None
    program: NotRequired[Program | None]


def check(saved, own, folder):
    """Compares what a checkpoint notes of its run with what is noted of another.

    Args:
      saved, own: {name: value}, see `jaxrnn.training.single_run.settings`.
      folder: of the checkpoint.

    Raises:
      ConfigError: if they differ; it names in what.
    """
    names = [n for n in own if n not in ("data", "configuration", "program") and saved.get(n) != own[n]]
    names += _of_programs(saved.get("program"), own["program"])
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


def of_program(task):
    """What tells an optimizer and a network made in Python from others: the values that are known, and digests of what
    JAX traces, which are compared where the versions agree.

    Args:
      task: a `Task`.
    """
    net, dataset, optimizer = task.net, task.dataset, task.optimizer
    params = jax.eval_shape(lambda: net.init(jax.random.key(0), dataset.input_size))

    def update(grads, params):
        clipped, _ = optimizer.clip.update(grads, optimizer.clip.init(grads), params)
        return optimizer.rule.update(clipped, optimizer.rule.init(params), params)

    return {
        "learning_rate": optimizer.learning_rate,
        "clip_norm": optimizer.clip_norm,
        "optimizer": _digest(update, params, params),
        "net": _digest(partial(two_steps, task), jax.eval_shape(lambda: jax.random.key(0)), two_step_batch(dataset)),
        "versions": [jax.__version__, optax.__version__, jaxrnn.__version__],
    }


def _digest(function, *shapes):
    """Of what JAX traces of a function, its constants included."""
    traced = jax.make_jaxpr(function)(*shapes)
    text = re.sub(r" at 0x[0-9a-f]+|0x[0-9a-f]+", "", str(traced))
    constants = b"".join(np.asarray(array).tobytes() for array in traced.consts)
    return hashlib.sha256(text.encode() + constants).hexdigest()


def _of_programs(saved, own):
    """The names of what differs between two of `of_program`; digests of other versions are left."""
    if not saved or not own:
        return []
    names = [name for name in ("learning_rate", "clip_norm") if saved[name] != own[name]]
    if saved["versions"] != own["versions"]:
        return names
    return names + [name for name in ("optimizer", "net") if not names and saved[name] != own[name]]


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
