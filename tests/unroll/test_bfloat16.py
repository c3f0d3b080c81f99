"""Products in bfloat16, sums in float32: the gradient of every cell through every unroll over many equal steps.

A sum in bfloat16 stops growing at 256 times its summands, so a gradient that is a sum of equal parts shows it.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from test_disable_jit import build
from test_every_cell import CELLS, LINEAR

import jaxrnn.unroll
from jaxrnn.cells import elman
from jaxrnn.cells.structure import Step, step_with_product
from jaxrnn.lazy import entries
from jaxrnn.recurrent_weights import map_recurrent, recurrent_weights
from jaxrnn.training.update import cast
from jaxrnn.unroll import loop, snap, truncated

B, D, H = 2, 2, 4
STEPS = 4000
DRAWN = ("kf_rtrl", "uoro")  # estimates, exact in the mean only
UNTRIED = ("cudnn", "loop", *DRAWN)  # cudnn refuses bfloat16; the loop has a test of its own
UNROLLS = {name: build(name) for name in entries(jaxrnn.unroll.__path__[0], "unroll") if name not in UNTRIED}
UNROLLS |= {"truncated": truncated.unroll(500), "truncated-overlapping": truncated.unroll(100, 300)}
UNROLLS |= {"snap-2": snap.unroll(2)}
SUMMED = [
    "scan",
    "deferred",
    "truncated",
    "truncated-overlapping",
    *(pytest.param(name, marks=pytest.mark.slow) for name in ("chunked", "newton", "rtrl")),
]


@pytest.mark.parametrize("name", SUMMED)
def test_the_gradient_of_a_bias_over_1000_equal_steps_is_1000(name, x32):
    assert bias_gradient(UNROLLS[name]) == 1000


@pytest.mark.slow  # a Python loop of 1000 steps
def test_the_loop_sums_the_gradient_in_float32(x32):
    assert bias_gradient(loop.unroll()) == 1000


def bias_gradient(unroll):
    """dL/db of L = sum_t h_t with h_t = b, for b in bfloat16."""
    cell = elman.cell(1, "linear")
    zeros = jax.tree.map(lambda a: jnp.zeros(a.shape, jnp.bfloat16), cell.init(jax.random.key(0), 1))

    def total(params):
        return jnp.sum(unroll(cell, params, cell.initial(params, ()), jnp.ones((1000, 1)))[1])

    return jax.jit(jax.grad(total))(zeros).b[0]


def applies(name, cell, unroll):
    if unroll == "associative":
        return name in LINEAR
    if unroll == "diagonal_rtrl":
        return isinstance(cell.step, Step) and cell.step.unit_by_unit
    if unroll == "eprop":
        params = jax.eval_shape(lambda: cell.init(jax.random.key(0), D))
        return step_with_product(cell) is not None or not recurrent_weights(params)
    return True


CASES = [(name, unroll) for name, make in CELLS.items() for unroll in UNROLLS if applies(name, make(), unroll)]


@pytest.mark.parametrize(("name", "unroll"), CASES)
@pytest.mark.sample(2, 8)
def test_every_gradient_in_bfloat16_is_that_in_float32(name, unroll, x32):
    differs_little(CELLS[name](), UNROLLS[unroll])


def differs_little(cell, unroll):
    """Each leaf of the gradient within 1 % of the float32 gradient of the same weights.

    The steps are equal, and the recurrent weights so small that the network settles: no step's own error grows.
    """
    params = weak(cell.init(jax.random.key(0), D))
    xs = jnp.full((STEPS, B, D), 0.5)
    reset = jnp.broadcast_to(jnp.arange(STEPS)[:, None] % 10 == 9, (STEPS, B))  # uses a learned carry again

    @jax.jit
    def gradient(params):
        def total(params):
            _, ys = unroll(cell, params, cell.initial(params, (B,)), xs, reset=reset)
            return jnp.sum(ys * jnp.linspace(0.5, 1, cell.size))

        return jax.grad(total)(params)

    low = cast(params, "bf16")
    exact = gradient(jax.tree.map(lambda a: a.astype(jnp.float32), low))
    for (path, expected), actual in zip(jax.tree.leaves_with_path(exact), jax.tree.leaves(gradient(low)), strict=True):
        error = np.linalg.norm(expected - actual.astype(jnp.float32)) / np.linalg.norm(expected)
        assert error < 0.01, f"{jax.tree_util.keystr(path)}: {error:.2%}"


def weak(params):
    return map_recurrent(lambda w: 0.1 * w, params) if recurrent_weights(params) else params
