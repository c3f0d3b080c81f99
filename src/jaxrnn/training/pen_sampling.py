"""Drawings by a network that was trained on pen strokes."""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxrnn.arguments import checked
from jaxrnn.errors import ConfigError
from jaxrnn.nets import decode
from jaxrnn.precision import in_own_precision
from jaxrnn.types import NonNegative, Seed, Size


class Drawing(NamedTuple):
    """A drawing that a network has made or continued.

    Fields:
      movements: [n, 3] in the source's units, (dx, dy, end) from point to point; the first row is the first point.
      prime: number of its first points that the network has read, not drawn.
    """

    movements: np.ndarray
    prime: int


@checked
@in_own_precision
def sample(
    run: Any,
    count: Size = 6,
    length: Size | None = None,
    prime: Size | None = None,
    bias: NonNegative = 0.0,
    seed: Seed = 0,
) -> list[Drawing]:
    """Draws with a network, point by point: it reads each movement that it has drawn (Graves 2013, section 4).

    Args:
      run: a `Run` on a data set of pen strokes.
      count: number of drawings.
      length: number of points that the network draws; None for as many as the test drawings have on average.
      prime: number of points of each of `count` test drawings that the network reads first (primed sampling, section
        5.5); None for one point, so that it draws from nothing.
      bias: 0 for draws from the network's distribution; a larger number makes tidier drawings (section 5.4).
      seed: seed of the draws.

    Returns:
      A list of `Drawing`s; fewer than `count` if fewer test drawings are longer than `prime`.

    Raises:
      ConfigError: if the data set has no pen strokes, or no test drawing is longer than `prime`.
    """
    if run.dataset.strokes is None:
        raise ConfigError("this data set has no pen strokes; use data=strokes")
    test = run.dataset.splits["test"]
    points = np.asarray(test.mask).sum(axis=0)
    length = round(points.mean()) if length is None else length
    inputs = np.zeros((1, count, 3), np.float32)
    if prime is not None:
        rows = np.flatnonzero(points >= prime)[:count]
        if not len(rows):
            raise ConfigError(f"prime={prime}: the test drawings have at most {points.max()} points to read")
        inputs = np.asarray(test.xs)[:prime, rows]
    draw = _sampler(run.net, run.dataset.strokes.distribution.draw, length, float(bias))
    drawn = np.asarray(draw(run.params, jnp.asarray(inputs, float), jax.random.key(seed)))
    units = np.array([run.dataset.strokes.scale] * 2 + [1.0])
    whole = np.concatenate([inputs, drawn]) * units
    return [Drawing(whole[:, row], len(inputs)) for row in range(whole.shape[1])]


@functools.lru_cache(maxsize=4)
def _sampler(net, draw, length, bias):
    def run(params, inputs, key):
        carry = decode.warm_up(net, params, net.initial(params, inputs.shape[1:-1]), inputs[:-1])
        return decode.sample(net, params, carry, inputs[-1], length, lambda key, ys: draw(key, ys, bias), key)[1]

    return jax.jit(run)
