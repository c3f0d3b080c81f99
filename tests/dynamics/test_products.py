"""Singular values of long products against the same products in 1000 decimal digits."""

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest

from jaxrnn import dynamics, nets
from jaxrnn.cells import lstm

T, N = 500, 4


def exact(js):
    """ln of the singular values of the whole product, multiplied out."""
    with mpmath.workdps(1000):
        product = mpmath.eye(js.shape[1])
        for j in js:
            product = mpmath.matrix(j.tolist()) * product
        return np.array([float(mpmath.log(value)) for value in mpmath.svd_r(product, compute_uv=False)])


def jacobians(kind):
    rng = np.random.default_rng(0)
    if kind == "gaussian":
        return rng.normal(size=(T, N, N)) / np.sqrt(N)
    if kind == "orthogonal":
        return np.array([np.linalg.qr(rng.normal(size=(N, N)))[0] for _ in range(T)])
    net = nets.recurrent(lstm.cell(N // 2))
    f, z_0 = dynamics.as_map(net, net.init(jax.random.key(0), 1))
    return np.asarray(dynamics.jacobians(f, z_0, jax.random.normal(jax.random.key(1), (T, 1))))


@pytest.mark.costly
@pytest.mark.parametrize("kind", ["gaussian", "orthogonal", "lstm"])
def test_nothing_is_lost_at_lag_500(kind):
    js = jacobians(kind)
    found = np.asarray(jax.jit(dynamics.log_singular_values)(jnp.asarray(js)))
    assert found.shape == (T, N)
    for t in (1, 7, T):
        expected = exact(js[:t])
        np.testing.assert_allclose(found[t - 1], expected, rtol=1e-13, atol=1e-11)
    if kind != "orthogonal":  # the smallest would be lost in the rounding of the largest
        assert found[-1, 0] - found[-1, -1] > 40


@pytest.mark.parametrize("n", [1, 3])
def test_any_number_of_rows(n):
    js = np.random.default_rng(1).normal(size=(3, n, n))
    found = dynamics.log_singular_values(jnp.asarray(js))[-1]
    expected = np.linalg.svd(js[2] @ js[1] @ js[0], compute_uv=False)
    np.testing.assert_allclose(np.exp(found), expected, rtol=1e-11)
