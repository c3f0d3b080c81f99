"""The curvature of a loss: Hessian times vector, and the largest eigenvalues by Lanczos."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree


def hessian_product(loss, params):
    """Returns the Hessian of a loss at params as a product with a vector: (v [P] -> H v [P], P).

    It is the derivative of the gradient along v (Pearlmutter 1994) and costs about two gradients.
    """
    flat, unravel = ravel_pytree(params)
    gradient = jax.grad(lambda flat: loss(unravel(flat)))
    return lambda v: jax.jvp(gradient, (flat,), (v,))[1], flat.size


def largest_eigenvalues(product, size, count, dtype):
    """Returns the `count` largest eigenvalues of a symmetric matrix, by Lanczos (ARPACK): [count], descending.

    Args:
      product: v [P] -> H v [P].
      size: P.
      count: number of eigenvalues, below P.
      dtype: dtype of the vectors.
    """
    from scipy.sparse.linalg import LinearOperator, eigsh  # imported here, because only this function needs it

    make_operator: Any = LinearOperator  # SciPy annotates another constructor
    operator = make_operator((size, size), lambda v: np.asarray(product(jnp.asarray(v.ravel(), dtype))), dtype=dtype)
    start = np.random.default_rng(0).normal(size=size).astype(dtype)
    return np.sort(eigsh(operator, count, which="LA", v0=start, return_eigenvectors=False))[::-1]
