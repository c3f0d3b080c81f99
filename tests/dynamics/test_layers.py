"""Layers and directions as maps of their own, against the net that they make up."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxrnn import dynamics, nets
from jaxrnn.cells import elman, gru, lstm
from jaxrnn.dynamics import taps

KEY, T, D = jax.random.key(0), 30, 2
XS = jax.random.normal(KEY, (T, D))


def test_names_of_layers_and_directions():
    def names(net):
        params = net.init(KEY, D)
        return [name for name, *_ in taps.layers(net, params, net.initial(params, (1,)), jnp.zeros((2, 1, D)))]

    assert names(nets.rnn(gru.cell(3), 1)) == ["layer 1"]
    assert names(nets.rnn(gru.cell(3), 1, layers=2)) == ["layer 1", "layer 2"]
    both = names(nets.rnn(gru.cell(3), 1, layers=2, bidirectional="concat"))
    assert both == ["layer 1 forwards", "layer 1 backwards", "layer 2 forwards", "layer 2 backwards"]


def test_the_spectrum_of_a_stack_is_that_of_its_layers_together():
    """The Jacobian of the whole is block triangular."""
    net = nets.rnn(gru.cell(3), 1, layers=2)
    params = net.init(KEY, D)
    f, z_0 = dynamics.as_map(net, params)
    xs = jnp.tile(XS, (20, 1))
    whole = jax.jit(lambda: dynamics.lyapunov(f, z_0, xs, warm_up=100).lam)()
    layers = [
        jax.jit(lambda m=m: dynamics.lyapunov(m[1], m[2], m[3], warm_up=100).lam)()
        for m in dynamics.layer_maps(net, params, xs)
    ]
    together = np.concatenate(layers)
    assert whole.sum() == pytest.approx(together.sum(), abs=1e-9)  # the mean of ln |det J_t|
    np.testing.assert_allclose(np.sort(whole), np.sort(together), atol=0.02)  # equal in the limit of long sequences


@pytest.mark.costly
def test_maps_of_both_directions_give_the_states_that_the_net_goes_through():
    net = nets.rnn(lstm.cell(3), 1, layers=2, bidirectional="concat")
    params = net.init(KEY, D)
    _, _, seen = taps.observe(net, params, net.initial(params, ()), XS)
    for (name, f, z_0, inputs), layer in zip(dynamics.layer_maps(net, params, XS), seen, strict=True):
        states = dynamics.trajectory(f, z_0, inputs)
        states = states[::-1] if name.endswith("backwards") else states
        expected = np.concatenate([np.asarray(a) for a in jax.tree.leaves(layer.carries)], axis=-1)
        np.testing.assert_allclose(states, expected, rtol=1e-12, atol=1e-14)


def test_a_layer_without_its_input_is_its_cell():
    net = nets.rnn(elman.cell(3), 1)
    params = net.init(KEY, D)
    [(_, f, z_0, inputs)] = dynamics.layer_maps(net, params, XS)
    whole, first = dynamics.as_map(net, params)
    np.testing.assert_array_equal(z_0, first)
    np.testing.assert_allclose(f(z_0 + 0.3, inputs[4]), whole(first + 0.3, XS[4]), rtol=1e-14)
