"""Recurrent weights that are functions of what is trained: they stay in their family, whatever an optimizer does."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxrnn import nets, parametrizations
from jaxrnn.cells import elman, gru, jordan, lru, lstm
from jaxrnn.data import adding
from jaxrnn.nets import rnn
from jaxrnn.nets.parametrized import parametrized
from jaxrnn.studies import gradient_flow
from jaxrnn.studies._ensembles import ensemble
from jaxrnn.training.update import cast

H, MARGIN = 6, 0.1
FAMILIES = {
    "orthogonal": parametrizations.orthogonal(),
    "soft_orthogonal": parametrizations.soft_orthogonal(MARGIN),
    "non_normal": parametrizations.non_normal(),
}


def net(family, cell=None, **options):
    return rnn(elman.cell(H) if cell is None else cell, 1, parametrization=FAMILIES[family], **options)


def initialised(model):
    return jax.jit(model.init, static_argnums=1)(jax.random.key(0), 2)


def after_training(model, updates=1000):
    """The recurrent weights after so many updates of Adam towards outputs that do not fit them."""
    params, xs = initialised(model), jax.random.normal(jax.random.key(1), (5, 3, 2))
    rule = optax.adam(0.05)

    def loss(params):
        return jnp.mean((model.apply(params, model.initial(params, (3,)), xs)[1] - 3.0) ** 2)

    def update(_, state):
        changes, opt_state = rule.update(jax.grad(loss)(state[0]), state[1])
        return optax.apply_updates(state[0], changes), opt_state

    trained = jax.jit(lambda state: jax.lax.fori_loop(0, updates, update, state))((params, rule.init(params)))[0]
    before, after = (np.asarray(model.explicit_weights.weights(p)[0].w_h) for p in (params, trained))
    assert np.abs(after - before).max() > 0.1
    return after


def test_orthogonal_weights_stay_so_over_a_thousand_updates():
    for block in np.split(after_training(net("orthogonal", lstm.cell(H))), 4, axis=1):
        np.testing.assert_allclose(block.T @ block, np.eye(H), atol=1e-12)


@pytest.mark.parametrize("size", [0.01, 1.0, 20.0])
def test_the_exponential_is_that_of_lapack(size):
    a = size * jax.random.normal(jax.random.key(0), (H, H))
    np.testing.assert_allclose(parametrizations.rotation(a), jax.scipy.linalg.expm(a - a.T), atol=1e-12)


def test_singular_values_stay_within_the_margin():
    s = np.linalg.svd(after_training(net("soft_orthogonal")), compute_uv=False)
    assert s.max() <= 1 + MARGIN + 1e-12
    assert s.min() >= 1 - MARGIN - 1e-12
    assert np.ptp(s) > MARGIN / 4
    model = net("soft_orthogonal")
    begun = model.explicit_weights.weights(initialised(model))[0].w_h
    np.testing.assert_allclose(begun @ begun.T, np.eye(H), atol=1e-12)


def test_a_schur_form_has_the_eigenvalues_of_its_rotations_and_is_not_normal_once_trained():
    model = net("non_normal")
    begun = np.asarray(model.explicit_weights.weights(initialised(model))[0].w_h)
    np.testing.assert_allclose(begun @ begun.T, np.eye(H), atol=1e-12)
    raw = jax.random.normal(jax.random.key(2), (H, H))
    w = np.asarray(FAMILIES["non_normal"].matrix(raw))
    angles, moduli = np.diag(raw)[::2], 1 + np.diag(raw)[1::2]
    expected = np.sort(np.concatenate([moduli * np.exp(1j * angles), moduli * np.exp(-1j * angles)]))
    np.testing.assert_allclose(np.sort(np.linalg.eigvals(w)), expected, rtol=1e-9)
    assert np.abs(w @ w.T - w.T @ w).max() > 0.1


def test_gates_are_treated_block_by_block_and_layers_by_themselves():
    model = net("orthogonal", gru.cell(H), layers=2)
    params = model.explicit_weights.weights(initialised(model))
    blocks = [block for layer in params[:2] for block in np.split(np.asarray(layer.w_h), 3, axis=1)]
    for block in blocks:
        np.testing.assert_allclose(block.T @ block, np.eye(H), atol=1e-12)
    assert min(np.abs(a - b).max() for n, a in enumerate(blocks) for b in blocks[:n]) > 0.1


def test_the_plain_net_computes_the_same():
    model = net("non_normal", bidirectional="concat")
    params, xs = initialised(model), jax.random.normal(jax.random.key(1), (5, 3, 2))
    plain = model.explicit_weights.net, model.explicit_weights.weights(params)
    found, expected = (m.apply(p, m.initial(p, (3,)), xs)[1] for m, p in ((model, params), plain))
    np.testing.assert_array_equal(found, expected)


@pytest.mark.slow
@pytest.mark.share(2)
def test_studies_look_at_the_weights_themselves():
    """Linear units with orthogonal weights: no gradient vanishes, though what is trained is no orthogonal matrix."""
    model = rnn(elman.cell(H, "linear"), 1, parametrization=FAMILIES["orthogonal"])
    networks = ensemble(model, adding.dataset(30, "le2015"), networks=2)
    layer = jax.tree.map(lambda a: a[0, 0], networks.params)[0]
    np.testing.assert_allclose(layer.w_h @ layer.w_h.T, np.eye(H), atol=1e-12)
    norms = gradient_flow.study(networks, batch=2).networks["network"]["norms"]["h"]
    known = norms[..., np.isfinite(norms).all(axis=(0, 1))]
    np.testing.assert_allclose(known, known[..., :1] * np.ones_like(known), rtol=1e-9)
    assert known.shape[-1] == 30


@pytest.mark.parametrize(
    ("cell", "message"), [(lru.cell(H), "named w_h"), (jordan.cell(H, output_size=2), "square recurrent weights")]
)
def test_cells_without_square_recurrent_weights_are_refused(cell, message):
    with pytest.raises(ValueError, match=message):
        net("orthogonal", cell).init(jax.random.key(0), 2)
    with pytest.raises(ValueError, match="an even number of units, got 5"):
        rnn(elman.cell(5), 1, parametrization=FAMILIES["non_normal"]).init(jax.random.key(0), 2)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.sample(1, 2)
def test_weights_in_bfloat16_are_those_of_their_family(family, x32):
    """The weights are computed in float32 and rounded once."""
    model = net(family, lstm.cell(32))
    params = initialised(model)
    low = model.explicit_weights.weights(cast(params, "bf16"))[0].w_h
    assert low.dtype == jnp.bfloat16
    exact = model.explicit_weights.weights(jax.tree.map(lambda a: a.astype(jnp.float32), cast(params, "bf16")))[0].w_h
    np.testing.assert_allclose(low.astype(jnp.float32), exact, atol=2**-8)


def part(reverse=False):
    return parametrized(nets.recurrent(elman.cell(2), reverse=reverse), FAMILIES["orthogonal"])


@pytest.mark.parametrize("made", [
    lambda: nets.residual(part()), lambda: nets.last(part()), lambda: nets.first(part()),
    lambda: nets.first_everywhere(part(reverse=True)), lambda: nets.serial(part(), nets.residual(part())),
    lambda: nets.bidirectional(part(), part(reverse=True), "sum"), lambda: nets.tied(part(), 3, 2),
])  # fmt: skip
def test_a_net_made_of_parametrized_ones_has_their_explicit_weights(made):
    """Its version with explicit weights is made in the same way: it computes the same outputs."""
    net, size = made(), 1 if made().vocabulary else 2
    params = net.init(jax.random.key(0), size)
    xs = jnp.ones((4, 3, 1), int) if net.vocabulary else jax.random.normal(jax.random.key(1), (4, 3, 2))
    explicit, weights = net.explicit_weights
    plain = weights(params)
    carry = jax.tree.map(lambda a: a + 0.5, net.initial(params, (3,)))
    _, expected = net.apply(params, carry, xs)
    _, ys = explicit.apply(plain, carry, xs)
    np.testing.assert_allclose(ys, expected, rtol=1e-10)
    assert not np.allclose(explicit.apply(params, carry, xs)[1], expected)
