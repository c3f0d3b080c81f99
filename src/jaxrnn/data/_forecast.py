"""Forecasting a series: windows cut from it, the value after each step as the target, splits in time.

The data sets of one series build on `forecast`; they differ in where the values come from.
"""

from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np

from jaxrnn.losses import squared_error
from jaxrnn.types import Batch, Dataset, Series

Target = Literal["every", "last"]
LAGS = 24  # of the linear autoregression at most


def forecast(series, window, train, splits, target: Target = "every", stateful=False):
    """The data set whose target is the next value of a series.

    Args:
      series: a `Series`.
      window: T, steps a window.
      train: n; training sees the values before index n and no other, as inputs and as targets.
      splits: {name: (start, stop)}; every value of the range is predicted from the `window` values before it.
      target: "every" asks for the next value at every step, "last" for the value after the window alone.
      stateful: windows in order, each of B rows going on through a share of its own of the training values, and back
        at its beginning, with a fresh carry, after each epoch; the splits are then single sequences whose warm-up, as
        long as a training epoch, does not count. Otherwise windows at all offsets, shuffled anew each epoch.

    Raises:
      ValueError: if the window is longer than the training part.
    """
    if window >= train:
        raise ValueError(
            f"data.window={window} is longer than the training part of the series: {train} values hold windows of "
            f"{train - 1} steps at most"
        )
    values, steps = series.values, np.arange(window)
    weights = np.where(steps == window - 1, 1.0, 1.0 if target == "every" else 0.0)

    def batch(arrays, items):
        start, fresh = items
        at = start + steps[:, None]
        return Batch(
            arrays[at], arrays[at + 1], jnp.broadcast_to(weights[:, None].astype(arrays.dtype), at.shape), fresh
        )

    if stateful:
        rows, plan = (train - 1) // window, in_order(train - 1, window)
        evaluated = {name: _sequence(values, train, *span) for name, span in splits.items()}
    else:
        rows, plan = train - window, shuffled(train - window)
        evaluated = {name: _windows(values, window, *span) for name, span in splits.items()}
    return Dataset(
        input_size=values.shape[1],
        output_size=values.shape[1],
        rows=rows,
        arrays=jnp.asarray(values, float),
        plan=plan,
        batch=batch,
        splits=evaluated,
        loss=squared_error,
        baselines={"last value": last_value},
        continues=stateful,
        series=series,
    )


def last_value(batch):
    """The trivial forecast: what was seen last comes again. Returns ys [T, B, K], the inputs."""
    return batch.xs


def shuffled(rows):
    """A plan of `rows` windows in an order drawn anew each epoch; what does not fill a batch waits for another epoch.

    Returns:
      (key, steps [n], batch_size B) -> (start [n, B], fresh [n, B]).
    """

    def plan(key, steps, batch_size):
        per_epoch = rows // batch_size
        epochs = steps[0] // per_epoch + jnp.arange(len(steps) // per_epoch + 2)
        orders = jax.vmap(lambda epoch: jax.random.permutation(jax.random.fold_in(key, epoch), rows))(epochs)
        places = steps % per_epoch * batch_size
        start = orders[(steps // per_epoch - epochs[0])[:, None], places[:, None] + jnp.arange(batch_size)]
        return start, jnp.ones(start.shape, bool)

    return plan


def in_order(length, window):
    """A plan of windows in order: B rows, each going through length // B steps, fresh at the start of each epoch.

    Returns:
      (key, steps [n], batch_size B) -> (start [n, B], fresh [n, B]).
    """

    def plan(key, steps, batch_size):
        share = length // batch_size
        place = steps % (share // window)
        start = place[:, None] * window + share * jnp.arange(batch_size)
        return start, jnp.broadcast_to(place[:, None] == 0, start.shape)

    return plan


def forecast_in_time(values, window, validation, test, target, times, time_label, value_label):
    """`forecast` of a measured series, split in time and scaled by the mean and deviation of its training part alone.

    Args:
      values: [N], in the source's units.
      validation, test: the shares of the series, at its end, that validate and test; a share of zero is no split.
      times, time_label, value_label: as in `Series`.
      window, target: as in `forecast`.

    Raises:
      ValueError: if the shares leave nothing to train on, or the window is longer than what they leave.
    """
    if validation + test >= 1:
        raise ValueError(f"data.validation={validation} and data.test={test} leave nothing to train on")
    start, test_start = round(len(values) * (1 - test - validation)), round(len(values) * (1 - test))
    mean, std = float(np.mean(values[:start])), float(np.std(values[:start])) or 1.0
    scaled = ((values - mean) / std)[:, None]
    series = Series(scaled, mean, std, times, test_start, time_label, value_label)
    spans = {"validation": (start, test_start), "test": (test_start, len(values))}
    splits = {name: span for name, span in spans.items() if span[0] < span[1]}
    made = forecast(series, window, start, splits, target)
    linear = autoregression(scaled[:start, 0], max(1, min(LAGS, window, start // 4)))
    return made._replace(baselines=made.baselines | {"linear autoregression": linear})


def autoregression(training, lags):
    """Batch -> ys [T, B, 1]: the next value as a linear function of the `lags` last ones, by ridge regression.

    The penalty is a millionth of the sum of squares of the values. Before a sequence has so many values its first one
    stands for them.

    Args:
      training: [n] values to fit.
      lags: how many values.
    """
    past = np.lib.stride_tricks.sliding_window_view(training, lags)[:-1, ::-1]  # the last value first
    past = np.concatenate([past, np.ones((len(past), 1))], axis=1)
    penalty = 1e-6 * np.sum(training**2) * np.eye(lags + 1)
    weights = np.linalg.solve(past.T @ past + penalty, past.T @ training[lags:])

    def predict(batch):
        longer = jnp.concatenate([jnp.broadcast_to(batch.xs[:1], (lags, *batch.xs.shape[1:])), batch.xs])
        steps = len(batch.xs)
        return weights[-1] + sum(weights[k] * longer[lags - k : lags - k + steps] for k in range(lags))

    return predict


def _windows(values, window, start, stop):
    """Every value in [start, stop) as the target of the window before it: xs [T, stop - start, D]."""
    at = np.arange(start, stop) - window + np.arange(window)[:, None]
    weights = np.broadcast_to((np.arange(window) == window - 1)[:, None], at.shape)
    return _on_device(values, at, weights)


def _sequence(values, warm_up, start, stop):
    """[start, stop) as the targets of one sequence, after `warm_up` steps at most that do not count: xs [T, 1, D]."""
    begin = max(start - 1 - warm_up, 0)
    at = np.arange(begin, stop - 1)[:, None]
    return _on_device(values, at, at + 1 >= start)


def _on_device(values, at, weights):
    """The batch of the values at the indices `at` [T, B], each row from a fresh carry, their successors as targets."""
    arrays = (jnp.asarray(a, float) for a in (values[at], values[at + 1], weights))
    return Batch(*arrays, fresh=jnp.asarray(np.ones(at.shape[1], bool)))
