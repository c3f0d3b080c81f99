"""The newer measurements of studies against what they must be."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxrnn import dynamics, nets
from jaxrnn.cells import elman, gru, lstm
from jaxrnn.data import adding, noisy_cosine
from jaxrnn.losses import weighted_sum
from jaxrnn.studies import (
    credit,
    dimension,
    ensemble,
    fixed_points,
    gain,
    jacobian,
    landscape,
    lyapunov,
    similarity,
)
from jaxrnn.training import batches, flossing
from jaxrnn.types import Batch

KEY = jax.random.key(0)
T, B = 9, 3


def batch_of(width=2):
    xs, targets = jax.random.normal(KEY, (T, B, width)), jnp.ones((T, B, 1))
    ends = jnp.array([T - 1, T - 1, 5])
    at = jnp.arange(T)[:, None]
    return Batch(xs, targets, 1.0 * (at == ends), jnp.ones(B, bool), mask=at <= ends)


@pytest.mark.slow
def test_integrated_gradients_share_out_the_loss_and_shares_sum_to_one():
    """Completeness (Sundararajan et al. 2017, proposition 1); two layers in both directions, two lengths."""
    net, dataset, batch = (
        nets.rnn(lstm.cell(4), 1, layers=2, bidirectional="concat"),
        noisy_cosine.dataset(),
        batch_of(),
    )
    params = net.init(KEY, 2)
    gradient, integrated, shares = jax.jit(lambda: credit.measure(net, dataset, params, batch))()

    def losses(xs):
        _, ys = net.apply(params, net.initial(params, (B,)), xs, mask=batch.mask)
        return jnp.stack([weighted_sum(dataset.loss, ys[:, b : b + 1], batch.targets[:, b : b + 1],
                                       batch.weights[:, b : b + 1])[0] for b in range(B)])  # fmt: skip

    expected = losses(batch.xs) - losses(0 * batch.xs)
    np.testing.assert_allclose(np.nansum(integrated, axis=0), expected, rtol=1e-9)
    assert float(jnp.abs(expected).min()) > 1e-4
    assert len(shares) == 4
    assert sum(float(jnp.nansum(share)) for share in shares) == pytest.approx(4)
    last = jax.grad(lambda x: losses(batch.xs.at[5, 2].set(x))[2])(batch.xs[5, 2])
    assert float(gradient[0, 2]) == pytest.approx(float(jnp.linalg.norm(last)))
    assert np.isnan(np.asarray(gradient[6:, 2])).all()


@pytest.mark.slow
def test_the_landscape_slopes_as_the_gradient_says_and_is_the_loss_in_its_middle():
    some = ensemble(nets.rnn(gru.cell(3), 1), noisy_cosine.dataset(window=8), networks=2, name="gru")
    own = landscape.study(some, batch=8, points=201, reach=0.05, eigenvalues=2)["gru"]
    middle = own["along"].shape[1] // 2
    np.testing.assert_allclose(own["along"][:, middle], own["loss"][0], rtol=1e-12)
    np.testing.assert_allclose(own["plane"][:, 100, 100], own["loss"][0], rtol=1e-12)
    step = own["distance"][:, middle + 1] - own["distance"][:, middle]
    slope = (own["along"][:, middle + 1] - own["along"][:, middle - 1]) / (2 * step)
    assert (step > 0).all()
    np.testing.assert_allclose(slope, -own["grad_norm"][0], rtol=1e-3)  # downhill to the right
    net, drawn = some.net, some.draw(8, some.keys()[0])
    params = jax.tree.map(lambda a: jnp.asarray(a[0, 0]), some.params)
    flat, unravel = jax.flatten_util.ravel_pytree(params)
    hessian = jax.jit(jax.hessian(lambda v: landscape.loss_of(net, some.dataset, drawn)(unravel(v))))(flat)
    expected = np.linalg.eigvalsh(hessian)[::-1][:2]
    np.testing.assert_allclose(own["sharpness"][0, 0], expected, rtol=1e-6)


def test_the_cliff_is_that_of_the_paper():
    """h = sigmoid(w h + b), 50 steps: on one side of the cliff h ends below, on the other above the target."""
    found = landscape.cliff(31)
    h, w, b = 0.5, found["cliff_w"][20], found["cliff_b"][7]
    for _ in range(50):
        h = 1 / (1 + np.exp(-(w * h + b)))
    assert found["cliff_loss"][20, 7] == pytest.approx((h - 0.7) ** 2, rel=1e-9)
    jumps = np.abs(np.diff(found["cliff_loss"], axis=1)).max(axis=1)
    assert (jumps > 0.2).any()  # one step of b changes the loss by more than a third of its range


@pytest.mark.slow
def test_networks_are_like_themselves_and_a_permuted_copy():
    some = ensemble(nets.rnn(elman.cell(4), 1), adding.dataset(22), networks=2, name="one")
    order = np.array([2, 0, 3, 1])
    cell, readout = some.params
    permuted = cell._replace(w_x=cell.w_x[..., order], w_h=cell.w_h[..., order, :][..., order], b=cell.b[..., order])
    copy = some._replace(name="copy", params=(permuted, readout))
    result = similarity.study([some, copy], batch=8, delays=2, rank=4)
    assert result["copy"]["place"].tolist() == [2, 3]
    for name, alike in (("cka", 1), ("procrustes", 0), ("dsa", 0)):
        grid = result.common[name]
        np.testing.assert_allclose([grid[0, 2], grid[1, 3]], alike, atol=0.02)
        assert abs(grid[0, 1] - alike) > 0.05
        np.testing.assert_array_equal(grid, grid.T)
    with pytest.raises(ValueError, match="one network: expected at least two"):
        similarity.study(some._replace(params=jax.tree.map(lambda a: a[:, :1], some.params)), batch=4)


@pytest.mark.slow
def test_a_linear_network_of_one_input_remembers_as_many_steps_as_it_has_units():
    some = ensemble(nets.rnn(elman.cell(5, "linear"), 1), noisy_cosine.dataset(window=8), networks=2, name="linear")
    scaled = some.params[0]._replace(w_h=0.8 * some.params[0].w_h)
    some = some._replace(params=(scaled, some.params[1]))
    own = dimension.study(some, batch=4, steps=8000, lags=40)["linear"]
    np.testing.assert_allclose(own["capacity"], 5, rtol=0.05)
    assert (own["participation_ratio"] <= 5).all()
    np.testing.assert_allclose(own["explained"][..., -1], 1, rtol=1e-12)


def test_the_edge_is_where_the_rate_passes_zero():
    grid = np.array([0.5, 1.0, 2.0])
    rates = np.array([[-1.0, -1.0, 0.5], [1.0, -0.5, 0.7], [2.0, -0.1, 0.9]])
    np.testing.assert_allclose(gain.edges(rates, grid), [np.sqrt(0.5), np.inf, np.nan])


def test_the_theory_of_a_spectrum_is_of_one_elman_layer():
    cell = elman.cell(3)
    params = cell.init(KEY, 2)._replace(w_h=jnp.array([[0.5, 1.0, 0.0], [0.0, -2.0, 0.0], [0.0, 0.0, 1.0]]))
    theory = lyapunov._theory([params, ()])
    np.testing.assert_allclose(theory["linear"], np.log([2, 1, 0.5]), atol=1e-12)
    gain = np.sqrt(3 * np.mean(np.square(params.w_h)))
    assert float(theory["mean_field"]) == pytest.approx(float(dynamics.mean_field_exponent(gain)), rel=1e-12)
    assert lyapunov._theory([params, params]) == {}
    assert lyapunov._theory([lstm.cell(3).init(KEY, 2)]) == {}


def with_nan_padding(dataset):
    """The data set with NaN in the inputs after the end of each sequence."""
    train = dataset.train

    def batch(arrays, items):
        padded = train.batch(arrays, items)
        assert padded.mask is not None
        return padded._replace(xs=jnp.where(padded.mask[..., None], padded.xs, jnp.nan))

    return dataset._replace(train=train._replace(batch=batch))


MAP_STUDIES = {
    "lyapunov": lambda nets_: lyapunov.study(nets_, steps=40, warm_up=10),
    "jacobian": lambda nets_: jacobian.study(nets_, sequences=3),
    "dimension": lambda nets_: dimension.study(nets_, batch=4, steps=40, warm_up=5, lags=3),
    "fixed_points": lambda nets_: fixed_points.study(nets_, starts=8, iterations=5, input="mean"),
    "similarity": lambda nets_: similarity.study(nets_, batch=4, delays=2, rank=2),
}


@pytest.mark.parametrize("study", MAP_STUDIES)
@pytest.mark.sample(2, 1)
def test_padding_does_not_drive_the_map(study):
    """With NaN in the padding a study gives the numbers that it gives with zeros there."""
    results = []
    for data in (adding.dataset(22), with_nan_padding(adding.dataset(22))):
        result = MAP_STUDIES[study](ensemble(nets.rnn(elman.cell(3), 1), data, networks=2, name="elman"))
        results.append({key: np.asarray(value) for key, value in result["elman"].items() if not isinstance(value, str)})
    for key, value in results[0].items():
        np.testing.assert_array_equal(value, results[1][key], err_msg=key)


def test_flossing_is_not_driven_by_padding():
    net, data = nets.rnn(elman.cell(3), 1), with_nan_padding(adding.dataset(22))
    params = net.init(KEY, data.input_size)
    batch = batches.draw(data, 4, KEY)
    value = flossing(2)(net, params, jnp.zeros(()), batch, 0, 1.0)
    assert np.isfinite(value)
    assert value > 0
