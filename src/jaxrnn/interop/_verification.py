"""Checks that a stack computes the same outputs as the module that it was read from, by running both."""

import numpy as np

from jaxrnn.interop._comparison import ROWS, STEPS, inputs, outputs, same
from jaxrnn.interop._stack import OUTPUTS, net, require_widths


def verified(stack, compute, source, steps=STEPS, rows=ROWS):
    """Returns the stack with its `output` set to the one that a module computes.

    Args:
      stack: a `Stack`. Its own `output` is tried first.
      compute: inputs as NumPy arrays, time-major -> the module's outputs, time-major [T, B, K] or [B, K].
      source: the module's name, for error messages.
      steps: length of the inputs (T).
      rows: number of sequences in the inputs (B).

    Raises:
      ValueError: if the module computes anything other than its layers in order.
    """
    require_widths(stack)
    xs = np.array(inputs(stack, steps, rows))
    ys = np.asarray(compute(xs))
    ys = ys[None] if ys.ndim == 2 else ys
    possible = OUTPUTS if stack.layers[-1].backward is not None else OUTPUTS[:2]
    for output in sorted(possible, key=lambda name: name != stack.output):
        candidate, params = net(stack._replace(output=output))
        if same(outputs(candidate, params, xs), ys):
            return stack._replace(output=output)
    raise ValueError(
        f"{source} computes something other than its layers in order; give the library's own layers in a list, "
        "[layer, ...], and apply the other operations outside the net"
    )
