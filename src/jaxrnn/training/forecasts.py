"""Errors of the forecasts of a network and of its baselines, by the number of steps ahead."""

import jax.numpy as jnp
import numpy as np

from jaxrnn.batch import of_inputs
from jaxrnn.errors import ConfigError
from jaxrnn.precision import in_own_precision
from jaxrnn.training.priming import generation_inputs

MAX_STARTS = 500  # steps of the series from which forecasts are made


@in_own_precision
def by_lead(run, horizon):
    """Mean absolute scaled error at 1, 2, ... H steps ahead, over the part of the series after its handover.

    Forecasts start at every step, or at 500 steps of a longer series. A network with horizon 1 runs freely: step by
    step, it reads its own medians as inputs. A network with a longer horizon predicts all H steps at once. The
    baselines do the same.

    Args:
      run: a `Run` on a time series.
      horizon: H, the number of steps ahead.

    Returns:
      {name: [H]}, with the network first.

    Raises:
      ConfigError: if the data set is not a time series, the network cannot continue it by itself or for H steps,
        or the naive forecast is exact, so that its error cannot scale the others.
    """
    first = generation_inputs(run.task, length=horizon)
    dataset, series = run.dataset, run.dataset.series
    if len(series.values) - first.start < horizon:
        count = len(series.values) - first.start
        raise ConfigError(f"horizon={horizon}: only {count} values follow the handover of the series")
    if np.isnan(series.naive_error).any():
        raise ConfigError(
            f"horizon={horizon}: the errors cannot be scaled: the naive forecast, the last value or the value one "
            "season before, is exact over the training part"
        )
    starts = np.arange(first.start, len(series.values) - horizon + 1)
    starts = starts[np.linspace(0, len(starts) - 1, min(len(starts), MAX_STARTS)).astype(int)]
    indices = starts + np.arange(-first.prime, 0)[:, None]
    xs = jnp.asarray(series.inputs(indices.ravel()).reshape(*indices.shape, -1), float)
    ahead = None
    if series.future_covariates is not None:
        ahead = jnp.stack([jnp.asarray(series.ahead(starts + lead), float) for lead in range(horizon)])
    forecasts = {"network": run.evaluator.generate(run.params, first._replace(xs=xs, ahead=ahead))}
    for name, predict in dataset.baselines.items():
        forecasts[name] = _continue(dataset, predict, xs, ahead, horizon)
    truth = series.truth()[starts + np.arange(horizon)[:, None]]
    is_known = ~np.isnan(truth)
    errors = {name: np.abs(series.differences(np.asarray(values), truth)) for name, values in forecasts.items()}
    return {
        name: np.where(is_known, error / series.naive_error, 0).sum(axis=(1, 2))
        / np.maximum(is_known.sum(axis=(1, 2)), 1)
        for name, error in errors.items()
    }


def _continue(dataset, predict, xs, ahead, horizon):
    """Continues the inputs xs [T, n, D] with a predictor: medians [horizon, n, V]."""
    series, medians = dataset.series, []

    def next_median(xs):
        return series.distribution.median(predict(of_inputs(xs)))[-1]

    if series.horizon > 1:
        values = next_median(xs)
        return jnp.moveaxis(values.reshape(len(values), series.horizon, -1), 1, 0)[:horizon]
    for lead in range(horizon):
        medians.append(next_median(xs))
        next_input = series.following(xs[-1], medians[-1], None if ahead is None else ahead[lead])
        xs = jnp.concatenate([xs, next_input[None]])
    return jnp.stack(medians)
