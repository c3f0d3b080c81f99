"""The encoder of an encoder-decoder from inside: its layers, its gradients, and which studies can measure it."""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxrnn import nets
from jaxrnn.cells import gru, lstm
from jaxrnn.data import addition
from jaxrnn.dynamics import taps
from jaxrnn.errors import ConfigError
from jaxrnn.losses import cross_entropy, weighted_sum
from jaxrnn.studies import gates, gradient_flow
from jaxrnn.studies._ensembles import ensemble
from jaxrnn.types import Batch, Pair

S, T, B = 5, 4, 3
KEYS = jax.random.split(jax.random.key(0), 3)
MASK = jnp.arange(S)[:, None] < jnp.array([5, 3, 4])


def of(attend, **options):
    """(net, params, batch) of an encoder-decoder over five symbols."""
    net = nets.seq2seq(lstm.cell(3), 4, "symbols", vocabulary_size=5, attention=attend, **options)
    source = jax.random.randint(KEYS[0], (S, B, 1), 0, 5)
    targets = jax.random.randint(KEYS[1], (T, B, 1), 0, 4)
    batch = Batch(Pair(source, targets), targets, jnp.ones((T, B)), jnp.ones(B, bool), MASK)
    return net, net.init(KEYS[2], 1), batch


@pytest.mark.parametrize("attend", [None, "luong", "bahdanau"])
@pytest.mark.sample(1, 2)
def test_observing_an_encoder_changes_nothing_and_its_gradient_is_a_difference(attend):
    net, params, batch = of(attend, bidirectional="concat")
    carry = net.initial(params, (B,))
    layers = taps.layers(net, params, carry, batch.xs)
    assert [name for name, *_ in layers] == ["layer 1 forwards", "layer 1 backwards"]

    def loss(added):
        ys = taps.observe(net, params, carry, batch.xs, added, mask=batch.mask)[1]
        return weighted_sum(cross_entropy, ys, batch.targets, batch.weights)[0]

    nothing = taps.zero_perturbations(net, params, carry, batch.xs)
    ys = net.apply(params, carry, batch.xs, mask=batch.mask)[1]
    np.testing.assert_allclose(
        loss(nothing), weighted_sum(cross_entropy, ys, batch.targets, batch.weights)[0], rtol=1e-12
    )
    loss, adjoints = jax.jit(loss), jax.jit(jax.grad(loss))(nothing)
    for layer, step, row, unit in ((0, 1, 0, 2), (0, 2, 1, 0), (1, 3, 2, 1)):
        bumped = [nothing[layer].h.at[step, row, unit].add(sign * 1e-5) for sign in (1, -1)]
        up, down = (loss([*nothing[:layer], nothing[layer]._replace(h=h), *nothing[layer + 1 :]]) for h in bumped)
        np.testing.assert_allclose(adjoints[layer].h[step, row, unit], (up - down) / 2e-5, rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("attend", [None, "luong"])
@pytest.mark.sample(1, 1)
def test_the_gradient_of_an_encoder_by_lag(attend):
    """Lags are counted from the source's end, where each sequence has its own; the shares of all steps sum to one."""
    net, params, batch = of(attend)
    (flow,) = gradient_flow.measure(net, SimpleNamespace(loss=cross_entropy), params, batch)
    assert flow.carry.shape == (S, B)
    np.testing.assert_array_equal(np.isfinite(flow.carry).sum(axis=0), [5, 3, 4])
    np.testing.assert_allclose(np.nansum(flow.shares), 1, rtol=1e-10)
    assert (np.nan_to_num(flow.carry, nan=1.0) > 0).all()


@pytest.mark.costly
def test_gradient_flow_measures_pairs_and_the_other_studies_refuse_them():
    dataset = addition.dataset(digits=1, examples=20, validation=4)
    net = nets.seq2seq(gru.cell(3), dataset.output_size, "symbols", vocabulary_size=dataset.symbols.inputs.size)
    networks = ensemble(net, dataset, networks=2)
    result = gradient_flow.study(networks, batch=8)
    assert "nats per step back" in result.findings[0]
    with pytest.raises(ConfigError, match="network is an encoder-decoder: only study=gradient_flow"):
        gates.study(networks)
