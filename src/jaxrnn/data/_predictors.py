"""Baseline predictors of a series, to compare a network with.

They are persistence, seasonal persistence, a linear autoregression and an echo state network. Each is a function of
the inputs, xs [T, B, D] -> points [T, B, h V], fitted to the training part.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from jaxrnn.windows import Windows

LAGS = 24  # largest number of lags of the linear autoregression if the network reads one value per step
UNITS = 100  # units of the echo state network
MAX_ROWS = 50_000  # steps that fit the linear autoregression, evenly spread over the training part
WINDOWS = 1000  # largest number of windows that fit the echo state network and the spread of the forecasts
PENALTIES = 10.0 ** np.arange(-6, 3)  # candidate penalties of the ridge regressions, times the number of rows


def last_value(series):
    """Persistence: predicts the last seen value for every future step."""
    width = series.values.shape[1]
    return lambda xs: jnp.tile(xs[..., :width], series.horizon)


def season_before(series, season):
    """Seasonal persistence: predicts the value one season before; the horizon is at most a season."""
    width = series.values.shape[1]

    def predict(xs):
        longer, steps = _with_history(xs[..., :width], season), len(xs)
        return jnp.concatenate([longer[j : j + steps] for j in range(1, series.horizon + 1)], axis=-1)

    return predict


def linear(parts, lags):
    """Ridge regression on the last values and the network's other inputs.

    Args:
      parts: [(series, n), ...], each `Series` with the number of values to fit.
      lags: the number of last values; values before the start of a sequence are taken to equal its first.
    """
    rows, first = [], parts[0][0]
    for number, (series, train) in enumerate(parts):
        steps = np.arange(lags - 1, train)
        steps = steps[np.linspace(0, len(steps) - 1, min(len(steps), MAX_ROWS // len(parts))).astype(int)]
        if number < len(parts) - 1:  # `ridge` leaves out the last rows, whose targets lie beyond the training part
            steps = steps[: len(steps) - series.horizon]
        rows.append((series._replace(lags=max(lags, series.lags)).inputs(steps), series.targets(steps)))
    xs, targets = (np.concatenate(arrays) for arrays in zip(*rows, strict=True))
    weights, bias = ridge(xs, targets, first.horizon)
    width = first.values.shape[1]
    return lambda xs: features(xs, width, first.lags, lags) @ weights + bias


def features(xs, width, read, lags):
    """Extends the lags of inputs xs [T, B, D]; their other columns stay last.

    Args:
      xs: the inputs.
      width: V, the number of values per lag.
      read: number of lags that xs hold.
      lags: number of lags of the result.
    """
    if lags <= read:
        return xs
    covariates = xs[..., read * width :]
    longer, steps = _with_history(xs[..., :width], lags - 1), len(xs)
    past = [longer[lags - 1 - lag : lags - 1 - lag + steps] for lag in range(lags)]
    return (np if isinstance(xs, np.ndarray) else jnp).concatenate([*past, covariates], axis=-1)


def ridge(xs, ys, horizon=0):
    """Fits ys [n, K] to xs [n, D] and returns (weights [D, K], bias [K]).

    Rows are in time order and targets reach `horizon` steps ahead. Of nine penalties, the one with the smallest error
    on the last fifth of the rows is used. NaN targets are left out.
    """
    count = len(xs) - horizon  # the targets of the last rows lie beyond the training part
    xs, ys = xs[:count], ys[:count]
    patterns, pattern_of_column = np.unique(~np.isnan(ys), axis=1, return_inverse=True)  # columns that share gaps
    weights, bias = np.zeros((xs.shape[1], ys.shape[1])), np.zeros(ys.shape[1])
    for pattern, rows in enumerate(patterns.T):
        if rows.any():
            columns = np.flatnonzero(pattern_of_column == pattern)
            weights[:, columns], bias[columns] = _ridge(xs[rows], ys[rows][:, columns], horizon)
    return weights, bias


def _ridge(xs, ys, horizon):
    count, held_out = len(xs), max(len(xs) // 5, 1)
    xs_mean, ys_mean = xs.mean(axis=0), ys.mean(axis=0)
    scale = np.maximum(xs.std(axis=0), 1e-9)
    xs = (xs - xs_mean) / scale

    def solver(rows):
        gram, product, size = xs[rows].T @ xs[rows], xs[rows].T @ (ys[rows] - ys_mean), len(xs[rows])
        return lambda penalty: np.linalg.solve(gram + penalty * size * np.eye(len(gram)), product)

    early, late = solver(slice(0, max(count - held_out - horizon, 1))), slice(count - held_out, count)
    errors = [np.mean((xs[late] @ early(penalty) + ys_mean - ys[late]) ** 2) for penalty in PENALTIES]
    weights = solver(slice(None))(PENALTIES[int(np.argmin(errors))]) / scale[:, None]
    return weights, ys_mean - xs_mean @ weights


def echo_state(series, windows):
    """Echo state network (Jaeger 2001): fixed random units and a linear readout of state and input.

    h_t = 0.5 h_{t-1} + 0.5 tanh(x_t W + h_{t-1} R) with 100 units. R has spectral radius 0.9, and one weight in ten
    is not zero. The readout is fitted at the last step of each window.

    Args:
      series: a `Series`.
      windows: () -> a `Batch` of windows of the training part, in time order.
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
        with jax.ensure_compile_time_eval():  # the first call may come while a program is traced
            batch = windows()
            return ridge(np.asarray(states(batch.xs)[-1], float), np.asarray(batch.targets[-1], float))

    def predict(xs):
        weights, bias = readout()
        return states(xs) @ weights + bias

    return predict


def spread_around(predict, distribution, windows):
    """Returns Batch -> ys [T, B, K]: a predictor's points with the spread of its errors on the training part.

    Args:
      predict: xs -> points, one of the predictors above.
      distribution: the distribution that the outputs describe.
      windows: () -> a `Batch` of windows of the training part.
    """

    @functools.cache
    def spread():
        with jax.ensure_compile_time_eval():  # the first call may come while a program is traced
            batch = windows()
            error = np.asarray(predict(batch.xs)[-1]) - np.asarray(batch.targets[-1])
        return np.maximum(np.nanstd(error, axis=0), 1e-6)

    return lambda batch: distribution.around(points(predict, batch.xs), spread())


def points(predict, xs):
    """Applies a predictor to xs [T, B, D] -> [T, B, h V]; to the last steps of `Windows` -> [1, B, h V]."""
    return xs.last_outputs(predict) if isinstance(xs, Windows) else predict(xs)


def _with_history(values, count):
    """Prepends `count` copies of the first of values [T, B, V]."""
    library = np if isinstance(values, np.ndarray) else jnp
    return library.concatenate([library.repeat(values[:1], count, axis=0), values])
