"""Gradient of one layer on one device: its time, its memory and the compile time of its program."""

import time

import jax
import jax.numpy as jnp

from jaxrnn.benchmarks._worker import clocked


def compiled(cell, unroll, length, batch, inputs=1, at_least=0.05):
    """Compiles the gradient of the mean square of the last output.

    Args:
      cell, unroll: a `Cell` and its unroll.
      length, batch, inputs: T, B and D.
      at_least: minimum number of seconds of one measurement.

    Returns:
      (side that is timed, {"compile_seconds", "megabytes"}).
    """
    params = cell.init(jax.random.key(0), inputs)
    xs = jax.random.normal(jax.random.key(1), (length, batch, inputs))

    def loss(params, xs):
        return jnp.mean(unroll(cell, params, cell.initial(params, (batch,)), xs)[1][-1] ** 2)

    traced = jax.jit(jax.grad(loss)).lower(params, xs)
    began = time.perf_counter()
    compute = traced.compile()
    columns = {
        "compile_seconds": time.perf_counter() - began,
        "megabytes": compute.memory_analysis().temp_size_in_bytes / 1e6,
    }
    jax.block_until_ready(compute(params, xs))
    return clocked(lambda: jax.block_until_ready(compute(params, xs)), at_least), columns
