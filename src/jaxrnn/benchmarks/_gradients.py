"""Gradient of one layer on one device: its time, its memory and the compile time of its program."""

import time
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from jaxrnn.benchmarks._worker import clocked


def gradient_sides(cell, unrolls, length, batch, at_least=0.05):
    """Returns makers for `compare`: the gradient of the mean square of the last output, for noise of one input.

    Args:
      cell: a `Cell`.
      unrolls: {name: unroll}.
      length, batch: T and B.
      at_least: minimum number of seconds of one measurement.

    Returns:
      {name: function that compiles and returns (side, {"compile_seconds", "megabytes"})}.
    """
    return {name: partial(_compiled, cell, unroll, length, batch, at_least) for name, unroll in unrolls.items()}


def _compiled(cell, unroll, length, batch, at_least):
    params = cell.init(jax.random.key(0), 1)
    xs = jax.random.normal(jax.random.key(1), (length, batch, 1))

    def loss(params, xs):
        return jnp.mean(unroll(cell, params, cell.initial(params, (batch,)), xs)[1][-1] ** 2)

    traced = jax.jit(jax.grad(loss)).lower(params, xs)
    began = time.perf_counter()
    compute = traced.compile()
    memory: Any = compute.memory_analysis()
    columns = {
        "compile_seconds": time.perf_counter() - began,
        "megabytes": memory.temp_size_in_bytes / 1e6,
    }
    jax.block_until_ready(compute(params, xs))
    return clocked(lambda: jax.block_until_ready(compute(params, xs)), at_least), columns
