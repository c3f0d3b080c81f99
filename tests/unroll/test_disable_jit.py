"""Unrolls and training under `jax.disable_jit()`, which helps debugging, against their compiled forms."""

import importlib
import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxrnn
import jaxrnn.unroll
from jaxrnn.cells import elman, lru, lstm
from jaxrnn.data import sine
from jaxrnn.lazy import entries
from jaxrnn.unroll.contract import with_key

GPU = ("cudnn",)
CELLS = {"associative": lru.cell(2), "kf_rtrl": elman.cell(3), "snap": elman.cell(3), "newton": elman.cell(3)}
UNROLLS = [name for name in entries(jaxrnn.unroll.__path__[0], "unroll") if name not in GPU]
QUICK = ("deferred", "scan")
T, B, D = 2, 2, 2
MASK = jnp.arange(T)[:, None] < jnp.array([2, 1])
RESET = jnp.zeros((T, B), bool).at[1, 0].set(True)


def build(name):
    """Builds an unroll with 2 for each required argument."""
    factory = importlib.import_module(f"jaxrnn.unroll.{name}").unroll
    parameters = inspect.signature(factory).parameters.values()
    return factory(**{p.name: 2 for p in parameters if p.default is inspect.Parameter.empty})


@pytest.mark.costly
@pytest.mark.parametrize(
    "name",
    [n if n in QUICK else pytest.param(n, marks=(pytest.mark.slow, pytest.mark.share(3))) for n in UNROLLS],
)
def test_every_unroll_has_the_gradient_of_its_compiled_form(name):
    unroll = with_key(build(name), lambda: jax.random.split(jax.random.key(2), B))
    cell = CELLS.get(name, lstm.cell(3))
    params = cell.init(jax.random.key(0), D)
    xs = jax.random.normal(jax.random.key(1), (T, B, D))

    def loss(params, xs):
        _, ys = unroll(cell, params, cell.initial(params, (B,)), xs, mask=MASK, reset=RESET)
        return jnp.sum(jnp.sin(ys))

    expected = jax.jit(jax.value_and_grad(loss, (0, 1)))(params, xs)
    with jax.disable_jit():
        actual = jax.value_and_grad(loss, (0, 1))(params, xs)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-7), actual, expected)


@pytest.mark.slow
def test_fit_trains_as_it_does_compiled(x32):
    def run():
        return jaxrnn.fit(
            jaxrnn.rnn(elman.cell(3), output_size=1), sine.dataset(points=4), steps=2, batch_size=1, learning_rate=0.1
        )

    expected = run()
    with jax.disable_jit():
        actual = run()
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6), actual.params, expected.params)
    assert actual.metrics["test"]["loss"] == pytest.approx(expected.metrics["test"]["loss"], rel=1e-4)
