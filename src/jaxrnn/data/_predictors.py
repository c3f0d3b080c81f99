"""Predictors of a series to compare a network with: the last value, the value a season before, a linear autoregression,
an echo state network. Each is a function of the inputs, xs [T, B, D] -> points [T, B, h V], fitted to the training
part.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from jaxrnn.windows import Windows

LAGS = 24  # of the linear autoregression at most, where the network reads one value a step
UNITS = 100  # of the echo state network
ROWS = 50_000  # that it is fitted to, at most, evenly spread over the training part
WINDOWS = 1000  # that the echo state network and the spread of the forecasts are fitted to, at most
PENALTIES = 10.0 ** np.arange(-6, 3)  # of the ridge regressions, relative to the mean square of the features


def last_value(series):
    """What was seen last comes again, at every step to come."""
    width = series.values.shape[1]
    return lambda xs: jnp.tile(xs[..., :width], series.horizon)


def season_before(series, season):
    """What was seen a season before; the horizon is at most a season."""
    width = series.values.shape[1]

    def predict(xs):
        longer, steps = _with_history(xs[..., :width], season), len(xs)
        return jnp.concatenate([longer[j : j + steps] for j in range(1, series.horizon + 1)], axis=-1)

    return predict


def linear(series, train, lags):
    """A linear function of the last values and of what else the network reads (ridge regression).

    Args:
      series: a `Series`.
      train: n, values to fit.
      lags: how many of the last values; those before a sequence are taken to be its first one.
    """
    width, steps = series.values.shape[1], np.arange(lags - 1, train)
    steps = steps[np.linspace(0, len(steps) - 1, min(len(steps), ROWS)).astype(int)]
    xs = series._replace(lags=max(lags, series.lags)).inputs(steps)
    weights, bias = ridge(xs, series.targets(steps), series.horizon)
    return lambda xs: features(xs, width, series.lags, lags) @ weights + bias


def features(xs, width, read, lags):
    """The last `lags` values at each step and what else xs [T, B, D] hold, of inputs with `read` lags already."""
    if lags <= read:
        return xs
    rest = xs[..., read * width :]
    longer, steps = _with_history(xs[..., :width], lags - 1), len(xs)
    past = [longer[lags - 1 - lag : lags - 1 - lag + steps] for lag in range(lags)]
    return (np if isinstance(xs, np.ndarray) else jnp).concatenate([*past, rest], axis=-1)


def ridge(xs, ys, horizon=0):
    """(weights [D, K], bias [K]) of ys [n, K] given xs [n, D], rows in time order; targets reach `horizon` steps ahead.

    The penalty is the one of nine that does best on the last fifth of the rows. A target that is NaN is left out.
    """
    count = len(xs) - horizon  # the last ones have targets beyond the training part
    xs, ys = xs[:count], ys[:count]
    known, column = np.unique(~np.isnan(ys), axis=1, return_inverse=True)
    weights, bias = np.zeros((xs.shape[1], ys.shape[1])), np.zeros(ys.shape[1])
    for pattern, rows in enumerate(known.T):
        if rows.any():
            columns = np.flatnonzero(column == pattern)
            weights[:, columns], bias[columns] = _ridge(xs[rows], ys[rows][:, columns], horizon)
    return weights, bias


def _ridge(xs, ys, horizon):
    count, held = len(xs), max(len(xs) // 5, 1)
    middle, center = xs.mean(axis=0), ys.mean(axis=0)
    scale = np.maximum(xs.std(axis=0), 1e-9)
    xs = (xs - middle) / scale

    def of_rows(rows):
        square, product, size = xs[rows].T @ xs[rows], xs[rows].T @ (ys[rows] - center), len(xs[rows])
        return lambda penalty: np.linalg.solve(square + penalty * size * np.eye(len(square)), product)

    early, late = of_rows(slice(0, max(count - held - horizon, 1))), slice(count - held, count)
    errors = [np.mean((xs[late] @ early(penalty) + center - ys[late]) ** 2) for penalty in PENALTIES]
    weights = of_rows(slice(None))(PENALTIES[int(np.argmin(errors))]) / scale[:, None]
    return weights, center - middle @ weights


def echo_state(series, windows):
    """An echo state network (Jaeger 2001): fixed random units and a linear readout of the window's last state.

    h_t = 0.5 h_{t-1} + 0.5 tanh(x_t W + h_{t-1} R), 100 units, R of spectral radius 0.9 with one weight in ten.

    Args:
      series: a `Series`.
      windows: () -> a `Batch` of windows of the training part, in time order, the last steps' targets to fit.
    """
    rng = np.random.default_rng(0)
    recurrent = rng.normal(size=(UNITS, UNITS)) * (rng.random((UNITS, UNITS)) < 0.1)
    recurrent *= 0.9 / np.abs(np.linalg.eigvals(recurrent)).max()

    w = rng.uniform(-0.5, 0.5, (series.inputs([0]).shape[1], UNITS))

    def states(xs):
        def step(h, x):
            h = 0.5 * h + 0.5 * jnp.tanh(x @ w.astype(x.dtype) + h @ recurrent.astype(x.dtype))
            return h, h

        hs = jax.lax.scan(step, jnp.zeros((xs.shape[1], UNITS), xs.dtype), xs)[1]
        return jnp.concatenate([hs, xs], axis=-1)

    @functools.cache
    def readout():
        with jax.ensure_compile_time_eval():  # it may be asked for while a program is traced
            batch = windows()
            return ridge(np.asarray(states(batch.xs)[-1], float), np.asarray(batch.targets[-1], float))

    def predict(xs):
        weights, bias = readout()
        return states(xs) @ weights + bias

    return predict


def spread_around(predict, distribution, windows):
    """Batch -> ys [T, B, K]: a predictor's points with the spread that its errors on the training part had."""

    @functools.cache
    def spread():
        with jax.ensure_compile_time_eval():  # it may be asked for while a program is traced
            batch = windows()
            error = np.asarray(predict(batch.xs)[-1]) - np.asarray(batch.targets[-1])
        return np.maximum(np.nanstd(error, axis=0), 1e-6)

    return lambda batch: distribution.around(points(predict, batch.xs), spread())


def points(predict, xs):
    """What a predictor says of xs [T, B, D], [T, B, h V]; of `Windows` at their last steps, [1, B, h V]."""
    return xs.last_outputs(predict) if isinstance(xs, Windows) else predict(xs)


def _with_history(values, count):
    """Values [T, B, V] with the first one `count` times before them."""
    library = np if isinstance(values, np.ndarray) else jnp
    return library.concatenate([library.repeat(values[:1], count, axis=0), values])
