"""Fingerprint of a run: checkpoints store it, so that no other data or model resumes from them."""

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
from jaxrnn.training.frozen import zero_frozen

MAX_SAMPLES = 4096  # values per array that enter the fingerprint
LARGE_ARRAY, BLOCK = 2**26, 64  # an array with so many values may be a memory-mapped file: it is sampled in blocks


class Program(TypedDict):
    """Fingerprint of the optimizer and the network of a run that was set up in Python; see `of_program`."""

    learning_rate: float | None
    clip_norm: float | None
    optimizer: str
    net: str
    versions: list[str]


class Settings(TypedDict):
    """Settings of a run that its checkpoints store; see `settings_of`."""

    seed: int
    batch_size: int
    report_every: int
    precision: Literal["f32", "bf16", "f64"]
    data: list[Annotated[list[float], Len(4, 4)]]
    configuration: dict[str, Any] | None
    program: NotRequired[Program | None]


class Progress(TypedDict):
    """Progress of a run as its checkpoint stores it; `settings` identify the run."""

    best_loss: float | None
    best_step: int
    stale: int
    seconds: float
    ended_by: str | None
    settings: Settings


def settings_of(task, seed, description=None, program=None):
    """Builds the settings that identify a run; its checkpoints store them, so that no other run resumes from them.

    The number of updates is not among them: a run may be trained longer.

    Args:
      task, seed: the `Task` and the seed of the run.
      description: {name: value} of its configuration; None without one.
      program: its `Program`; None for a run with a configuration.
    """
    trainer = {name: value for name, value in task.trainer._asdict().items() if name != "steps"}
    data = of_data(task.dataset)
    return {"seed": int(seed), **trainer, "data": data, "configuration": description, "program": program}


def check(saved, current, folder):
    """Compares the settings in a checkpoint with the settings of the current run.

    Args:
      saved, current: {name: value}, see `settings_of`.
      folder: the run folder, for the message.

    Raises:
      ConfigError: if they differ. The message names the differences.
    """
    names = [n for n in current if n not in ("data", "configuration", "program") and saved.get(n) != current[n]]
    names += _changed_in_program(saved.get("program"), current.get("program"))
    a, b = saved["configuration"] or {}, current["configuration"] or {}
    if a and b:
        names += [name for name in {**a, **b} if name not in a or name not in b or a[name] != b[name]]
    if not names and not _same_data(saved["data"], current["data"]):
        names = ["data"]
    if names:
        raise ConfigError(
            f"{folder}: its checkpoint is of a run with another {', '.join(names[:5])}; choose another folder, or "
            "restore the old values"
        )


def of_program(task):
    """Fingerprint of an optimizer and a network that were set up in Python.

    It holds the values that are known, and digests of the programs that JAX traces. Digests are compared only if the
    versions agree.

    Args:
      task: a `Task`.
    """
    net, dataset, optimizer = task.net, task.dataset, task.optimizer
    params = jax.eval_shape(lambda: net.init(jax.random.key(0), dataset.input_size))

    def update(grads, params):
        clipped, _ = optimizer.clip.update(zero_frozen(task.frozen, grads), optimizer.clip.init(grads), params)
        return optimizer.rule.update(clipped, optimizer.rule.init(params), params)

    return {
        "learning_rate": optimizer.learning_rate,
        "clip_norm": optimizer.clip_norm,
        "optimizer": _digest(update, params, params),
        "net": _digest(partial(two_steps, task), jax.eval_shape(lambda: jax.random.key(0)), two_step_batch(dataset)),
        "versions": [jax.__version__, optax.__version__, jaxrnn.__version__],
    }


def _digest(function, *shapes):
    """Digest of the program that JAX traces of a function, with its constants."""
    traced = jax.make_jaxpr(function)(*shapes)
    text = re.sub(r" at 0x[0-9a-f]+|0x[0-9a-f]+", "", str(traced))
    constants = b"".join(np.asarray(array).tobytes() for array in traced.consts)
    return hashlib.sha256(text.encode() + constants).hexdigest()


def _changed_in_program(saved, current):
    """Names the differences between two fingerprints of `of_program`; digests of other versions are ignored."""
    if not saved or not current:
        return []
    names = [name for name in ("learning_rate", "clip_norm") if saved[name] != current[name]]
    if saved["versions"] != current["versions"]:
        return names
    return names + [name for name in ("optimizer", "net") if not names and saved[name] != current[name]]


def of_data(dataset):
    """Fingerprint of a data set: [size, mean, root mean square, mean with weights that rise from 0 to 1] per array.

    The means cover at most 4096 values of an array. They are compared with a tolerance, because the last digit of a
    sine differs between machines.

    Args:
      dataset: a `Dataset`.
    """
    splits = [batch._replace(fresh=None) for batch in dataset.splits.values()]
    return [_numbers(np.asarray(leaf)) for leaf in jax.tree.leaves((dataset.train.arrays, splits))]


def _same_data(saved, current):
    """Returns whether two fingerprints of `of_data` belong to the same data set."""
    a, b = np.array(saved, float).reshape(-1, 4), np.array(current, float).reshape(-1, 4)
    if a.shape != b.shape or (a[:, 0] != b[:, 0]).any():  # sizes are exact
        return False
    return np.allclose(a, b, rtol=1e-4, atol=1e-6, equal_nan=True)


def _numbers(array):
    values = array.reshape(-1)
    indices = np.linspace(0, len(values) - 1, min(len(values), MAX_SAMPLES)).astype(int)
    if len(values) >= LARGE_ARRAY:
        indices = (indices[::BLOCK, None] // BLOCK * BLOCK + np.arange(BLOCK)).ravel()
    values = np.nan_to_num(values[indices].astype(float))  # unknown targets are NaN
    rising = np.linspace(0, 1, len(values))
    means = [values.mean(), np.sqrt(np.mean(values**2)), np.mean(values * rising)] if len(values) else [0, 0, 0]
    return [len(array.reshape(-1)), *map(float, means)]
