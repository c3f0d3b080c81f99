"""What a network is primed on before it goes on by itself, and whether it can."""

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from jaxrnn.errors import ConfigError


class Primed(NamedTuple):
    """What a network reads, and how far it goes on.

    Fields:
      prime: steps that it reads.
      length: values that it then says.
      start: index of the first of them in the series.
      xs: [prime, D], what it reads.
      ahead: [length, h Q], what is known in advance at the steps after that, or None.
    """

    prime: int
    length: int
    start: int
    xs: Any
    ahead: Any


def generates(task):
    """Whether the network of a task can go on with a series by itself."""
    return task.dataset.series is not None and task.net.causal and not _needs_past(task.dataset.series)


def primed(task, prime=None, length=None, start=None):
    """What a network is primed on, a `Primed`. Arguments and errors as of `Run.generate`."""
    series = task.dataset.series
    _refuse(task)
    for name, value in (("prime", prime), ("length", length), ("start", start)):
        if value is not None and not (isinstance(value, int) and value > 0):
            raise ConfigError(f"{name}={value}: give a whole number above 0")
    count = len(series.values)
    start = series.handover if start is None else start
    if start > count:
        raise ConfigError(f"start={start}: the series holds {count} values; give 1 to {count}, or end")
    if prime is None:
        windows = [len(batch.xs) for batch in task.dataset.splits.values()]
        prime = start if task.dataset.continues or not windows else min(start, 2 * windows[0])
    if prime > start:
        raise ConfigError(f"prime={prime}: give 1 to {start} values; generation begins at index {start} of the series")
    length = _length(series, prime, length, start)
    xs = jnp.asarray(series.inputs(np.arange(start - prime, start)), float)
    ahead = None if series.known is None else jnp.asarray(series.ahead(np.arange(start, start + length)), float)
    return Primed(prime, length, start, xs, ahead)


def generation_error(dataset, generated, start=None):
    """Mean squared error of values [length, V] from index `start` on, in the source's units, as far as the truth is
    known; None where it is not."""
    series = dataset.series
    truth = series.truth()[series.handover if start is None else start :][: len(generated)]
    apart = series.differences(np.asarray(generated)[: len(truth)], truth)
    return float(np.nanmean(apart**2)) if np.isfinite(truth).any() else None


def _needs_past(series):
    """Whether the next input holds what the network does not say: columns that are known up to now alone."""
    return series.past is not None and series.horizon == 1


def _refuse(task):
    if task.dataset.series is None:
        raise ConfigError("these data are no series: there is nothing to continue")
    if not task.net.causal:
        raise ConfigError("this network reads the future (bidirectional), so it cannot generate")
    if _needs_past(task.dataset.series):
        raise ConfigError("these data read columns that are known up to now alone, so the network cannot go on by "
                          "itself; train it with data.horizon=2 or more to forecast so many steps at once")  # fmt: skip


def _length(series, prime, length, start):
    """How many values are generated: as far as the truth is known, or the outputs reach, unless told otherwise."""
    known, count = series.reach(), len(series.values)
    most = None if known is None else count + known - start
    if length is None:
        length = series.horizon if series.horizon > 1 else min(prime, count - start) or prime
        length = length if most is None or most <= 0 else min(length, most)
    if series.horizon > 1 and length > series.horizon:
        raise ConfigError(f"length={length}: the outputs of this network reach data.horizon={series.horizon} steps")
    if most is not None and length > most:
        raise ConfigError(f"length={length}: what is known in advance reaches {known} steps beyond the last value")
    return length
