"""Finds the `Stack` that computes the same outputs as a library's modules or as a net, on random inputs.

Weights do not contain everything: an activation, for example, only shows in the outputs.
"""

from itertools import product
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxrnn import nets
from jaxrnn.cells.transforms import LearnedParams
from jaxrnn.interop._stack import ACTIVATIONS, KIND_NAMES, KINDS, Layer, Stack, kind_of, net_of, require_widths, widths
from jaxrnn.jax_internals import compiler_options
from jaxrnn.nets.combine import MERGES
from jaxrnn.nets.layers import AffineParams, EmbedParams

STEPS, ROWS = 5, 3  # length and number of the sequences


def verified(stack, compute, source, steps=STEPS, rows=ROWS):
    """Returns the stack with its `output` set to the one that a library's modules compute.

    Args:
      stack: a `Stack`.
      compute: NumPy arrays, values [T, B, D] or symbols [T, B] -> the modules' outputs, [T, B, K] or [B, K].
      source: name of the modules, for error messages.
      steps: length of the inputs (T).
      rows: number of sequences in the inputs (B).

    Raises:
      ValueError: if the modules cannot run or compute anything other than their layers in order.
    """
    require_widths(stack)
    xs = np.array(_inputs(stack, steps, rows))
    try:
        ys = np.asarray(compute(xs[..., 0] if stack.embedding is not None else xs))
    except Exception as error:  # the modules are code of a user, which may raise anything
        reason = " ".join(str(error).split())[:200]
        raise ValueError(
            f"{source} must compute outputs from one sequence ({reason}); give its layers in a list instead"
        ) from error
    candidates = [stack._replace(output=output) for output in stack.outputs]
    if ys.ndim == 2:  # one output per sequence
        ys, candidates = ys[None], candidates[::-1]
    equivalent = _equivalent(candidates, xs, ys)
    if equivalent is None:
        raise ValueError(
            f"{source} computes something other than its layers in order; give the library's own layers in a list, "
            "[layer, ...], and apply the other operations outside the net"
        )
    return equivalent


def stack_of_net(net, params, library):
    """Finds the `Stack` of a net; `library` is a name for error messages.

    Raises:
      ValueError: if no stack computes the outputs. The message names what has no counterpart.
    """
    if net.explicit_weights is not None:
        net, params = net.explicit_weights.net, net.explicit_weights.weights(params)
    for default in _defaults(params, library):
        xs = _inputs(default)
        try:
            ys = _outputs(net, params, xs)
        except (TypeError, ValueError):  # symbols for a net that reads values, or values for one that reads symbols
            continue
        # A net with one target per sequence returns both ends at its last step, so only that step is compared.
        equivalent = _equivalent(_candidates(default), xs, ys, expected={"ends": ys[-1:]})
        if equivalent is not None:
            return equivalent
    raise ValueError(
        f"{library} has no layers for this network: expected a stack of plain recurrent layers, but with these weights "
        "the outputs differ; residual connections, zoneout and changed cells cannot be converted"
    )


def _inputs(stack, steps=STEPS, rows=ROWS):
    """Draws random inputs for a stack: values [steps, rows, D], or symbols [steps, rows, 1]."""
    rng = np.random.default_rng(0)
    if stack.embedding is not None:
        return jnp.asarray(rng.integers(0, len(stack.embedding), (steps, rows, 1)))
    w_x = stack.layers[0].forward.w_x
    scales = np.resize([1.0, 10.0, 100.0], (steps, rows, 1))  # with only small inputs, tanh and linear agree
    return jnp.asarray(scales * rng.normal(size=(steps, rows, w_x.shape[0])), jnp.asarray(w_x).dtype)


def _outputs(net, params, xs):
    """Computes the outputs ys of a net for inputs [T, B, D]."""

    def run(params, xs):
        return net.apply(params, net.initial(params, xs.shape[1:2]), xs)[1]

    return np.asarray(jax.jit(run, compiler_options=compiler_options())(params, xs))


def _equivalent(candidates, xs, ys, expected=None):
    """Returns the first stack whose outputs are ys up to float32 rounding, or None.

    `expected` contains the outputs {`Stack.output`: ys} of stacks whose outputs are compared with others.
    """
    for candidate in candidates:
        target = (expected or {}).get(candidate.output, ys)
        outputs = _outputs(*net_of(candidate), xs)
        atol = 1e-4 * float(np.abs(target).max())
        if outputs.shape == target.shape and np.allclose(outputs, target, rtol=1e-3, atol=atol):
            return candidate
    return None


def _defaults(params, library):
    """Lists the `Stack`s that may have these params, each with default activation, merge and output."""
    parts = jax.tree.leaves(params, is_leaf=_is_part)
    stack = Stack(())
    for number, part in enumerate(parts):
        if isinstance(part, AffineParams) and number == len(parts) - 1 and stack.layers:
            stack = stack._replace(readout=part)
        elif isinstance(part, EmbedParams) and not stack.layers:
            stack = stack._replace(embedding=part.w)
        elif type(part) is not tuple:  # () stands for dropout and one-hot inputs, which have no params
            directions = part if isinstance(part, nets.BidirectionalParams) else (part,)
            cells: list[Any] = [_cell_params(direction, library) for direction in directions]
            stack = stack._replace(layers=(*stack.layers, Layer(*cells)))
    if not stack.layers:
        raise ValueError(f"{library}: the network has no recurrent layers")
    if type(parts[0]) is not tuple or stack.embedding is not None:
        return [stack]
    w_x = stack.layers[0].forward.w_x  # the first part is dropout, or it encodes symbols as one-hot vectors
    return [stack, stack._replace(embedding=jnp.eye(w_x.shape[0], dtype=w_x.dtype))]


def _is_part(node):
    return isinstance(node, tuple) and (node == () or hasattr(node, "_fields"))


def _cell_params(direction, library):
    """Returns the params of the only cell of a direction."""
    params = direction[0] if type(direction) is tuple and len(direction) == 1 else direction
    if isinstance(params, LearnedParams):
        raise ValueError(f"{library} has no learned initial carry; train with jaxrnn.rnn(learned_carry=False) instead")
    if type(params) not in KIND_NAMES:
        name = type(params).__name__.removesuffix("Params")
        raise ValueError(f"{library} has no counterpart of {name}; expected {', '.join(KINDS)} layers")
    return params


def _candidates(default):
    """Yields all stacks with the weights of `default`, the likeliest first."""
    directions = [direction for layer in default.layers for direction in layer.directions]
    has_activation = any(kind_of(direction).option == "activation" for direction in directions)
    merges = MERGES if len(directions) > len(default.layers) else ("concat",)
    activations = ACTIVATIONS if has_activation else ("tanh",)
    for output, merge, activation in product(default.outputs, merges, activations):
        layers = tuple(layer._replace(activation=activation, merge=merge) for layer in default.layers)
        candidate = default._replace(layers=layers, output=output)
        if all(output_size == input_size for output_size, input_size, _ in widths(candidate)):
            yield candidate
