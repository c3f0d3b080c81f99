"""The mask contract of every net and combinator by itself: nothing of an invalid step comes through.

A readout at the end of a net masks what a layer below it lets through, so each is looked at without one.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxrnn import nets, parametrizations
from jaxrnn.cells import elman, gru, lstm
from jaxrnn.data import adding, series
from jaxrnn.nets import attention
from jaxrnn.nets.parametrized import parametrized
from jaxrnn.types import Net

T, B, D = 6, 4, 3
MASK = jnp.stack([jnp.arange(T) < T, jnp.arange(T) < 2, jnp.arange(T) % 2 == 1, jnp.arange(T) < 0], axis=1)
KEYS = jax.random.split(jax.random.key(1), B)
ANCHORED = series.dataset(np.arange(40.0) % 7, window=5, anchor="last")


def layer(**options):
    return nets.recurrent(gru.cell(D), **options)


def two_ways(merge):
    return nets.bidirectional(layer(), layer(reverse=True), merge)


NETS = {  # name -> (the net, the width of its inputs; 1 for symbols)
    "recurrent": (layer(), D),
    "recurrent-backwards": (layer(reverse=True), D),
    "recurrent-dropout": (layer(dropout=0.5), D),
    "recurrent-zoneout": (layer(zoneout=0.5), D),
    "recurrent-noise": (layer(noise=0.5), D),
    "affine": (nets.affine(2), D),
    "embed": (nets.embed(5, D), 1),
    "one_hot": (nets.one_hot(5), 1),
    "tied": (nets.tied(layer(), 5, D), 1),
    "convolution": (nets.convolution(2, 3), D),
    "dropout": (nets.dropout(0.5), D),
    "dropout-variational": (nets.dropout(0.5, variational=True), D),
    "residual": (nets.residual(layer()), D),
    "residual-of-residual": (nets.residual(nets.residual(nets.affine(D))), D),
    "residual-of-dropout": (nets.residual(nets.dropout(0.5)), D),
    "serial": (nets.serial(layer(), nets.residual(layer())), D),
    **{f"bidirectional-{merge}": (two_ways(merge), D) for merge in ("concat", "sum", "mul", "ave")},
    "residual-bidirectional": (nets.residual(two_ways("sum")), D),
    "anchored": (nets.anchored(nets.affine(1), ANCHORED), 1),
    "adapted": (nets.adapted(two_ways("concat"), adding.dataset(22)), D),
    "first_everywhere": (nets.first_everywhere(layer(reverse=True)), D),
    "last": (nets.last(nets.residual(layer())), D),
    "first": (nets.first(nets.residual(layer())), D),
    "luong": (attention.luong(layer(), 2, 4), D),
    "bahdanau": (attention.bahdanau(lstm.cell(D), 2, 4), D),
    "parametrized": (parametrized(nets.residual(nets.recurrent(elman.cell(D))), parametrizations.orthogonal()), D),
    "symbol_rnn": (nets.symbol_rnn(lstm.cell(D), 1, 5, layers=2, residual=True, readout=False), 1),
    "rnn": (nets.rnn(lstm.cell(D), 1, layers=3, residual=True, readout=False), D),
}
ELSEWHERE = {"encoder_decoder", "seq2seq"}  # their mask is the source's: test_attention


def test_every_factory_of_a_net_is_here():
    factories = {name for name in nets.__all__ if getattr(nets, name).__annotations__.get("return") is Net}
    assert factories <= {name.partition("-")[0] for name in NETS} | ELSEWHERE


@pytest.mark.parametrize("name", sorted(set(NETS) - {"first", "last"}))  # these return one step of any number
def test_no_steps_give_no_outputs_and_a_carry(name):
    """Traced only; test_convolution compares the values of a sequence with those of its pieces."""
    net, width = NETS[name]

    def run(key):
        params = net.init(key, width)
        carry = net.initial(params, (B,))
        return carry, net.apply(params, carry, jnp.ones((0, B, width)))

    before, (after, ys) = jax.eval_shape(run, jax.random.key(0))
    assert ys.shape == (0, B, net.width(width))
    assert jax.tree.map(jnp.shape, after) == jax.tree.map(jnp.shape, before)


@pytest.mark.parametrize(
    "keyed", [True, pytest.param(False, marks=(pytest.mark.slow, pytest.mark.share(3)))], ids=["training", "evaluation"]
)
@pytest.mark.parametrize("name", NETS)
@pytest.mark.sample(3, 3)
def test_an_invalid_step_gives_zero_and_reaches_nothing(name, keyed):
    """NaN and any other value there give the outputs, the last carry and the gradients that zeros give."""
    net, width = NETS[name]
    params = jax.jit(net.init, static_argnums=1)(jax.random.key(0), width)
    xs = jnp.ones((T, B, 1)) if width == 1 else jax.random.normal(jax.random.key(2), (T, B, width))
    key = KEYS if keyed else None

    @jax.jit
    def run(params, xs):
        def loss(params, xs):
            carry, ys = net.apply(params, net.initial(params, (B,)), xs, mask=MASK, key=key)
            return jnp.sum(ys**2), (carry, ys)

        return jax.value_and_grad(loss, argnums=(0, 1), has_aux=True)(params, xs)

    (_, (carry, ys)), (of_params, of_xs) = run(params, jnp.where(MASK[..., None], xs, 0))
    expected = (carry, ys, of_params, of_xs)
    if len(ys) == T:
        assert not ys[~MASK].any()
        assert ys[MASK].any()
    assert not of_xs[~MASK].any()
    for other in (jnp.nan, 3.0):
        (_, (carry, ys)), (of_params, of_xs) = run(params, jnp.where(MASK[..., None], xs, other))
        jax.tree.map(np.testing.assert_array_equal, (carry, ys, of_params, of_xs), expected)


def test_a_residual_connection_passes_no_invalid_step():
    """In the plain tier every day: the sum of input and output is zero there, whatever the input is."""
    net = nets.residual(nets.recurrent(elman.cell(3)))
    xs = jax.random.normal(jax.random.key(2), (T, B, 3))
    params = net.init(jax.random.key(0), 3)
    ys = net.apply(params, net.initial(params, (B,)), xs, mask=MASK)[1]
    assert not ys[~MASK].any()
    assert ys[MASK].all()
