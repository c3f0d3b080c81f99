"""Pen strokes: the distribution of the next movement of a pen, and the data that a network draws from.

A movement is (dx, dy, end): how far the pen moves to its next point, and whether a stroke ends there, 0 or 1. The pen
does not write on the movement after an end. y grows downwards.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np


class PenDistribution(NamedTuple):
    """The distribution of a movement, described by the outputs of a network, ys [..., size].

    Fields:
      size: number of outputs.
      loss_name: name of the loss in tables and figures.
      loss: (ys, movements [..., 3]) -> -ln p [...].
      draw: (key, ys, bias) -> movements [..., 3]. A bias above 0 makes likely movements likelier.
      constant: (mean [2], covariance [2, 2], rate) -> outputs [size] of one Gaussian, and the rate of ends.
    """

    size: int
    loss_name: str
    loss: Callable[..., Any]
    draw: Callable[..., Any]
    constant: Callable[..., Any]


class Strokes(NamedTuple):
    """Properties of a data set of pen strokes.

    Fields:
      distribution: the `PenDistribution` of the next movement.
      scale: length of one unit of the network's dx and dy, in the units of the source.
    """

    distribution: PenDistribution
    scale: float


def movements(strokes: Any) -> np.ndarray:
    """Returns the movements [n, 3] from point to point of a drawing, a list of strokes [n_i, 2].

    The first row is the first point: (0, 0, whether its stroke ends there).
    """
    points = np.concatenate(strokes)
    ends = np.zeros(len(points))
    ends[np.cumsum([len(stroke) for stroke in strokes]) - 1] = 1
    return np.column_stack([np.diff(points, axis=0, prepend=points[:1]), ends])


def lines(moved: Any) -> list[np.ndarray]:
    """Returns the strokes [n_i, 2] of movements [n, 3], from the point (0, 0) before the first movement."""
    points, ends = np.cumsum(moved[:, :2], axis=0), np.flatnonzero(moved[:, 2] > 0.5) + 1
    return [stroke for stroke in np.split(points, ends) if len(stroke)]
