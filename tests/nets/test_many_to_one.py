"""One target per sequence: what a layer in both directions hands on, and which data sets ask for it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxrnn import nets
from jaxrnn.cells import gru, lstm
from jaxrnn.data import adding
from jaxrnn.parametrizations import orthogonal
from jaxrnn.unroll import scan

T, B, D, H, K = 7, 4, 3, 4, 2
XS = jax.random.normal(jax.random.key(0), (T, B, D))
MASK = jnp.arange(T)[:, None] < jnp.array([T, 5, 1, 0])
DATASET = adding.dataset(22)


def applied(net, params, xs=XS, **given):
    return np.asarray(jax.jit(net.apply)(params, net.initial(params, xs.shape[1:-1]), xs, **given)[1])


def initialised(net):
    return jax.jit(net.init, static_argnums=1)(jax.random.key(1), D)


@pytest.mark.parametrize("merge", ["concat", "sum", "mul", "ave"])
@pytest.mark.parametrize("mask", [None, MASK], ids=["whole", "lengths"])
@pytest.mark.sample(1, 2)
def test_the_last_step_has_both_directions_ends(merge, mask):
    """As Keras with return_sequences=False: the forward output of the last step, the backward one of the first."""
    forward, backward = nets.recurrent(gru.cell(H)), nets.recurrent(gru.cell(H), reverse=True)
    net = nets.adapted(nets.bidirectional(forward, backward, merge), DATASET)
    params = initialised(net)
    ends = nets.bidirectional(nets.last(forward), nets.first(backward), merge)
    at_the_end = applied(nets.last(net), params, mask=mask)
    np.testing.assert_allclose(at_the_end, applied(ends, params, mask=mask), rtol=1e-12)
    changed = XS.at[0].set(9.0)  # the first input moves the backward direction's share of the last output
    half = slice(H, None) if merge == "concat" else slice(None)
    moved = applied(nets.last(net), params, changed, mask=mask)[..., half]
    assert (np.abs(moved - at_the_end[..., half])[0, :3] > 1e-4).any(axis=-1).all()


def test_steps_that_are_not_valid_give_zeros_and_a_reset_begins_a_sequence():
    net = nets.rnn(gru.cell(H), K, bidirectional="concat", readout=False)
    net = nets.adapted(net, DATASET)
    params = initialised(net)
    holes = jnp.where(MASK[..., None], XS, jnp.nan)
    found = applied(net, params, holes, mask=MASK)
    assert np.isfinite(found).all()
    assert not found[~np.asarray(MASK)].any()
    reset = jnp.zeros((T, B), bool).at[3].set(True)
    both = applied(net, params, reset=reset)
    np.testing.assert_allclose(both[:3], applied(net, params, XS[:3]), rtol=1e-12)
    np.testing.assert_allclose(both[3:], applied(net, params, XS[3:]), rtol=1e-12)


def test_lower_layers_hand_on_sequences_and_only_the_last_layer_sums_up():
    net = nets.rnn(lstm.cell(H), K, layers=2, bidirectional="concat", residual=True)
    adapted = nets.adapted(net, DATASET)
    params = initialised(net)
    forward, backward = (nets.recurrent(lstm.cell(H), reverse=reverse) for reverse in (False, True))
    lower = jnp.asarray(applied(nets.bidirectional(forward, backward), params[0]))
    ends = applied(nets.bidirectional(nets.last(forward), nets.first(backward)), params[1], lower)
    expected = (ends + lower[-1:]) @ params[2].w + params[2].b
    np.testing.assert_allclose(applied(adapted, params)[-1:], expected, rtol=1e-12)


@pytest.mark.parametrize(
    "make",
    [
        lambda: nets.rnn(lstm.cell(H), K, bidirectional="concat"),
        pytest.param(
            lambda: nets.rnn(
                lstm.cell(H), K, layers=2, bidirectional="sum", residual=True, parametrization=orthogonal()
            ),
            marks=(pytest.mark.slow, pytest.mark.share(2)),
        ),
        lambda: nets.rnn(lstm.cell(H), K, layers=2, bidirectional="concat", learned_carry=True, recurrent_dropout=0.2),
        lambda: nets.last(nets.rnn(lstm.cell(H), K, bidirectional="concat")),
        lambda: nets.serial(nets.rnn(lstm.cell(H), K, bidirectional="concat"), nets.affine(K)),
    ],
    ids=["plain", "parametrized", "random", "last", "nested"],
)
@pytest.mark.sample(1, 2)
def test_every_weight_gets_a_gradient_through_the_last_step(make):
    net = nets.adapted(make(), DATASET).with_unroll(scan.unroll())
    params = initialised(net)

    def loss(params):
        key = jax.random.split(jax.random.key(2), B)
        return jnp.sum(net.apply(params, net.initial(params, (B,)), XS, key=key)[1][-1] ** 2)

    gradient = jax.tree_util.tree_leaves_with_path(jax.jit(jax.grad(loss))(params))
    assert [jax.tree_util.keystr(path) for path, leaf in gradient if not np.any(leaf)] == []


def test_a_net_without_directions_and_data_with_a_target_per_step_change_nothing():
    for net, dataset in (
        (nets.rnn(gru.cell(H), K, layers=2), DATASET),
        (nets.rnn(gru.cell(H), K, bidirectional="concat"), DATASET._replace(targets="per_step")),
    ):
        params = initialised(net)
        np.testing.assert_array_equal(applied(nets.adapted(net, dataset), params), applied(net, params))


def test_versions_of_a_changed_net_are_built_in_any_order():
    """A net of a version keeps what it is when the unroll is chosen afterwards, also after `_replace`."""
    net = nets.rnn(gru.cell(H), K, bidirectional="concat")._replace(vocabulary=None)
    params = initialised(net)
    ends = applied(net.many_to_one(), params)
    assert np.abs(ends - applied(net, params)).max() > 1e-3
    for version in (net.many_to_one().with_unroll(scan.unroll()), net.with_unroll(scan.unroll()).many_to_one()):
        np.testing.assert_allclose(applied(version, params), ends, rtol=1e-10)
