"""Norms over the whole range of a format, against float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxrnn import norms

VALUES = np.random.default_rng(0).normal(size=(4, 30)).astype(np.float32)


@pytest.mark.parametrize("size", [1e-34, 1e-25, 1e-19, 1.0, 1e19, 1e36])
def test_norms_hold_wherever_the_values_themselves_do(size):
    values = jnp.asarray(VALUES * np.float32(size))
    exact = np.linalg.norm(np.asarray(values, float), axis=1)
    np.testing.assert_allclose(np.asarray(jax.jit(lambda a: norms.norm(a, 1))(values), float), exact, rtol=1e-6)
    tree = {"w": values[:2], "b": values[2:, :7]}
    flat = np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(tree)]).astype(float)
    assert float(norms.tree_norm(tree)) == pytest.approx(np.linalg.norm(flat), rel=1e-6)
    ones = norms.unit(tree)
    np.testing.assert_allclose(ones["w"], np.asarray(values[:2], float) / np.linalg.norm(flat), rtol=1e-6)


def test_zero_infinity_and_nan_keep_their_norms():
    assert float(norms.norm(jnp.zeros(3))) == 0
    assert float(norms.norm(jnp.array([1.0, jnp.inf]))) == np.inf
    assert np.isnan(norms.norm(jnp.array([1.0, jnp.nan])))
    np.testing.assert_array_equal(norms.unit([jnp.zeros(3)])[0], 0)


def test_what_a_format_can_tell():
    assert norms.smallest(jnp.float32) == pytest.approx(1e-31, rel=0.02)
    assert norms.smallest(jnp.float64) < 1e-290
