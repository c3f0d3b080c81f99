"""What a net is applied to has the right shapes, or one sentence says what is wrong: every cell, every unroll."""

import importlib
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxrnn.cells
from jaxrnn import nets
from jaxrnn.cells import gru, jordan, lstm
from jaxrnn.lazy import entries
from jaxrnn.unroll import chunked, deferred, loop, newton, rtrl, scan, truncated

T, B, D, H = 7, 5, 3, 4
CELLS = entries(jaxrnn.cells.__path__[0], "cell")
UNROLLS = {
    "scan": scan.unroll,
    "loop": loop.unroll,
    "deferred": deferred.unroll,
    "chunked": chunked.unroll,
    "truncated": lambda: truncated.unroll(2, 4),
    "newton": newton.unroll,
    "rtrl": rtrl.unroll,
}


def layer(cell):
    net = nets.recurrent(cell)
    params = jax.jit(net.init, static_argnums=1)(jax.random.key(0), D)
    return net, params, net.initial(params, (B,)), np.random.default_rng(1).normal(size=(T, B, D))


@pytest.fixture(params=UNROLLS)
def unrolled(request):
    net, params, carry, xs = layer(lstm.cell(H))
    return net.with_unroll(UNROLLS[request.param]()), params, carry, xs


def refused(message):
    return pytest.raises(ValueError, match=f"^{re.escape(message)}[^\n]*$")


def test_masks_and_resets_are_boolean_with_every_unroll(unrolled):
    net, params, carry, xs = unrolled
    for name in ("mask", "reset"):
        for dtype in ("float32", "int32"):
            message = f"{name}: expected a boolean array [T, B] = (7, 5), got {dtype} (7, 5); use {name} > 0"
            with refused(message):
                net.apply(params, carry, xs, **{name: np.ones((T, B), dtype)})
        for shape in ((B, T), (T,), (T, 1), (T, B, 1)):
            with refused(f"{name}: expected a boolean array [T, B] = (7, 5), got bool {shape}"):
                net.apply(params, carry, xs, **{name: np.ones(shape, bool)})


@pytest.mark.sample(2, 2)
def test_wrong_shapes_are_named_with_every_unroll(unrolled):
    net, params, carry, xs = unrolled
    with refused("xs [T, B, D] has shape (5, 7, 3), so B = (7,), but the carry has B = (5,); xs must be time-major"):
        net.apply(params, carry, np.swapaxes(xs, 0, 1))
    with refused("xs [T, B, D]: expected D = 3, the width of these params, got shape (7, 5, 2)"):
        net.apply(params, carry, xs[..., :2])
    with refused("xs: expected [T, B, D], got shape (3,)"):
        net.apply(params, carry, xs[0, 0])
    with refused("carry: expected LSTMCarry, got a tuple; net.initial(params, batch_shape) makes one"):
        net.apply(params, tuple(carry), xs)
    ys = jax.eval_shape(lambda xs: net.apply(params, carry, xs, mask=np.ones((T, B), bool))[1], xs)
    assert ys.shape == (T, B, H)


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.sample(6, 3)
def test_wrong_shapes_are_named_for_every_cell(name):
    made = importlib.import_module(f"jaxrnn.cells.{name}")
    net, params, carry, xs = layer(jordan.cell(H, 2) if name == "jordan" else made.cell(H))
    with refused("xs [T, B, D]: expected D = 3, the width of these params, got shape (7, 5, 2)"):
        net.apply(params, carry, xs[..., :2])
    with refused("mask: expected a boolean array"):
        net.apply(params, carry, xs, mask=np.ones((T, B)))
    if jax.tree.leaves(carry):
        with refused("xs [T, B, D] has shape (5, 7, 3)"):
            net.apply(params, carry, np.swapaxes(xs, 0, 1))
    with pytest.raises(ValueError, match=r"^carry: expected .*, got a list"):
        net.apply(params, [carry, carry, carry], xs)


def test_stacks_of_layers():
    net = nets.rnn(gru.cell(H), 2, layers=2, bidirectional="concat")
    params = net.init(jax.random.key(0), D)
    carry, xs = net.initial(params, (B,)), jnp.ones((T, B, D))
    with refused("carry: expected 3 entries, one per net, got 1; net.initial(params, batch_shape) makes one"):
        net.apply(params, carry[:1], xs)
    with refused("carry: expected a tuple of 3, got an array; net.initial(params, batch_shape) makes one"):
        net.apply(params, jnp.zeros((B, H)), xs)
    with refused("carry: expected BidirectionalParams, got a tuple"):
        net.apply(params, (tuple(carry[0]), *carry[1:]), xs)
    with refused("xs [T, B, D] has shape (5, 7, 3)"):
        net.apply(params, carry, jnp.swapaxes(xs, 0, 1))


def test_layers_without_a_carry():
    net = nets.affine(2)
    with refused("xs [T, B, D]: expected D = 3, the width of these params, got shape (7, 5, 4)"):
        net.apply(net.init(jax.random.key(0), D), (), jnp.ones((T, B, 4)))
    for make in (nets.one_hot, lambda size: nets.embed(size, 2)):
        net = make(4)
        with pytest.raises(ValueError, match="expected one integer per step"):
            net.apply(net.init(jax.random.key(0), 1), (), jnp.ones((T, B, 2)))
