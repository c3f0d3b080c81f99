"""Newton's method in time against the plain scan, over lengths and sizes."""

import math
from functools import partial
from itertools import product

import jax
import jax.numpy as jnp

from jaxrnn.benchmarks import _timing as timing
from jaxrnn.benchmarks._worker import clocked
from jaxrnn.cells import gru
from jaxrnn.plotting import style as plotting
from jaxrnn.types import ListOf, NonNegative, Size
from jaxrnn.unroll import newton, scan

UNROLLS = {
    "scan": scan.unroll(),
    "newton": newton.unroll(),
    "newton_diagonal": newton.unroll("diagonal"),
}


def benchmark(
    lengths: ListOf[Size] = (1000, 3000, 10_000),
    sizes: ListOf[Size] = (1, 4, 16),
    batch: Size = 1,
    repeats: Size = 3,
    at_least: NonNegative = 0.1,
    memory: NonNegative = 8.0,
):
    """Times outputs and gradient of a random GRU driven by noise.

    Args:
      lengths: values of T.
      sizes: values of H.
      batch: B.
      repeats: number of rounds.
      at_least: minimum number of seconds of one measurement.
      memory: memory in GB; a length whose Jacobians would take more than a quarter of it is left out.
    """
    works, left_out = [], []
    for size, length in product(sizes, lengths):
        if length * batch * size**2 * 4 > memory / 4 * 1e9:
            left_out.append(f"H={size} T={length} left out: its Jacobians would not fit")
        else:
            makers = {name: partial(_side, unroll, length, size, batch, at_least) for name, unroll in UNROLLS.items()}
            works.append(({"T": length, "H": size}, makers))
    words = "H={H} T={T}, {side}: {median:.3g} s, {times_the_first:.2f} times scan, error {error:.1e}"
    measured = timing.compare(works, repeats, words)
    return measured._replace(findings=measured.findings + left_out)


def _side(unroll, length, size, batch, at_least):
    """Returns a side, and the distance between its results and the results of the scan."""
    compute, exact = (_gradient(each, length, size, batch) for each in (unroll, UNROLLS["scan"]))
    return clocked(compute, at_least), {"error": _distance(compute(), exact())}


def _gradient(unroll, length, size, batch):
    cell = gru.cell(size)
    params = cell.init(jax.random.key(0), 1)
    xs = jax.random.normal(jax.random.key(1), (length, batch, 1))

    @jax.jit
    def compute(params, xs):
        def loss(params):
            ys = unroll(cell, params, cell.initial(params, (batch,)), xs)[1]
            return jnp.mean(ys**2), ys

        return jax.value_and_grad(loss, has_aux=True)(params)

    return lambda: jax.block_until_ready(compute(params, xs))


def _distance(measured, expected):
    """Returns the largest error of an array, relative to its largest number."""
    errors = jax.tree.map(
        lambda a, b: jnp.max(jnp.abs(a - b)) / jnp.maximum(jnp.max(jnp.abs(b)), 1e-6), measured, expected
    )
    return max(float(error) for error in jax.tree.leaves(errors))


def plot(measured):
    """Newton's time divided by the plain scan's, against T; below 1 Newton's method is faster."""
    sizes = sorted({row["H"] for row in measured.summary})
    figure, panels = plotting.panels(2, "T, steps", "times the plain scan's time")
    for axes, side in zip(panels, ("newton", "newton_diagonal"), strict=True):
        for index, size in enumerate(sizes):
            chosen = [row for row in measured.summary if row["H"] == size and row["side"] == side]
            share = index / max(len(sizes) - 1, 1)
            axes.loglog(
                [row["T"] for row in chosen],
                [row["times_the_first"] for row in chosen],
                "o-",
                color=(0.1 + 0.7 * share, 0.3, 0.7 - 0.5 * share),
                label=f"H={size}",
            )
        axes.axhline(1.0, color="0.4", linestyle="--")
        axes.set_title(side)
    panels[0].legend(ncols=max(1, math.ceil(len(sizes) / 4)))
    return {"parallel": figure}
