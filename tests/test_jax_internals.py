"""What `jax_internals` believes of JAX: it fails where another JAX is built otherwise."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxrnn.cells import elman
from jaxrnn.jax_internals import compiler_options, is_affine, with_weights, without_weights
from jaxrnn.unroll import deferred


def test_weights_are_found_among_what_a_step_keeps():
    """Traced, in a scan's body, the kept leaves that are weights are the weights; put back they give the gradient."""
    w = jnp.arange(6.0).reshape(3, 2) / 10
    xs = jnp.ones((4, 3))
    counts = []

    def gradient(w, keep):
        def step(carry, x):
            y, back = jax.vjp(lambda w, x: jnp.tanh(x @ w), w, x)
            kept = without_weights(w, back)
            counts.append((len(jax.tree.leaves(back)), len(jax.tree.leaves(kept))))
            return carry + y, kept if keep else back

        _, backs = jax.lax.scan(step, jnp.zeros(2), xs)

        def back_step(total, back):
            back = with_weights(w, back) if keep else back
            return total + back(jnp.ones(2))[0], None

        return jax.lax.scan(back_step, jnp.zeros_like(w), backs)[0]

    np.testing.assert_allclose(jax.jit(lambda w: gradient(w, True))(w), jax.jit(lambda w: gradient(w, False))(w))
    assert all(kept < whole for whole, kept in counts), counts


def test_forward_mode_through_deferred_says_what_to_take():
    cell = elman.cell(3)
    params, xs = cell.init(jax.random.key(0), 1), jnp.ones((5, 1))

    def last(scale):
        return deferred.unroll()(cell, params, cell.initial(params, ()), scale * xs)[1].sum()

    with pytest.raises(TypeError, match=r"reverse-mode differentiation only; for jax.jvp use the unroll scan"):
        jax.jvp(last, (1.0,), (1.0,))
    with pytest.raises(TypeError, match=r"reverse-mode differentiation only; for jax.jvp use the unroll scan"):
        jax.jacfwd(last)(1.0)
    assert jnp.isfinite(jax.jit(jax.grad(last))(1.0))


def test_what_is_affine_is_seen_in_the_program():
    zs = jnp.ones((3, 2))
    assert is_affine(lambda z: 2 * z @ jnp.ones((2, 2)) + 1, zs)
    assert not is_affine(lambda z: z**2, zs)
    assert not is_affine(jnp.tanh, zs)


def test_matrices_are_multiplied_by_eigen(x32):
    """Where XLA would call YNNPACK; it fails for a JAX that is not known yet, whose products should be timed first."""

    def steps(z, w):
        return jax.lax.scan(lambda z, _: (jnp.tanh(z @ w), None), z, None, length=10)[0]

    lowered = jax.jit(steps).lower(jnp.ones((16, 512)), jnp.ones((512, 512)))
    assert compiler_options()
    assert "ynn" not in lowered.compile(compiler_options()).as_text()
