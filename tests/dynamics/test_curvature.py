"""Curvature of a quadratic, whose Hessian is known."""

import jax.numpy as jnp
import numpy as np

from jaxrnn.dynamics import curvature


def test_hessian_of_a_quadratic():
    rng = np.random.default_rng(0)
    spectrum = np.array([9.0, 5.0, 1.0, 0.1, -2.0, -7.0])
    basis = np.linalg.qr(rng.normal(size=(6, 6)))[0]
    a = basis * spectrum @ basis.T
    params = {"b": jnp.asarray(rng.normal(size=2)), "w": jnp.asarray(rng.normal(size=(2, 2)))}

    def loss(params):
        flat = jnp.concatenate([params["b"], params["w"].ravel()])
        return 0.5 * flat @ jnp.asarray(a) @ flat + jnp.sum(flat)

    product, size = curvature.hessian_product(loss, params)
    assert size == 6
    v = rng.normal(size=6)
    np.testing.assert_allclose(product(jnp.asarray(v)), a @ v, rtol=1e-10)
    found = curvature.largest_eigenvalues(product, size, 3, np.float64)
    np.testing.assert_allclose(found, [9, 5, 1], rtol=1e-8)
