"""What several networks say together: medians with bootstrap intervals, shares with binomial ones, paired
comparisons."""

from typing import NamedTuple

import numpy as np

LEVEL = 0.9  # of all intervals
RESAMPLES = 1000


class Interval(NamedTuple):
    """An estimate and the interval around it.

    Fields:
      middle, low, high: arrays of one shape, or numbers.
    """

    middle: np.ndarray
    low: np.ndarray
    high: np.ndarray


def median(values, axis=0, level=LEVEL):
    """The median over networks with its percentile bootstrap interval (Efron & Tibshirani 1993, section 13.3).

    Networks are drawn again with replacement, always from the same seed; the interval of one network is that network.

    Args:
      values: an array.
      axis: the networks'.
      level: of the interval.

    Returns:
      An `Interval` of arrays without that axis.
    """
    values = np.moveaxis(np.asarray(values, float), axis, 0)
    drawn = np.random.default_rng(0).integers(len(values), size=(RESAMPLES, len(values)))
    medians = np.sort(values, axis=0) if len(values) == 1 else _medians(values, drawn)
    low, high = np.quantile(medians, ((1 - level) / 2, (1 + level) / 2), axis=0, method="inverted_cdf")
    return Interval(np.median(values, axis=0), low, high)


def _medians(values, drawn):
    """The medians of the networks drawn, [RESAMPLES, ...], in pieces that fit into memory."""
    flat = values.reshape(len(values), -1)
    size = max(1, 4_000_000 // drawn.size)
    pieces = [np.median(flat[drawn, at : at + size], axis=1) for at in range(0, flat.shape[1], size)]
    return np.concatenate(pieces, axis=1).reshape(len(drawn), *values.shape[1:])


def share(successes, networks, level=LEVEL):
    """The share of networks that succeed with its binomial interval (Wilson 1927).

    Args:
      successes: how many succeed.
      networks: of how many.
      level: of the interval.

    Returns:
      An `Interval` of numbers.
    """
    from scipy.stats import binomtest  # here: half a second that only tables and figures need

    found = binomtest(int(successes), int(networks)).proportion_ci(level, "wilson")
    return Interval(successes / networks, float(found.low), float(found.high))


def paired(a, b):
    """The p-value of a paired permutation test of equal means: the signs of the differences are exchanged.

    Exact for up to twelve pairs, of 10,000 drawn exchanges for more (Fisher 1935). With n pairs it is 2 / 2^n at least.

    Args:
      a, b: [n], of networks with the same seeds.

    Returns:
      p, NaN where there are fewer than two pairs or a value is not finite.
    """
    from scipy.stats import permutation_test

    a, b = np.asarray(a, float), np.asarray(b, float)
    if len(a) < 2 or not (np.isfinite(a).all() and np.isfinite(b).all()):
        return float("nan")

    def difference(a, b, axis):
        return np.mean(a - b, axis=axis)

    exchanges = np.inf if len(a) <= 12 else 9999
    found = permutation_test(
        (a, b), difference, permutation_type="samples", vectorized=True, n_resamples=exchanges, rng=0
    )
    return float(found.pvalue)
