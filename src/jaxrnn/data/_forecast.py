"""Forecasting data sets: windows of a series, the next values as targets, splits in time order.

All data sets with a series build on `forecast`. They differ in the source of the values.
"""

from functools import partial
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np

from jaxrnn.batch import Batch
from jaxrnn.data._predictors import last_value, points
from jaxrnn.dataset import Dataset, Loss, TrainingSet
from jaxrnn.distributions import point
from jaxrnn.losses import mean_of_known
from jaxrnn.windows import Windows, known_share

Target = Literal["all", "last"]
BLOCK_STEPS = 2**16
POINT = point.distribution()


def forecast(series, window, train, splits, target: Target = "all", stateful=False, history=0):
    """Builds the data set whose targets are the next values of a series.

    Without `stateful`, training windows start at all offsets and are shuffled again each epoch. With it:

    - Windows come in order. Each of the B rows of a batch reads its own share of the training values and returns to
      its start, with a fresh carry, after each epoch.
    - Each split is one sequence. It begins with a warm-up as long as a training epoch, which does not count.

    Args:
      series: a `Series`. Its `horizon` is the number of values to predict at a step. Its `distribution` describes each
        value; None for a point forecast.
      window: T, the steps per window.
      train: n; training uses only the values before index n, as inputs and as targets.
      splits: {name: (start, stop)}. Each index in this range is one prediction: the `window` values before the index
        predict the `horizon` values that begin at it.
      target: "all" predicts the values after every step, "last" only those after the window.
      stateful: whether the carry is handed on from one batch to the next.
      history: the smallest number of steps of the splits' windows, for baselines that look back this far.

    Raises:
      ValueError: if the window is longer than the training part, or a split is shorter than the horizon.
    """
    series = series._replace(distribution=POINT if series.distribution is None else series.distribution)
    first, last = series.lags - 1, train - series.horizon  # steps with inputs and targets inside the training part
    rows = _window_count(last - first, window, train)
    arrays = inputs, targets = tuple(_on_device(read, len(series.values)) for read in (series.inputs, series.targets))
    spans = {name: _steps(name, start, stop, series.horizon) for name, (start, stop) in splits.items()}
    _refuse_unknown(series, {"training": (first, last), **spans})
    if stateful:
        rows, plan = (last - first) // window, in_order(last - first, window)
        split, before = _sequence, train
    else:
        plan = shuffled(rows)
        split, before = _windows, max(window, history)
    return Dataset(
        input_size=inputs.shape[1],
        output_size=series.distribution.size * targets.shape[1],
        train=TrainingSet(rows, arrays, plan, _cut(first, window, target), stateful),
        splits={name: split(inputs, targets, before, *span) for name, span in spans.items()},
        loss=_loss(series),
        baselines={"persistence": lambda batch: points(last_value(series), batch.xs)},
        targets="per_sequence" if target == "last" else "next_step",
        series=series.with_naive_error(train),
    )


def _window_count(steps, window, train):
    """Returns the number of windows in the given number of training steps."""
    if steps < window:
        raise ValueError(
            f"data.window={window} is longer than the training part of the series: its {train} values allow windows "
            f"of at most {max(steps, 0)} steps"
        )
    return steps - window + 1


def _on_device(read, count):
    """Returns `read` of all steps, [N, D], on the device; blocks of steps bound the memory of the float64 values."""
    blocks = (np.arange(start, min(start + BLOCK_STEPS, count)) for start in range(0, count, BLOCK_STEPS))
    return jnp.concatenate([jnp.asarray(read(steps), float) for steps in blocks])


def _cut(first, window, target):
    """Returns ((inputs, targets), (start [B], fresh [B])) -> `Batch` of windows; starts count from the step `first`."""
    steps = np.arange(window)
    weights = np.where(steps == window - 1, 1.0, 1.0 if target == "all" else 0.0)

    def batch(arrays, items):
        (xs, ys), (start, fresh) = arrays, items
        times = first + start + steps[:, None]
        return Batch(xs[times], ys[times], (weights[:, None] * known_share(ys[times])).astype(xs.dtype), fresh)

    return batch


def _loss(series):
    """Returns the `Loss`: the mean over the known values after each step."""
    distribution = series.distribution

    def mean_loss(ys, values):
        if series.missing is None and series.informed is None:
            return jnp.mean(distribution.loss(ys, values), axis=-1)
        return mean_of_known(distribution.loss, ys, values)

    return Loss(mean_loss, distribution.loss_name)


def shuffled(rows):
    """Returns a plan of `rows` windows in a new random order each epoch; windows that do not fill a batch wait.

    Returns:
      (key, steps [n], batch_size B) -> (start [n, B], fresh [n, B]).
    """

    def plan(key, steps, batch_size):
        per_epoch = rows // batch_size
        epochs = steps[0] // per_epoch + jnp.arange(len(steps) // per_epoch + 2)
        orders = jax.vmap(lambda epoch: jax.random.permutation(jax.random.fold_in(key, epoch), rows))(epochs)
        offsets = steps % per_epoch * batch_size
        start = orders[(steps // per_epoch - epochs[0])[:, None], offsets[:, None] + jnp.arange(batch_size)]
        return start, jnp.ones(start.shape, bool)

    return plan


def in_order(length, window):
    """Returns a plan of windows in order: each of B rows reads length // B steps, with a fresh carry each epoch.

    Args:
      length: number of steps of the training part.
      window: steps per window.

    Returns:
      (key, steps [n], batch_size B) -> (start [n, B], fresh [n, B]).
    """

    def plan(key, steps, batch_size):
        share = length // batch_size
        window_index = steps % (share // window)
        start = window_index[:, None] * window + share * jnp.arange(batch_size)
        return start, jnp.broadcast_to(window_index[:, None] == 0, start.shape)

    return plan


def _steps(name, start, stop, horizon):
    """Returns (first, last) of the steps that predict a split's values; `last` is not included."""
    if stop - start < horizon:
        raise ValueError(
            f"data.horizon={horizon}: the {name} split has only {stop - start} values; give it a larger share "
            f"(data.{name}=...) or shorten the horizon"
        )
    return start - 1, stop - horizon


def _refuse_unknown(series, spans):
    """Raises ValueError for a part of the series without a known target."""
    for name, (start, stop) in spans.items() if series.missing is not None else ():
        if np.isnan(series.targets(np.arange(start, stop))).all():
            raise ValueError(
                f"data.missing: all targets of the {name} part are missing; choose other data.validation and data.test"
            )


def _windows(inputs, targets, window, first, last):
    """Returns the `Batch` of the windows that end at each step of the range; only their last step counts."""
    window = min(window, first + 1)
    ends = np.arange(first, last)
    windows = Windows(inputs, targets, jnp.asarray(ends + 1 - window, jnp.int32), window)
    last_targets, weights = _last_targets(targets, ends, inputs.dtype)
    return Batch(windows, last_targets, weights, jnp.asarray(np.ones(len(ends), bool)))


@partial(jax.jit, static_argnums=2)
def _last_targets(targets, ends, dtype):
    values = targets[ends][None]
    return values, known_share(values).astype(dtype)


@partial(jax.jit, static_argnums=(2, 3, 4))
def _sequence(inputs, targets, warm_up, first, last):
    """Returns the `Batch` of the range as one sequence, after up to `warm_up` steps that do not count."""
    steps = np.arange(max(first - warm_up, 0), last)[:, None]
    weights = (steps >= first) * known_share(targets[steps])
    return Batch(inputs[steps], targets[steps], weights.astype(inputs.dtype), jnp.ones(1, bool))
