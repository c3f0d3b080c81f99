"""Everything random in a net, in every loop that runs one: the draws differ over steps and rows, and repeat by key."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxrnn import nets
from jaxrnn.cells import elman
from jaxrnn.nets import attention, decode, draws
from jaxrnn.types import Pair

T, B, D, H, RATE = 40, 3, 4, 8, 0.5
KEY = jax.random.split(jax.random.key(3), B)
DECODERS = [
    ("teacher forcing", "bahdanau"),
    *(("scheduled sampling", attend) for attend in (None, "luong", "bahdanau")),
    ("free running", "luong"),
    ("free running", "bahdanau"),
]


def alike(path, leaf):
    """Weights under which all steps compute the same but for what is drawn: nothing of the inputs or the past acts."""
    name = getattr(path[-1], "name", "")
    if name == "b":
        return jnp.ones_like(leaf)
    return jnp.zeros_like(leaf) if name == "w_h" or (name == "w_x" and len(leaf) not in (H, 2 * H)) else leaf


def outputs(loop, attend, *seeds, **options):
    """[ys [T, B, K] for each seed] of a net in a loop, with weights by which only its draws differ between steps."""
    if loop == "sequence":
        net, xs = nets.rnn(elman.cell(H), D, **options), jnp.ones((T, B, D))
    else:
        own = RATE if loop == "scheduled sampling" else 0.0
        net = nets.seq2seq(elman.cell(H), D, "values", attention=attend, scheduled_sampling=own, **options)
        xs = Pair(jnp.ones((5, B, D)), None if loop == "free running" else jnp.ones((T, B, D)))
    params, run = jax.tree_util.tree_map_with_path(alike, initialised(net, D)), compiled(net)
    return [np.asarray(run(params, xs, jax.random.split(jax.random.key(seed), B))) for seed in seeds]


def initialised(net, width):
    return jax.jit(net.init, static_argnums=1)(jax.random.key(0), width)


def compiled(net):
    """(params, xs, key) -> ys"""
    return jax.jit(lambda p, x, k: net.apply(p, net.initial(p, (len(k),)), x, key=k)[1])


def applied(net, params, xs, key):
    return np.asarray(compiled(net)(params, xs, key))


def distinct(steps):
    return len(np.unique(steps.round(6), axis=0))


@pytest.mark.parametrize(("loop", "attend"), [("sequence", None), *DECODERS])
@pytest.mark.parametrize("options", [{"noise": 1.0}, {"layers": 2, "dropout": RATE}], ids=["noise", "dropout"])
@pytest.mark.sample(1, 3)
def test_a_draw_per_step_and_row(options, loop, attend):
    ys, again, other = outputs(loop, attend, 3, 3, 4, **options)
    np.testing.assert_array_equal(ys, again)
    assert not np.array_equal(ys, other)
    assert min(distinct(ys[:, row]) for row in range(B)) > 0.6 * T  # of 2^8 masks two may be the same
    assert distinct(ys.swapaxes(0, 1).reshape(B, -1)) == B


@pytest.mark.parametrize(("loop", "attend"), [("sequence", None), *DECODERS])
@pytest.mark.sample(1, 3)
def test_a_variational_mask_is_drawn_once_per_row(loop, attend):
    (ys,) = outputs(loop, attend, 3, layers=2, dropout=RATE, variational=True)
    assert distinct(ys[1:, 0]) == 1
    assert distinct(ys[-1]) == B


@pytest.mark.parametrize(("loop", "attend"), [("sequence", None), *DECODERS])
@pytest.mark.sample(1, 3)
def test_zoneout_leaves_no_unit_where_it_was(loop, attend):
    """Half of the values stay at a step, and each step draws others: after 40 steps every unit has moved."""
    cell = elman.cell(H)
    if loop == "sequence":
        net, xs = nets.recurrent(cell, zoneout=RATE), jax.random.normal(KEY[0], (T, B, H))
    else:
        decoder = nets.recurrent(cell, zoneout=RATE)
        if attend == "luong":
            decoder = attention.luong(decoder, H, H)
        if attend == "bahdanau":
            decoder = nets.serial(attention.bahdanau(cell, H, H, zoneout=RATE), nets.affine(H))
        own = RATE if loop == "scheduled sampling" else 0.0
        net = nets.encoder_decoder(
            nets.recurrent(cell), decoder, T, H, lambda y: jnp.sin(100 * y), scheduled_sampling=own
        )
        targets = None if loop == "free running" else jax.random.normal(KEY[0], (T, B, H))
        xs = Pair(jnp.ones((5, B, H)), targets)
    params = initialised(net, H)
    if attend is not None:  # a unit of the carry shows itself in the output of the same number
        params = jax.tree_util.tree_map_with_path(showing, params)
    ys = applied(net, params, xs, KEY)
    stayed = np.abs(np.diff(ys, axis=0)) < 1e-7
    assert abs(stayed.mean() - RATE) < 0.06
    assert not stayed.all(axis=0).any()
    assert distinct(stayed.swapaxes(0, 1).reshape(B, -1).astype(float)) == B


def showing(path, leaf):
    """Weights by which the outputs of an attending decoder are its units: the context has no part in them."""
    name = getattr(path[-1], "name", "")
    if name == "w_c":
        return jnp.concatenate([jnp.zeros((H, H)), jnp.eye(H)])
    is_readout = name == "w" and leaf.shape == (2 * H, H)
    return jnp.concatenate([jnp.eye(H), jnp.zeros((H, H))]) if is_readout else leaf


@pytest.mark.parametrize(("loop", "attend"), [("sequence", None), *DECODERS])
@pytest.mark.sample(1, 3)
def test_recurrent_dropout_acts_in_every_loop(loop, attend):
    cell = elman.cell(H)
    options = {} if loop == "sequence" else {"answers": "values", "attention": attend}
    options |= {"scheduled_sampling": RATE} if loop == "scheduled sampling" else {}
    factory = nets.rnn if loop == "sequence" else nets.seq2seq
    net, plain = factory(cell, D, recurrent_dropout=RATE, **options), factory(cell, D, **options)
    params, xs = initialised(net, D), jax.random.normal(KEY[0], (T, B, D))
    given = xs if loop == "sequence" else Pair(xs[:5], None if loop == "free running" else xs)
    assert not np.allclose(applied(net, params, given, KEY), applied(plain, params, given, KEY), atol=1e-3)


def test_tosses_of_scheduled_sampling_differ_over_steps_and_rows():
    """The share of steps that read the net's own output is the probability; the first step always reads the start."""
    steps, rows = 400, 50
    echo = nets.affine(1)._replace(apply=lambda params, carry, xs, *, mask=None, reset=None, key=None: (carry, xs))
    net = nets.encoder_decoder(nets.affine(1), echo, steps, 1, lambda y: jnp.full_like(y, 7.0), scheduled_sampling=RATE)
    params = net.init(jax.random.key(0), 1)
    xs = Pair(jnp.ones((2, rows, 1)), jnp.ones((steps, rows, 1)))
    key = jax.random.split(jax.random.key(1), rows)
    read = applied(net, params, xs, key)[..., 0]
    np.testing.assert_array_equal(read[0], 0.0)
    own = read[1:] == 7.0
    assert abs(own.mean() - RATE) < 4 * np.sqrt(RATE * (1 - RATE) / own.size)
    assert distinct(1.0 * own) == steps - 1
    assert distinct(1.0 * own.T) == rows


@pytest.mark.parametrize("draw", [draws.categorical(), draws.categorical(top_k=15), draws.categorical(top_p=0.99)])
def test_sampling_draws_every_symbol_anew(draw):
    """Of 16 symbols that are equally likely, steps and rows draw independently of each other."""
    net, steps, rows = nets.serial(nets.one_hot(16), nets.affine(16)), 200, 20
    params = jax.tree.map(jnp.zeros_like, net.init(jax.random.key(0), 1))
    first = jnp.zeros((rows, 1), int)

    def sampled(seed):
        carry = net.initial(params, (rows,))
        return np.asarray(decode.sample(net, params, carry, first, steps, draw, jax.random.key(seed))[1])[..., 0]

    symbols = sampled(5)
    assert abs((symbols[1:] == symbols[:-1]).mean() - 1 / 16) < 0.03
    assert abs((symbols[:, 1:] == symbols[:, :-1]).mean() - 1 / 16) < 0.03
    np.testing.assert_array_equal(symbols, sampled(5))
    assert not np.array_equal(symbols, sampled(6))
