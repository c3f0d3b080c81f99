"""Priming: the true values that a network reads before it continues a series by itself."""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxrnn.errors import ConfigError


class GenerationInputs(NamedTuple):
    """Inputs of a generation.

    Fields:
      prime: number of steps that the network reads.
      length: number of values that it then generates.
      start: index of the first generated value in the series.
      xs: [prime, D], the inputs that it reads.
      ahead: [length, h Q], the covariates known in advance at the steps after xs, or None.
    """

    prime: int
    length: int
    start: int
    xs: Float[Array, "prime D"]
    ahead: Float[Array, "length hQ"] | None


def generates(task):
    """Returns whether the network of a task can continue a series by itself."""
    return task.dataset.series is not None and task.net.causal and not _needs_past(task.dataset.series)


def generation_inputs(task, prime=None, length=None, start=None):
    """Builds the `GenerationInputs` of a task; arguments and errors as in `Run.generate`."""
    series = task.dataset.series
    _check_generates(task)
    for name, value in (("prime", prime), ("length", length), ("start", start)):
        if value is not None and not (isinstance(value, int) and value > 0):
            raise ConfigError(f"{name}={value}: expected a whole number above 0")
    count = len(series.values)
    start = series.handover if start is None else start
    if start > count:
        raise ConfigError(f"start={start}: the series holds {count} values; give 1 to {count}, or end")
    if prime is None:
        windows = [len(batch.xs) for batch in task.dataset.splits.values()]
        prime = start if task.dataset.train.stateful or not windows else min(start, 2 * windows[0])
    if prime > start:
        raise ConfigError(f"prime={prime}: give 1 to {start} values; generation begins at index {start} of the series")
    length = _length(series, prime, length, start)
    xs = jnp.asarray(series.inputs(np.arange(start - prime, start)), float)
    ahead = (
        None if series.future_covariates is None else jnp.asarray(series.ahead(np.arange(start, start + length)), float)
    )
    return GenerationInputs(prime, length, start, xs, ahead)


def generation_error(dataset, generated, start=None):
    """Mean squared error of generated values [length, V], the first at index `start`, in the source's units.

    It covers the steps whose true values are known, and is None if there are none.
    """
    errors, known = _generation_errors(dataset, generated, start)
    return float(np.nanmean(errors**2)) if known.any() else None


def generation_rmse(dataset, generated, start=None):
    """Returns {label: root mean squared error} of each generated variable with known true values.

    Arguments as in `generation_error`.
    """
    errors, known = _generation_errors(dataset, generated, start)
    return {
        label: float(np.sqrt(np.mean(errors[known[:, variable], variable] ** 2)))
        for variable, label in enumerate(dataset.series.value_labels)
        if known[:, variable].any()
    }


def _generation_errors(dataset, generated, start):
    """Returns (generated minus true values [n, V] in the source's units, whether the true values are known [n, V])."""
    series = dataset.series
    truth = series.truth()[series.handover if start is None else start :][: len(generated)]
    return series.differences(np.asarray(generated)[: len(truth)], truth), np.isfinite(truth)


def _needs_past(series):
    """Returns whether the next input needs columns that are known only up to now; no network predicts them."""
    return series.past_covariates is not None and series.horizon == 1


def _check_generates(task):
    if task.dataset.series is None:
        raise ConfigError("this data set is not a time series, so there is nothing to generate")
    if not task.net.causal:
        raise ConfigError("this network reads the future (bidirectional), so it cannot generate")
    if _needs_past(task.dataset.series):
        raise ConfigError(
            "this data set has columns that are known only up to now, so the network cannot continue by itself; train "
            "it with data.horizon=2 or more to forecast that many steps at once"
        )


def _length(series, prime, length, start):
    """Returns the number of values to generate; `Run.generate` describes the default."""
    reach, count = series.reach(), len(series.values)
    longest = None if reach is None else count + reach - start
    if length is None:
        length = series.horizon if series.horizon > 1 else min(prime, count - start) or prime
        length = length if longest is None or longest <= 0 else min(length, longest)
    if series.horizon > 1 and length > series.horizon:
        raise ConfigError(f"length={length}: this network predicts at most data.horizon={series.horizon} steps")
    if longest is not None and length > longest:
        raise ConfigError(
            f"length={length}: the columns that are known in advance reach {reach} steps beyond the last value"
        )
    return length
