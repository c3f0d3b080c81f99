"""Forecasting a series: windows cut from it, the values after each step as the targets, splits in time.

The data sets of one series build on `forecast`; they differ in where the values come from.
"""

from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np

from jaxrnn.data._predictors import last_value, points
from jaxrnn.distributions import point
from jaxrnn.losses import mean_of_known
from jaxrnn.types import Batch, Dataset
from jaxrnn.windows import Windows, known_share

Target = Literal["every", "last"]
BLOCK = 2**16  # steps
POINT = point.distribution()


def forecast(series, window, train, splits, target: Target = "every", stateful=False, distribution=POINT, history=0):
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
      distribution: a `Distribution` of each value.
      history: steps that the splits' windows have at least, where baselines look back so far.

    Raises:
      ValueError: if the window is longer than the training part, or a split shorter than the horizon.
    """
    first, last = series.lags - 1, train - series.horizon  # steps whose inputs and targets are of the training part
    rows = _window_count(last - first, window, train)
    arrays = inputs, targets = tuple(_on_device(read, len(series.values)) for read in (series.inputs, series.targets))
    spans = {name: _steps(name, *span, series.horizon) for name, span in splits.items()}
    _refuse_unknown(series, {"training": (first, last), **spans})
    if stateful:
        rows, plan, split = (last - first) // window, in_order(last - first, window), _sequence
        places = {name: (train, *span) for name, span in spans.items()}
    else:
        plan, split = shuffled(rows), _windows
        places = {name: (max(window, history), *span) for name, span in spans.items()}
    return Dataset(
        input_size=inputs.shape[1],
        output_size=distribution.size * targets.shape[1],
        rows=rows,
        arrays=arrays,
        plan=plan,
        batch=_cut(first, window, target),
        splits={name: split(*arrays, *place) for name, place in places.items()},
        loss=_loss(distribution, series),
        loss_name=distribution.loss_name,
        baselines={"last value": lambda batch: points(last_value(series), batch.xs)},
        continues=stateful,
        series=series.with_naive_error(train),
        distribution=distribution,
        targets="per_sequence" if target == "last" else "next_step",
    )


def _window_count(steps, window, train):
    """How many windows so many steps of the training part hold."""
    if steps < window:
        raise ValueError(
            f"data.window={window} is longer than the training part of the series: {train} values hold windows of "
            f"{max(steps, 0)} steps at most"
        )
    return steps - window + 1


def _on_device(read, count):
    """[N, D] on the device of what `read` gives of steps [n]; blocks of them bound the memory that float64 takes."""
    blocks = (np.arange(at, min(at + BLOCK, count)) for at in range(0, count, BLOCK))
    return jnp.concatenate([jnp.asarray(read(steps), float) for steps in blocks])


def _cut(first, window, target):
    """((inputs, targets), (start [B], fresh [B])) -> the `Batch` of windows, counted from the step `first` on."""
    steps = np.arange(window)
    weights = np.where(steps == window - 1, 1.0, 1.0 if target == "every" else 0.0)

    def batch(arrays, items):
        (xs, ys), (start, fresh) = arrays, items
        at = first + start + steps[:, None]
        return Batch(xs[at], ys[at], (weights[:, None] * known_share(ys[at])).astype(xs.dtype), fresh)

    return batch


def _loss(distribution, series):
    """(ys, values) -> [T, B], the mean loss of the values after a step that are known."""
    if series.missing is None and series.informed is None:
        return lambda ys, values: jnp.mean(distribution.loss(ys, values), axis=-1)
    return lambda ys, values: mean_of_known(distribution.loss, ys, values)


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


def _refuse_unknown(series, spans):
    """Refuses parts of the series of whose targets none is known."""
    for name, (start, stop) in spans.items() if series.missing is not None else ():
        if np.isnan(series.targets(np.arange(start, stop))).all():
            raise ValueError(f"data.missing: no value that the {name} part asks for is known")


def _windows(inputs, targets, window, first, last):
    """The `Batch` of the windows that end with each step of the range, of which the last step counts."""
    window = min(window, first + 1)
    ends = np.arange(first, last)
    windows = Windows(inputs, targets, jnp.asarray(ends + 1 - window, jnp.int32), window)
    weights = known_share(targets[ends]).astype(inputs.dtype)
    return Batch(windows, targets[ends][None], weights[None], jnp.ones(len(ends), bool))


def _sequence(inputs, targets, warm_up, first, last):
    """The `Batch` of the range as one sequence, after `warm_up` steps at most that do not count."""
    at = np.arange(max(first - warm_up, 0), last)[:, None]
    weights = (at >= first) * known_share(targets[at])
    return Batch(inputs[at], targets[at], weights.astype(inputs.dtype), jnp.ones(1, bool))
