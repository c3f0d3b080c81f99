"""What is seen inside a net, against the net itself and against gradients taken another way."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxrnn import nets
from jaxrnn.cells import elman, gru, jordan, lstm
from jaxrnn.cells.transforms import carry_as_output, carry_size, clipped, gates_as_output, perturbed
from jaxrnn.dynamics import taps
from jaxrnn.unroll.scan import scan

T, B, D = 6, 3, 2
CELLS = {
    "elman": lambda: elman.cell(4),
    "jordan": lambda: jordan.cell(4, output_size=3),
    "lstm": lambda: lstm.cell(4),
    "gru": lambda: gru.cell(4),
}
KEYS = jax.random.split(jax.random.key(0), 4)
XS = jax.random.normal(KEYS[0], (T, B, D))
MASK = jax.random.bernoulli(KEYS[1], 0.7, (T, B))
RESET = jax.random.bernoulli(KEYS[2], 0.3, (T, B))


@pytest.fixture(params=["elman", "lstm", *(pytest.param(n, marks=pytest.mark.slow) for n in ("jordan", "gru"))])
def cell(request):
    return CELLS[request.param]()


def test_gradient_at_every_step_equals_restarting_there(cell):
    """dL/dcarry_t of one pass with deltas = the gradient of the loss of the rest of the sequence in its first carry."""
    params = cell.init(KEYS[3], D)
    carry = cell.initial(params, (B,))

    def loss(ys):
        return jnp.sum(jnp.cos(jnp.arange(ys[-1].size)).reshape(ys[-1].shape) * ys[-1] ** 2)

    def run(delta):
        _, ys = scan(perturbed(cell), params, carry, jnp.concatenate([XS, delta], axis=-1))
        return loss(ys)

    width = carry_size(cell)
    at_once = jax.jit(jax.grad(run))(jnp.zeros((T, B, width)))
    _, shown = scan(carry_as_output(cell), params, carry, XS)
    for t in range(T - 1):
        flat = shown[t, :, cell.size :]

        def rest(flat, t=t):
            leaves, tree = jax.tree.flatten(carry)
            parts = tree.unflatten(jnp.split(flat, len(leaves), axis=-1))
            return loss(scan(cell, params, parts, XS[t + 1 :])[1])

        np.testing.assert_allclose(at_once[t], jax.grad(rest)(flat), rtol=1e-12, atol=1e-15)
    assert jnp.linalg.norm(at_once[-1]) > 0  # what h_T does to the loss at once


STACKED = nets.rnn(lstm.cell(4), 1, layers=2, bidirectional="concat", learned_carry=True, residual=True)


@pytest.mark.costly
@pytest.mark.parametrize(
    "given", [pytest.param({}, marks=pytest.mark.slow), {"mask": MASK, "reset": RESET}], ids=["plain", "masked"]
)
def test_observing_changes_nothing_and_summands_sum_to_the_gradient(given):
    net = STACKED
    params = net.init(KEYS[3], D)
    carry = net.initial(params, (B,))

    @jax.jit
    def look(params):
        def loss(deltas, params):
            final, ys, layers = taps.observe(net, params, carry, XS, deltas, **given)
            return jnp.sum(ys**2), (final, ys, layers)

        deltas = taps.zero_perturbations(net, params, carry, XS)
        (adjoints, grads), seen = jax.grad(loss, argnums=(0, 1), has_aux=True)(deltas, params)
        along = jax.tree.map(lambda a: jax.random.normal(KEYS[3], a.shape), params)
        parts = sum(taps.shares(net, params, carry, XS, adjoints, along, **given))
        of_cells = [layer.cell for layer in (*grads[0], *grads[1])]
        pairs = jax.tree.map(lambda g, d: jnp.sum(g * d), of_cells, [layer.cell for layer in (*along[0], *along[1])])
        return seen, parts, sum(jax.tree.leaves(pairs))

    (final, ys, layers), parts, expected_sum = look(params)
    expected = net.apply(params, carry, XS, **given)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-15), (final, ys), expected)
    np.testing.assert_allclose(parts.sum(), expected_sum, rtol=1e-12)
    if given:
        assert (np.asarray(parts)[~np.asarray(MASK)] == 0).all()
    assert taps.states(layers[0].carries) == ["c", "h"]
    assert taps.states(layers[0].gates) == ["i", "f", "g", "o"]


def test_gates_are_what_the_equations_say(cell):
    if cell.gates is None:
        with pytest.raises(ValueError, match="no gates"):
            gates_as_output(cell)
        return
    params = cell.init(KEYS[3], D)
    carry = cell.initial(params, (B,))
    _, ys, [layer] = taps.observe(nets.recurrent(cell), params, carry, XS)
    gates, h = layer.gates, layer.carries.h
    before = jnp.concatenate([jnp.zeros((1, B, 4)), h[:-1]])
    if "f" in gates._fields:
        c_before = jnp.concatenate([jnp.zeros((1, B, 4)), layer.carries.c[:-1]])
        np.testing.assert_allclose(layer.carries.c, gates.f * c_before + gates.i * gates.g, atol=1e-15)
        np.testing.assert_allclose(ys, gates.o * jnp.tanh(layer.carries.c), atol=1e-15)
    else:
        np.testing.assert_allclose(ys, (1 - gates.z) * gates.n + gates.z * before, atol=1e-15)


def test_clipping_inside_the_backward_loop():
    """A linear cell that doubles: the gradient would grow as 2^t; limited, it is the threshold at every step before."""
    cell = elman.cell(3, "linear")
    params = cell.init(KEYS[3], D)._replace(w_h=2 * jnp.eye(3))
    carry = cell.initial(params, (B,))

    def adjoints(cell):
        def loss(delta):
            return jnp.sum(scan(perturbed(cell), params, carry, jnp.concatenate([XS, delta], axis=-1))[1][-1, :, 0])

        return jnp.linalg.norm(jax.grad(loss)(jnp.zeros((T, B, 3))), axis=-1)

    np.testing.assert_allclose(adjoints(cell)[:, 0], 2.0 ** np.arange(T)[::-1], rtol=1e-14)
    np.testing.assert_allclose(adjoints(clipped(cell, 5.0))[:, 0], [5, 5, 5, 4, 2, 1], rtol=1e-14)
    plain = scan(cell, params, carry, XS)
    jax.tree.map(np.testing.assert_array_equal, scan(clipped(cell, 5.0), params, carry, XS), plain)


def test_a_threshold_may_be_a_batch_dimension():
    cell = elman.cell(3)
    params = cell.init(KEYS[3], D)
    carry = cell.initial(params, (B,))

    def gradient(threshold):
        return jax.grad(lambda p: jnp.sum(scan(clipped(cell, threshold), p, carry, XS)[1] ** 2))(params).w_h

    many = jax.vmap(gradient)(jnp.array([0.1, 1e9]))
    np.testing.assert_allclose(many[0], gradient(0.1), rtol=1e-12)
    np.testing.assert_allclose(many[1], jax.grad(lambda p: jnp.sum(scan(cell, p, carry, XS)[1] ** 2))(params).w_h)


@pytest.mark.parametrize("name", ["lstm", "gru"])
def test_a_layer_with_noise_is_observed_with_its_gates(name):
    net = nets.recurrent(CELLS[name](), noise=0.1)
    params = net.init(KEYS[3], D)
    carry, keys = net.initial(params, (B,)), jax.random.split(KEYS[0], B)
    _, ys, layers = taps.observe(net, params, carry, XS, key=keys)
    np.testing.assert_allclose(ys, net.apply(params, carry, XS, key=keys)[1], rtol=1e-6)
    assert all(gate.shape == (T, B, 4) for gate in layers[0].gates)
