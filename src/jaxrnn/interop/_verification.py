"""A stack held to the outputs of what it was read from, by running both."""

import numpy as np

from jaxrnn.interop._comparison import ROWS, STEPS, inputs, outputs, same
from jaxrnn.interop._stack import OUTPUTS, net, require_widths


def verified(found, compute, source, steps=STEPS, rows=ROWS):
    """The stack with the output that a module gives, found by running it.

    Args:
      found: a `Stack`; its `output` is tried first.
      compute: inputs as NumPy arrays, time-major -> the module's outputs, time-major [T, B, K] or [B, K].
      source: the module's name, for errors.
      steps, rows: T and B of the inputs.

    Raises:
      ValueError: if the module computes something else than its layers in their order.
    """
    require_widths(found)
    xs = np.array(inputs(found, steps, rows))
    ys = np.asarray(compute(xs))
    ys = ys[None] if ys.ndim == 2 else ys
    possible = OUTPUTS if found.layers[-1].backward is not None else OUTPUTS[:2]
    for output in sorted(possible, key=lambda name: name != found.output):
        candidate, params = net(found._replace(output=output))
        if same(outputs(candidate, params, xs), ys):
            return found._replace(output=output)
    raise ValueError(
        f"{source} computes something else than its layers one after the other; give layers of the library itself in "
        "a list, [layer, ...], and put the rest around the net"
    )
