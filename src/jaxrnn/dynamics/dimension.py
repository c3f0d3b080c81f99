"""The dimension of a network's states, their time constants, and their memory of the input."""

import numpy as np


def variances(states):
    """Returns the variances of states [T, n] along their principal components: [n], descending."""
    centred = states - states.mean(axis=0)
    return np.sort(np.linalg.eigvalsh(centred.T @ centred / len(states)))[::-1].clip(0)


def participation_ratio(variances):
    """Returns (sum of variances)^2 / (sum of their squares), an effective dimension (Gao et al. 2017).

    It is n for n equal variances and 1 if only one is not zero.
    """
    squared = np.sum(np.square(variances))
    return float(np.sum(variances) ** 2 / squared) if squared > 0 else float("nan")


def time_constants(states):
    """Returns the number of steps until the autocorrelation of each unit falls below 1/e: states [T, B, n] -> [n].

    The result is interpolated linearly between steps. It is NaN for a constant unit, and for a unit whose
    autocorrelation stays above 1/e.
    """
    centred = states - states.mean(axis=(0, 1))
    steps = len(states)
    spectrum = np.abs(np.fft.rfft(centred, 2 * steps, axis=0)) ** 2
    correlation = np.fft.irfft(spectrum, axis=0)[:steps].sum(axis=1) / (steps - np.arange(steps))[:, None]
    constants = np.full(states.shape[-1], np.nan)
    for unit, covariance in enumerate(correlation.T):
        if covariance[0] > 1e-20:
            normalized = covariance / covariance[0]
            below = np.flatnonzero(normalized < np.exp(-1))
            if len(below):
                step = below[0]
                before, after = normalized[step - 1], normalized[step]
                constants[unit] = step - 1 + (before - np.exp(-1)) / (before - after)
    return constants


def memory_capacity(inputs, states, lags):
    """Returns how well a linear readout of the states recovers the input of k steps ago, for k = 0 ... lags - 1.

    The measure is the squared correlation at each lag (Jaeger 2001, "Short term memory in echo state networks"). Its
    sum over all lags, including k = 0, is at most n, and in general n for a linear network. The readout is fitted on
    the first half of the steps and evaluated on the second half, and the correlation expected by chance is subtracted.

    Args:
      inputs: [T], drawn independently.
      states: [T, n], the states after each input.
      lags: K, the number of lags.

    Returns:
      The squared correlations [K].
    """
    targets = np.stack([inputs[lags - k : len(inputs) - k] for k in range(lags)], axis=1)
    rows = np.concatenate([states[lags:], np.ones((len(states) - lags, 1))], axis=1)
    scale = np.abs(rows).max(axis=0)
    rows = rows / np.where(scale > 0, scale, 1.0)
    half = len(rows) // 2
    weights = np.linalg.lstsq(rows[:half], targets[:half], rcond=None)[0]
    predicted, true = rows[half:] @ weights, targets[half:]
    predicted, true = predicted - predicted.mean(axis=0), true - true.mean(axis=0)
    covariance_squared = (predicted * true).sum(axis=0) ** 2
    variance_product = (predicted**2).sum(axis=0) * (true**2).sum(axis=0)
    is_defined = variance_product > 0
    squared = np.where(is_defined, covariance_squared / np.where(is_defined, variance_product, 1.0), 0.0)
    return squared - (1 - squared) / (len(true) - 2)  # minus the chance level, as in the adjusted R^2
