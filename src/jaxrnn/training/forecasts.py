"""How good forecasts are by how far ahead they are made, of a network and of the baselines beside it."""

import jax.numpy as jnp
import numpy as np

from jaxrnn.errors import ConfigError
from jaxrnn.precision import in_own_precision
from jaxrnn.training.priming import primed
from jaxrnn.types import Batch

MOST = 500  # places of the series that forecasts are made from


@in_own_precision
def by_lead(run, horizon):
    """The mean absolute scaled error at 1, 2, ... steps ahead, over the part of the series after its handover.

    A forecast is made from every step, or from 500 of them: at once where the outputs reach so many steps ahead, else
    step after step, the medians being read as if they were true; of the baselines likewise.

    Args:
      run: a `Run` on a series.
      horizon: H, steps ahead.

    Returns:
      {name: [H]}, the network's first.

    Raises:
      ConfigError: if the data are no series, the network cannot go on by itself, or not so far;
        or if the naive forecast makes no errors to scale others by.
    """
    first = primed(run.task, length=horizon)
    dataset, series = run.dataset, run.dataset.series
    if len(series.values) - first.start < horizon:
        raise ConfigError(f"horizon={horizon}: {len(series.values) - first.start} values follow the handover")
    if np.isnan(series.naive_error).any():
        raise ConfigError(f"horizon={horizon}: the errors cannot be scaled: the last value or the value a season "
                          "before is never wrong over the training part")  # fmt: skip
    starts = np.arange(first.start, len(series.values) - horizon + 1)
    starts = starts[np.linspace(0, len(starts) - 1, min(len(starts), MOST)).astype(int)]
    at = starts + np.arange(-first.prime, 0)[:, None]
    xs = jnp.asarray(series.inputs(at.ravel()).reshape(*at.shape, -1), float)
    ahead = None
    if series.known is not None:
        ahead = jnp.stack([jnp.asarray(series.ahead(starts + lead), float) for lead in range(horizon)])
    said = {"network": run.evaluator.generate(run.params, first._replace(xs=xs, ahead=ahead))}
    for name, predict in dataset.baselines.items():
        said[name] = _continued(dataset, predict, xs, ahead, horizon)
    truth = series.truth()[starts + np.arange(horizon)[:, None]]
    known = ~np.isnan(truth)
    errors = {name: np.abs(series.differences(np.asarray(values), truth)) for name, values in said.items()}
    return {
        name: np.where(known, error / series.naive_error, 0).sum(axis=(1, 2)) / np.maximum(known.sum(axis=(1, 2)), 1)
        for name, error in errors.items()
    }


def _continued(dataset, predict, xs, ahead, horizon):
    """What a predictor goes on with after the inputs xs [T, n, D]: [horizon, n, V]."""
    series, found = dataset.series, []

    def say(xs):
        return dataset.distribution.median(predict(Batch(xs, None, None, None)))[-1]

    if series.horizon > 1:
        values = say(xs)
        return jnp.moveaxis(values.reshape(len(values), series.horizon, -1), 1, 0)[:horizon]
    for lead in range(horizon):
        found.append(say(xs))
        new = series.following(xs[-1], found[-1], None if ahead is None else ahead[lead])
        xs = jnp.concatenate([xs, new[None]])
    return jnp.stack(found)
