"""Every place that drops draws from a key of its own."""

import jax
import jax.numpy as jnp
import numpy as np

from jaxrnn import nets
from jaxrnn.cells import elman, lstm
from jaxrnn.cells.dropout import drop_recurrent
from jaxrnn.types import Pair

T, B, D = 4, 3, 50
ONES = jnp.ones((T, B, D))
KEYS = jax.random.split(jax.random.key(0), B)


def test_the_nets_of_a_serial_draw_masks_of_their_own():
    """Two layers of dropout one after the other keep the product of two masks, not the square of one."""
    two = nets.serial(nets.dropout(0.5), nets.dropout(0.5))
    _, ys = two.apply(((), ()), ((), ()), ONES, key=KEYS)
    kept = np.asarray(ys) > 0
    assert abs(kept.mean() - 0.25) < 0.06
    np.testing.assert_allclose(np.asarray(ys)[kept], 4)


def test_the_directions_of_a_bidirectional_draw_masks_of_their_own():
    net = nets.bidirectional(nets.dropout(0.5), nets.dropout(0.5))
    _, ys = net.apply(nets.BidirectionalParams((), ()), nets.BidirectionalParams((), ()), ONES, key=KEYS)
    forward, backward = jnp.split(ys, 2, axis=-1)
    assert abs(float((forward == backward).mean()) - 0.5) < 0.1


def test_encoder_and_decoder_draw_masks_of_their_own():
    """With the same dropout first in both, the decoder's input is not masked as the encoder's was."""
    encoder = nets.serial(nets.dropout(0.5, variational=True), nets.recurrent(elman.cell(4)))
    seen = []

    def spy(params, carry, xs, *, mask=None, reset=None, key=None):
        seen.append(jax.random.key_data(key))
        return encoder.apply(params, carry, xs, mask=mask, reset=reset, key=key)

    watched = encoder._replace(apply=spy)
    net = nets.encoder_decoder(watched, watched, 2, D)
    params = net.init(jax.random.key(1), D)
    net.apply(params, net.initial(params, (B,)), Pair(ONES, ONES[:2]), key=KEYS)
    assert len(seen) == 2
    assert not np.array_equal(*seen)


def test_sequences_draw_masks_of_their_own_and_units_too():
    _, ys = nets.dropout(0.5, variational=True).apply((), (), ONES, key=KEYS)
    rows = np.asarray(ys[0])
    assert not np.array_equal(rows[0], rows[1])
    assert 0.2 < (rows == 0).mean() < 0.8


def test_recurrent_dropout_of_a_cell_that_multiplies_by_itself():
    """`h @ params.w_h` drops what `dot(h, params.w_h)` drops."""
    cell = lstm.cell(4)
    params = drop_recurrent(cell.init(jax.random.key(0), 2), KEYS, 0.5)
    h = jax.random.normal(jax.random.key(1), (B, 4))
    np.testing.assert_allclose(h @ params.w_h, (h * params.w_h.keep) @ params.w_h.w, rtol=1e-12)
    assert params.w_h.shape == (4, 16)

    inner = elman.cell(4)

    def step(params, carry, u):
        h = jnp.tanh(u + carry.h @ params.w_h)
        return elman.ElmanCarry(h), h

    ours, plain = (nets.recurrent(c, dropout=0.5) for c in (inner._replace(step=step), inner))
    params = plain.init(jax.random.key(0), D)
    carry = plain.initial(params, (B,))
    np.testing.assert_allclose(
        ours.apply(params, carry, ONES, key=KEYS)[1], plain.apply(params, carry, ONES, key=KEYS)[1], rtol=1e-12
    )
