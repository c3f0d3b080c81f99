"""Cells and nets inside Flax models compute what they compute outside, and Flax can train them."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

from jaxrnn import nets
from jaxrnn.cells import elman, gru, jordan, lstm
from jaxrnn.interop import CellModule, NetModule
from jaxrnn.unroll.scan import scan

T, B, D = 5, 3, 2
XS = jax.random.normal(jax.random.key(1), (T, B, D), "float32")


@pytest.mark.parametrize("cell", [elman.cell(4), jordan.cell(4, 2), lstm.cell(4), gru.cell(4)])
def test_a_cell_in_nnx_rnn(cell):
    module = CellModule(cell, D, rngs=nnx.Rngs(0))
    ys = nnx.RNN(module, time_major=True)(XS)
    params = jax.tree.map(lambda v: v[...], module.params, is_leaf=lambda v: isinstance(v, nnx.Param))
    np.testing.assert_allclose(ys, scan(cell, params, cell.initial(params, (B,)), XS)[1], rtol=1e-6)


def test_flax_trains_a_net():
    net = nets.rnn(lstm.cell(4), 1)
    module = NetModule(net, D, rngs=nnx.Rngs(0))
    optimizer = nnx.Optimizer(module, optax.adam(0.05), wrt=nnx.Param)

    @nnx.jit
    def update(module, optimizer):
        def loss(module):
            return jnp.mean((module(XS) - XS[..., :1]) ** 2)

        value, grads = nnx.value_and_grad(loss)(module)
        optimizer.update(module, grads)
        return value

    values = [float(update(module, optimizer)) for _ in range(60)]
    assert values[-1] < 0.3 * values[0]
    count = sum(leaf.size for leaf in jax.tree.leaves(nnx.state(module, nnx.Param)))
    assert count == sum(leaf.size for leaf in jax.tree.leaves(net.init(jax.random.key(0), D)))
