"""Records of layers reach the caller beside the carry and the outputs, and change neither."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxrnn import nets
from jaxrnn.cells import elman, gru, lstm
from jaxrnn.dynamics import taps
from jaxrnn.nets.recording import record
from jaxrnn.types import Pair
from jaxrnn.unroll.scan import scan

T, B, D = 4, 2, 3
KEY = jax.random.key(0)
XS = jax.random.normal(KEY, (T, B, D))


def doubled_inputs(factor, cell, params, carry, xs, **flags):
    return *scan(cell, params, carry, xs, **flags), factor * xs


def test_each_layer_reads_its_instruction_and_returns_its_record():
    net = nets.rnn(gru.cell(5), 1, layers=2)
    params = net.init(KEY, D)
    carry = net.initial(params, (B,))
    result = record(net, doubled_inputs, [2.0, 3.0], params, carry, XS)
    jax.tree.map(np.testing.assert_array_equal, result[:2], net.apply(params, carry, XS))
    _, hidden = nets.recurrent(gru.cell(5)).apply(params[0], carry[0], XS)
    np.testing.assert_array_equal(result[2][0], 2 * XS)
    np.testing.assert_allclose(result[2][1], 3 * hidden, rtol=1e-14)


def test_a_layer_inside_a_transformation_of_the_net_is_refused():
    layer = nets.recurrent(elman.cell(2))

    def checkpointed(layer):
        apply = jax.checkpoint(lambda *arguments: layer.apply(*arguments))
        return layer._replace(
            apply=lambda params, carry, xs, **options: apply(params, carry, xs),
            with_unroll=lambda unroll: checkpointed(layer.with_unroll(unroll)),
        )

    net = checkpointed(layer)
    params = net.init(KEY, D)
    with pytest.raises(ValueError, match="inside a transformation of its own"):
        record(net, doubled_inputs, [2.0], params, net.initial(params, (B,)), XS)


def test_a_carry_of_no_recurrent_layer_is_refused():
    layer = nets.recurrent(elman.cell(2))

    def counting(layer):
        def apply(params, carry, xs, **options):
            new_carry, ys = layer.apply(params, carry[0], xs, **options)
            return (new_carry, carry[1] + len(xs)), ys

        return layer._replace(
            initial=lambda params, batch_shape: (layer.initial(params, batch_shape), jnp.zeros(batch_shape)),
            apply=apply,
            with_unroll=lambda unroll: counting(layer.with_unroll(unroll)),
        )

    net = counting(layer)
    params = net.init(KEY, D)
    with pytest.raises(ValueError, match="a carry outside its recurrent layers"):
        taps.observe(net, params, net.initial(params, (B,)), XS)


def test_the_encoder_of_a_decoder_that_reads_its_own_outputs_is_recorded():
    """The decoder runs in a loop of its own, from which no record could leave."""
    net = nets.seq2seq(lstm.cell(3), 4, "symbols", vocabulary_size=5, attention="luong")
    params = net.init(KEY, 1)
    carry, source = net.initial(params, (B,)), jnp.arange(T * B).reshape(T, B, 1) % 5
    last, ys, layers = taps.observe(net, params, carry, Pair(source, None))
    jax.tree.map(np.testing.assert_array_equal, (last, ys), net.apply(params, carry, Pair(source, None)))
    assert [layer.carries.h.shape for layer in layers] == [(T, B, 3)]
