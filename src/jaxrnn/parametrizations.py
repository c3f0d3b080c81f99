"""Parametrizations of the recurrent weights W, which keep W in a family of matrices: orthogonal, with singular values
near one, or in a real Schur form.

Training changes a matrix A of the same shape, and W is a function of A. For a cell with several gates the function is
applied to each block [H, H] separately.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from jaxrnn.arguments import checked
from jaxrnn.types import Rate

TERMS, SQUARINGS = 10, 8  # of the matrix exponential: exact up to rounding for angles up to 100 rad


class Parametrization(NamedTuple):
    """A family of square matrices.

    Fields:
      begin: (key, W [H, H] as the cell draws it) -> A [H, H], the initial value for training.
      matrix: (A) -> W.
    """

    begin: Callable[..., Any]
    matrix: Callable[..., Any]


def orthogonal() -> Parametrization:
    """W = exp(A - A^T): orthogonal of determinant one, all singular values 1.

    Lezcano-Casado & Martinez-Rubio 2019, "Cheap orthogonal constraints in neural networks", section 3.
    """
    return Parametrization(lambda key, w: w, rotation)


@checked
def soft_orthogonal(margin: Rate = 0.1) -> Parametrization:
    """W = U S V^T with U and V orthogonal and singular values 1 - m to 1 + m: s_i = 1 + 2 m (sigmoid(p_i) - 1/2).

    Vorontsov, Trabelsi, Kadoury & Pal 2017, "On orthogonality and learning recurrent networks with long term
    dependencies", section 3. The paper optimizes U and V on their manifold. Here the part of A above the diagonal gives
    U, the part below gives V, and the diagonal is p, which begins at zero.

    Args:
      margin: m; with 0 W is orthogonal.
    """

    def begin(key, w):
        return w - jnp.diag(jnp.diag(w))

    def matrix(a):
        s = 1 + 2 * margin * (jax.nn.sigmoid(jnp.diag(a)) - 0.5)
        return (rotation(jnp.triu(a, 1)) * s) @ rotation(jnp.tril(a, -1)).T

    return Parametrization(begin, matrix)


def non_normal() -> Parametrization:
    """W = P (Lambda + T) P^T, a real Schur form.

    P is orthogonal. Lambda has 2 x 2 diagonal blocks, each a rotation by a trained angle times a trained modulus. T is
    block triangular and connects different pairs of units. At first the angles are uniform, the moduli 1 and T = 0.

    Kerg et al. 2019, "Non-normal recurrent neural network (nnRNN)", section 3. The part of A above its diagonal gives
    P, the part below gives T, and the diagonal holds the angles and the moduli minus one.

    Raises:
      ValueError: at the draw of the weights, if the number of units is odd.
    """

    def begin(key, w):
        if len(w) % 2:
            raise ValueError(f"model.parametrization: non_normal needs an even number of units, got {len(w)}")
        angles = jax.random.uniform(key, (len(w) // 2,), minval=-jnp.pi, maxval=jnp.pi).astype(w.dtype)
        return jnp.triu(w, 1) + jnp.diag(jnp.stack([angles, jnp.zeros_like(angles)], axis=1).ravel())

    def matrix(a):
        pairs = jnp.diag(a).reshape(-1, 2)
        p, block = rotation(jnp.triu(a, 1)), jnp.arange(len(a)) // 2
        below = jnp.where(block[:, None] > block, a, 0)
        return p @ (_rotations(pairs[:, 0], 1 + pairs[:, 1]) + below) @ p.T

    return Parametrization(begin, matrix)


def rotation(a: Any) -> Any:
    """exp(A - A^T), [H, H], computed with matrix products only.

    The LAPACK solver in `jax.scipy.linalg.expm` takes a hundred times as long when its threads wait for a busy core.
    The exponential of the scaled matrix is a Taylor series; repeated squaring undoes the scaling. One Newton-Schulz
    step then removes the rounding errors in W^T W - I.
    """
    scaled, identity = (a - a.T) / 2**SQUARINGS, jnp.eye(len(a), dtype=a.dtype)
    orders = jnp.arange(TERMS, 0, -1, dtype=a.dtype)
    w, _ = lax.scan(lambda w, order: (identity + scaled @ w / order, None), identity, orders)
    w, _ = lax.scan(lambda w, _: (w @ w, None), w, length=SQUARINGS)
    return w @ (1.5 * identity - 0.5 * w.T @ w)


def _rotations(angles, moduli):
    """Block-diagonal matrix [2 n, 2 n] of n rotations by the angles, scaled by the moduli."""
    cosine, sine = moduli * jnp.cos(angles), moduli * jnp.sin(angles)
    blocks = jnp.stack([jnp.stack([cosine, -sine], axis=-1), jnp.stack([sine, cosine], axis=-1)], axis=-2)
    return jax.scipy.linalg.block_diag(*blocks)
