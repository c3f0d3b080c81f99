"""Curves of medians over networks with bootstrap bands, before and after training."""

import numpy as np

from jaxrnn import statistics
from jaxrnn.plotting import style

FEW = 10  # a curve with fewer points marks each of them
BAND = "90 % interval over networks"


def banded(axes, x, values, color=style.BLACK, **line):
    """Draws the medians over networks of values [N, X] at x [X], with bootstrap intervals as a band. Returns both."""
    interval = statistics.median(values)
    marker = {"marker": "o"} if len(interval.middle) < FEW else {}
    axes.plot(x, interval.middle, color=color, **marker | line)
    label = BAND if len(values) > 1 else None
    axes.fill_between(x, interval.low, interval.high, color=color, alpha=0.2, linewidth=0, label=label)
    return interval


def with_bars(axes, x, intervals, **line):
    """Draws estimates with their intervals [X, 3] (middle, low, high) at x [X], as points with error bars."""
    middle, low, high = np.array(intervals).T
    axes.errorbar(x, middle, np.maximum([middle - low, high - middle], 0), elinewidth=0.8, **line)


def before_and_after(axes, x, values, steps, curve_name="", **line):
    """Draws the first checkpoint (thin and dashed) and the last one.

    Args:
      axes: Matplotlib axes.
      x: [X].
      values: [S, N, X], values of N networks at S checkpoints.
      steps: [S], the number of updates at each checkpoint.
      curve_name: name of the curves, needed where the axes show several.
      line: further properties of the lines.

    Returns:
      A list of all values drawn.
    """
    drawn = []
    for moment in sorted({0, len(steps) - 1}):
        when = [] if curve_name and len(steps) == 1 else [style.when(steps[moment])]
        properties = {"label": ", ".join([curve_name] * bool(curve_name) + when)} | (
            {} if moment == len(steps) - 1 else style.BEFORE
        )
        drawn += banded(axes, x, values[moment], **line | properties)
    return drawn


def ranks(values, first=1):
    """Returns the numbers first, first + 1, ... along the last axis of values."""
    return np.arange(first, first + values.shape[-1])
