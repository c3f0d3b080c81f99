"""Statistics over several networks: medians with bootstrap intervals, shares with binomial intervals, and paired
comparisons."""

from typing import Any, NamedTuple

import numpy as np

LEVEL = 0.9  # probability of all intervals
RESAMPLES = 1000  # of the bootstrap


class Interval(NamedTuple):
    """An estimate and the interval around it.

    Fields:
      middle, low, high: arrays of one shape, or numbers.
    """

    middle: Any
    low: Any
    high: Any


def median(values, axis=0, level=LEVEL):
    """Median over networks with its percentile bootstrap interval (Efron & Tibshirani 1993, section 13.3).

    Networks are resampled with replacement, always with the same seed. The interval of a single network is its value.

    Args:
      values: an array.
      axis: the axis of the networks.
      level: probability of the interval.

    Returns:
      An `Interval` of arrays without that axis.
    """
    values = np.moveaxis(np.asarray(values, float), axis, 0)
    drawn = np.random.default_rng(0).integers(len(values), size=(RESAMPLES, len(values)))
    medians = np.sort(values, axis=0) if len(values) == 1 else _medians(values, drawn)
    low, high = np.quantile(medians, ((1 - level) / 2, (1 + level) / 2), axis=0, method="inverted_cdf")
    return Interval(np.median(values, axis=0), low, high)


def _medians(values, drawn):
    """Returns the medians of the resampled networks, [RESAMPLES, ...], computed in pieces that fit into memory."""
    flat = values.reshape(len(values), -1)
    size = max(1, 4_000_000 // drawn.size)
    pieces = [np.median(flat[drawn, at : at + size], axis=1) for at in range(0, flat.shape[1], size)]
    return np.concatenate(pieces, axis=1).reshape(len(drawn), *values.shape[1:])


def share(successes, networks, level=LEVEL):
    """Share of networks that succeed, with its binomial interval (Wilson 1927).

    Args:
      successes: number of networks that succeed.
      networks: number of networks.
      level: probability of the interval.

    Returns:
      An `Interval` of numbers.
    """
    from scipy.stats import binomtest  # imported here: it takes half a second and only tables and figures need it

    interval = binomtest(int(successes), int(networks)).proportion_ci(level, "wilson")
    return Interval(successes / networks, float(interval.low), float(interval.high))


def paired(a, b):
    """p-value of a paired permutation test of equal means, which flips the signs of the differences (Fisher 1935).

    The test is exact for up to twelve pairs and draws 10,000 permutations for more. With n pairs p is at least 2 / 2^n.

    Args:
      a, b: [n], values of networks with the same seeds.

    Returns:
      p; NaN for fewer than two pairs or for values that are not finite.
    """
    from scipy.stats import permutation_test

    a, b = np.asarray(a, float), np.asarray(b, float)
    if len(a) < 2 or not (np.isfinite(a).all() and np.isfinite(b).all()):
        return float("nan")

    def difference(a, b, axis):
        return np.mean(a - b, axis=axis)

    exchanges: Any = np.inf if len(a) <= 12 else 9999  # SciPy reads an infinite number as all
    result = permutation_test(
        (a, b), difference, permutation_type="samples", vectorized=True, n_resamples=exchanges, rng=0
    )
    return float(result.pvalue)
