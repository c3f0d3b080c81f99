"""How many dimensions a network's states fill, how long they last, and how much of its input they remember."""

import numpy as np


def variances(states):
    """The variances of states [T, n] along their principal components: [n], descending."""
    centred = states - states.mean(axis=0)
    return np.sort(np.linalg.eigvalsh(centred.T @ centred / len(states)))[::-1].clip(0)


def participation_ratio(variances):
    """(sum of variances)^2 / sum of their squares: n for equal ones, 1 for a single one (Gao et al. 2017)."""
    squared = np.sum(np.square(variances))
    return float(np.sum(variances) ** 2 / squared) if squared > 0 else float("nan")


def time_constants(states):
    """Steps until the autocorrelation of each unit falls below 1/e, linearly between steps: [n] of states [T, B, n];
    NaN for a unit that does not move or whose autocorrelation stays above."""
    centred = states - states.mean(axis=(0, 1))
    steps = len(states)
    spectrum = np.abs(np.fft.rfft(centred, 2 * steps, axis=0)) ** 2
    correlation = np.fft.irfft(spectrum, axis=0)[:steps].sum(axis=1) / (steps - np.arange(steps))[:, None]
    found = np.full(states.shape[-1], np.nan)
    for unit, own in enumerate(correlation.T):
        if own[0] > 1e-20:
            below = np.flatnonzero(own / own[0] < np.exp(-1))
            if len(below):
                at, above = below[0], own / own[0]
                found[unit] = at - 1 + (above[at - 1] - np.exp(-1)) / (above[at - 1] - above[at])
    return found


def memory_capacity(inputs, states, lags):
    """How well a linear readout of the states gives back the input of k steps ago, for k = 0 ... lags - 1.

    Jaeger 2001, "Short term memory in echo state networks": the squared correlation of each. Their sum over all lags,
    the present input among them, is n at most, and n for a linear network in general. The readout is fitted on the
    first half of the steps and judged on the second; what unrelated series correlate by chance is taken off.

    Args:
      inputs: [T], drawn independently.
      states: [T, n], after each input.
      lags: K.

    Returns:
      [K].
    """
    targets = np.stack([inputs[lags - k : len(inputs) - k] for k in range(lags)], axis=1)
    rows = np.concatenate([states[lags:], np.ones((len(states) - lags, 1))], axis=1)
    scale = np.abs(rows).max(axis=0)
    rows = rows / np.where(scale > 0, scale, 1.0)
    half = len(rows) // 2
    weights = np.linalg.lstsq(rows[:half], targets[:half], rcond=None)[0]
    predicted, true = rows[half:] @ weights, targets[half:]
    predicted, true = predicted - predicted.mean(axis=0), true - true.mean(axis=0)
    together = (predicted * true).sum(axis=0) ** 2
    apart = (predicted**2).sum(axis=0) * (true**2).sum(axis=0)
    found = np.where(apart > 0, together / np.where(apart > 0, apart, 1.0), 0.0)
    return found - (1 - found) / (len(true) - 2)  # what chance alone would give, as in the adjusted coefficient
