"""Whether two nets compute the same, found by running both on inputs that are drawn here."""

import jax
import jax.numpy as jnp
import numpy as np

from jaxrnn.jax_internals import compiler_options

STEPS, ROWS = 5, 3  # of the sequences


def inputs(found, steps=STEPS, rows=ROWS):
    """Random inputs of a stack [steps, rows, D], or symbols [steps, rows, 1]."""
    rng = np.random.default_rng(0)
    if found.embedding is not None:
        return jnp.asarray(rng.integers(0, len(found.embedding), (steps, rows, 1)))
    first = found.layers[0].forward.w_x
    scales = np.resize([1.0, 10.0, 100.0], (steps, rows, 1))  # weak inputs do not tell a tanh from a line
    return jnp.asarray(scales * rng.normal(size=(steps, rows, first.shape[0])), jnp.asarray(first).dtype)


def outputs(net, params, xs):
    """ys of inputs [T, B, D]."""

    def run(params, xs):
        return net.apply(params, net.initial(params, xs.shape[1:2]), xs)[1]

    return np.asarray(jax.jit(run, compiler_options=compiler_options())(params, xs))


def same(ys, others):
    """Whether outputs agree to float32."""
    return ys.shape == others.shape and np.allclose(ys, others, rtol=1e-3, atol=1e-4 * float(np.abs(others).max()))
