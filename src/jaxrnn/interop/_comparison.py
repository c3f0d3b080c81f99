"""Whether two nets compute the same, found by running both on inputs that are drawn here."""

import jax
import jax.numpy as jnp
import numpy as np

from jaxrnn.jax_internals import compiler_options

STEPS, ROWS = 5, 3  # of the sequences


def inputs(found, steps=STEPS):
    """Random inputs of a stack [steps, ROWS, D], or symbols [steps, ROWS, 1]."""
    rng = np.random.default_rng(0)
    if found.embedding is not None:
        return jnp.asarray(rng.integers(0, len(found.embedding), (steps, ROWS, 1)))
    first = found.layers[0].forward.w_x
    scales = np.array([1.0, 10.0, 100.0])[:, None]  # of the rows: weak inputs tell no tanh from a line
    return jnp.asarray(scales * rng.normal(size=(steps, ROWS, first.shape[0])), jnp.asarray(first).dtype)


def outputs(net, params, xs):
    """ys of inputs [STEPS, ROWS, D]."""

    def run(params, xs):
        return net.apply(params, net.initial(params, (ROWS,)), xs)[1]

    return np.asarray(jax.jit(run, compiler_options=compiler_options())(params, xs))


def same(ys, others):
    """Whether outputs agree to float32."""
    return ys.shape == others.shape and np.allclose(ys, others, rtol=1e-3, atol=1e-4 * float(np.abs(others).max()))
