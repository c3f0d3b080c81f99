"""One step on a stream in jaxrnn and in other tools, compiled if the tool compiles, and called from Python.

Every function takes (kind, batch, inputs, units), with kind one of lstm, gru and elman. It returns a function without
arguments that takes the next step: it passes in a NumPy array and waits for the output.
"""

import os
from collections.abc import Callable
from typing import Any, Literal

from jaxrnn.benchmarks import _baseline_layers as layers


def ours(kind, batch, inputs, units):
    """jaxrnn: `jaxrnn.nets.decode.step` under `jax.jit`."""
    import jax

    from jaxrnn import runtime
    from jaxrnn.cells import elman, gru, lstm
    from jaxrnn.jax_internals import compiler_options
    from jaxrnn.nets import decode, recurrent
    from jaxrnn.unroll import scan

    runtime.prepare()
    net = recurrent({"lstm": lstm, "gru": gru, "elman": elman}[kind].cell(units), scan.unroll())
    params, x = net.init(jax.random.key(0), inputs), layers.noise(batch, inputs)
    compute = jax.jit(lambda carry, x: decode.step(net, params, carry, x), compiler_options=compiler_options())
    return _stepping(compute, net.initial(params, (batch,)), x, jax.block_until_ready)


def nnx(kind, batch, inputs, units):
    """Flax: a cell under `nnx.jit`."""
    import jax
    from flax import nnx as nn

    cells = {"lstm": nn.OptimizedLSTMCell, "gru": nn.GRUCell, "elman": nn.SimpleCell}
    rngs = nn.Rngs(0)
    cell = cells[kind](inputs, units, rngs=rngs)
    compute = nn.cached_partial(nn.jit(lambda cell, carry, x: cell(carry, x)), cell)
    return _stepping(
        compute, cell.initialize_carry((batch, inputs), rngs), layers.noise(batch, inputs), jax.block_until_ready
    )


def pytorch(kind, batch, inputs, units):
    """PyTorch: `torch.nn` on all cores, a sequence of one step, without gradients."""
    import torch

    torch.set_num_threads(len(os.sched_getaffinity(0)))
    layer = layers.torch_layer(kind)(inputs, units)

    def compute(carry, x):
        with torch.inference_mode():
            y, carry = layer(torch.from_numpy(x)[None], carry)
            return carry, y

    return _stepping(compute, None, layers.noise(batch, inputs), lambda y: y)


def _stepping(compute, carry, x, wait):
    def step():
        nonlocal carry
        carry, y = compute(carry, x)
        wait(y)

    return step


Baseline = Literal["PyTorch", "Flax nnx"]
BASELINES: dict[Baseline, Callable[..., Any]] = {"PyTorch": pytorch, "Flax nnx": nnx}
