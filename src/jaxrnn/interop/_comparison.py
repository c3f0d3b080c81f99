"""Tests whether two nets compute the same outputs, by running both on random inputs."""

import jax
import jax.numpy as jnp
import numpy as np

from jaxrnn.jax_internals import compiler_options

STEPS, ROWS = 5, 3  # length and number of the sequences


def inputs(stack, steps=STEPS, rows=ROWS):
    """Draws random inputs for a stack: values [steps, rows, D], or symbols [steps, rows, 1]."""
    rng = np.random.default_rng(0)
    if stack.embedding is not None:
        return jnp.asarray(rng.integers(0, len(stack.embedding), (steps, rows, 1)))
    w_x = stack.layers[0].forward.w_x
    scales = np.resize([1.0, 10.0, 100.0], (steps, rows, 1))  # with only small inputs, tanh and linear agree
    return jnp.asarray(scales * rng.normal(size=(steps, rows, w_x.shape[0])), jnp.asarray(w_x).dtype)


def outputs(net, params, xs):
    """Computes the outputs ys of a net for inputs [T, B, D]."""

    def run(params, xs):
        return net.apply(params, net.initial(params, xs.shape[1:2]), xs)[1]

    return np.asarray(jax.jit(run, compiler_options=compiler_options())(params, xs))


def same(ys, expected):
    """Returns True if two outputs agree up to float32 rounding."""
    return ys.shape == expected.shape and np.allclose(
        ys, expected, rtol=1e-3, atol=1e-4 * float(np.abs(expected).max())
    )
