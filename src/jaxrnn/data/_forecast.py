"""Forecasting a series: windows cut from it, the values after each step as the targets, splits in time.

The data sets of one series build on `forecast`; they differ in where the values come from.
"""

from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np

from jaxrnn.data._predictors import last_value
from jaxrnn.distributions import point
from jaxrnn.types import Batch, Dataset

Target = Literal["every", "last"]


def forecast(series, window, train, splits, target: Target = "every", stateful=False, distribution=None, history=0):
    """The data set whose targets are the next values of a series.

    Args:
      series: a `Series`; its `horizon` says how many values are asked for at a step.
      window: T, steps a window.
      train: n; training sees the values before index n and no other, as inputs and as targets.
      splits: {name: (start, stop)}; every value of the range is predicted from the `window` values before it, or those
        `horizon` values that begin with it.
      target: "every" asks for the values after every step, "last" for those after the window alone.
      stateful: windows in order, each of B rows going on through a share of its own of the training values, and back
        at its beginning, with a fresh carry, after each epoch; the splits are then single sequences whose warm-up, as
        long as a training epoch, does not count. Otherwise windows at all offsets, shuffled anew each epoch.
      distribution: a `Distribution` of each value; None for the values themselves.
      history: steps that the splits' windows have at least, where baselines look back so far.

    Raises:
      ValueError: if the window is longer than the training part, or a split shorter than the horizon.
    """
    first, last = series.lags - 1, train - series.horizon  # steps whose inputs and targets are of the training part
    rows = last - first - window + 1
    if rows < 1:
        raise ValueError(
            f"data.window={window} is longer than the training part of the series: {train} values hold windows of "
            f"{max(last - first, 0)} steps at most"
        )
    distribution = point.distribution() if distribution is None else distribution
    series = series.with_naive_error(train) if series.naive_error is None else series
    inputs, targets = series.inputs(), series.targets()
    spans = {name: _steps(name, *span, series.horizon) for name, span in splits.items()}
    if stateful:
        rows, plan = (last - first) // window, in_order(last - first, window)
        places = {name: _sequence(train, *span) for name, span in spans.items()}
    else:
        plan = shuffled(rows)
        places = {name: _windows(max(window, history), *span) for name, span in spans.items()}
    return Dataset(
        input_size=inputs.shape[1],
        output_size=distribution.size * targets.shape[1],
        rows=rows,
        arrays=(jnp.asarray(inputs, float), jnp.asarray(targets, float)),
        plan=plan,
        batch=_cut(first, window, target),
        splits={name: _on_device(inputs, targets, *place) for name, place in places.items()},
        loss=lambda ys, values: jnp.mean(distribution.loss(ys, values), axis=-1),
        loss_name=distribution.loss_name,
        baselines={"last value": lambda batch: last_value(series)(batch.xs)},
        continues=stateful,
        series=series,
        distribution=distribution,
        targets="per_sequence" if target == "last" else "next_step",
    )


def _cut(first, window, target):
    """((inputs, targets), (start [B], fresh [B])) -> the `Batch` of windows, counted from the step `first` on."""
    steps = np.arange(window)
    weights = np.where(steps == window - 1, 1.0, 1.0 if target == "every" else 0.0)

    def batch(arrays, items):
        (xs, ys), (start, fresh) = arrays, items
        at = first + start + steps[:, None]
        return Batch(xs[at], ys[at], jnp.broadcast_to(weights[:, None].astype(xs.dtype), at.shape), fresh)

    return batch


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


def _steps(name, start, stop, horizon):
    """(first, last) of the steps after which a split's values are asked for, the last one not included."""
    if stop - start < horizon:
        raise ValueError(
            f"data.horizon={horizon}: the {name} split holds {stop - start} values; give it a larger share "
            f"(data.{name}=...) or a shorter horizon"
        )
    return start - 1, stop - horizon


def _windows(window, first, last):
    """(steps [T, n], weights): every step of the range as the last one of a window; the last one alone counts."""
    window = min(window, first + 1)
    at = np.arange(first, last) + 1 - window + np.arange(window)[:, None]
    return at, np.broadcast_to((np.arange(window) == window - 1)[:, None], at.shape)


def _sequence(warm_up, first, last):
    """(steps [T, 1], weights): the range as one sequence, after `warm_up` steps at most that do not count."""
    at = np.arange(max(first - warm_up, 0), last)[:, None]
    return at, at >= first


def _on_device(inputs, targets, at, weights):
    """The batch of the steps `at` [T, B], each row from a fresh carry."""
    arrays = (jnp.asarray(a, float) for a in (inputs[at], targets[at], weights))
    return Batch(*arrays, fresh=jnp.asarray(np.ones(at.shape[1], bool)))
