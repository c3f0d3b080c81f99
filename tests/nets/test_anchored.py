"""Nets that are anchored to a simple forecast: of every distribution only the locations are shifted."""

import importlib
import pkgutil

import jax
import numpy as np
import pytest

from jaxrnn import distributions, nets
from jaxrnn.cells import elman
from jaxrnn.data import series

VALUES = 10.0 + np.arange(60) * 7 % 5  # counts too
NAMES = [module.name for module in pkgutil.iter_modules(distributions.__path__) if module.name[0] != "_"]
NAMES.remove("pen_mixture")  # a distribution of strokes, which no series has


@pytest.mark.parametrize("horizon", [1, 3])
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.sample(2, 2)
def test_only_the_locations_are_scaled_and_shifted(name, horizon):
    distribution = importlib.import_module(f"jaxrnn.distributions.{name}").distribution()
    dataset = series.dataset(VALUES, window=4, horizon=horizon, anchor="last", distribution=distribution)
    plain = nets.rnn(elman.cell(4), dataset.output_size)
    net = nets.anchored(plain, dataset)
    params = jax.jit(net.init, static_argnums=1)(jax.random.key(0), 1)
    xs = jax.random.normal(jax.random.key(1), (5, 2, 1))
    carry = net.initial(params, (2,))
    own = np.asarray(jax.jit(plain.apply)(params.net, carry, xs)[1])
    apply = jax.jit(net.apply)
    for alpha in (np.asarray(params.alpha), np.linspace(0.5, 0.8, horizon)):
        ys = np.asarray(apply(params._replace(alpha=alpha), carry, xs)[1])
        expected = dataset.series.anchor(xs) + alpha * own[..., :horizon]
        np.testing.assert_allclose(ys[..., :horizon], expected, rtol=1e-10)
        np.testing.assert_array_equal(ys[..., horizon:], own[..., horizon:])
    assert not params.alpha.any()
