"""The kernel of `jaxrnn.unroll.pallas`: all steps of some sequences in one program, forwards and backwards."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jax.experimental import pallas as pl
from jax.experimental.pallas import triton

LEAST = 16  # rows and columns of a product on a GPU
AXES = {  # of each kind of array: G gates, B sequences, H units
    "gates": ("T", "G", "B", "H"),
    "flags": ("T", "2", "B", "1"),
    "weights": ("G", "H", "H'"),
    "bias": ("G", "H"),
    "carry": ("B", "H"),
    "carries": ("T", "B", "H"),
}


class Kernel(NamedTuple):
    """How the kernel is made: the step around its product, rows a program, whether it is interpreted.

    `local` is (u, a, carry) -> carry, lists of arrays [rows, H]: u and a one a gate, h the last of a carry.
    """

    local: object
    rows: int
    interpret: bool


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def run(kernel, us, w, bias, first, initial, flags):
    """The carries after every step, a leaf [T, B, H] each."""
    return _forward(kernel, us, w, bias, first, initial, flags)[0]


def _forward(kernel, us, w, bias, first, initial, flags):
    steps, gates = us.shape[:2]
    count = len(first)

    def forward(u, w, bias, flags, *refs):
        first, initial = refs[:count], [ref[:] for ref in refs[count : 2 * count]]
        carries, products = refs[2 * count : 3 * count], refs[3 * count]
        weights, biases = [w[k] for k in range(gates)], [bias[k] for k in range(gates)]

        def step(t, carry):
            valid, going = flags[t, 0], flags[t, 1]
            carry = [jnp.where(going > 0, leaf, other) for leaf, other in zip(carry, initial, strict=True)]
            a = [_dot(carry[-1], weights[k]) + biases[k][None] for k in range(gates)]
            new = kernel.local([u[t, k] for k in range(gates)], a, carry)
            carry = [jnp.where(valid > 0, one, leaf) for one, leaf in zip(new, carry, strict=True)]
            for k in range(gates):
                products[t, k] = a[k]
            for ref, leaf in zip(carries, carry, strict=True):
                ref[t] = leaf
            return carry

        lax.fori_loop(0, steps, step, [ref[:] for ref in first])

    inputs = [("gates", us), ("weights", w), ("bias", bias), ("flags", flags)]
    inputs += [("carry", leaf) for leaf in (*first, *initial)]
    outputs = [("carries", (steps, *leaf.shape)) for leaf in first] + [("gates", us.shape)]
    *carries, products = _call(kernel, forward, inputs, outputs)
    return carries, (us, w, first, initial, flags, carries, products)


def _backward(kernel, kept, d_carries):
    us, w, first, initial, flags, carries, products = kept
    steps, gates = us.shape[:2]
    count = len(first)
    before = [jnp.concatenate([one[None], leaf[:-1]]) for one, leaf in zip(first, carries, strict=True)]
    goes_on = flags[:, 1] > 0
    before = [jnp.where(goes_on, leaf, other) for leaf, other in zip(before, initial, strict=True)]

    def backward(u, a, w, flags, *refs):
        before, d_carries = refs[:count], refs[count : 2 * count]
        d_first, d_u, d_a = refs[2 * count : 3 * count], refs[3 * count], refs[3 * count + 1]
        weights = [w[k] for k in range(gates)]

        def step(number, d_carry):
            t = steps - 1 - number
            valid, going = flags[t, 0], flags[t, 1]
            entering = [leaf[t] for leaf in before]
            d_carry = [d + more[t] for d, more in zip(d_carry, d_carries, strict=True)]
            at = [u[t, k] for k in range(gates)], [a[t, k] for k in range(gates)], entering
            of_u, of_a, of_carry = jax.vjp(kernel.local, *at)[1]([jnp.where(valid > 0, d, 0.0) for d in d_carry])
            for k in range(gates):
                d_u[t, k], d_a[t, k] = of_u[k], of_a[k]
            through = sum(_dot(of_a[k], weights[k], turned=True) for k in range(gates))
            new = [jnp.where(valid > 0, d, old) for d, old in zip(of_carry, d_carry, strict=True)]
            new[-1] = new[-1] + through
            return [jnp.where(going > 0, leaf, 0.0) for leaf in new]

        none = [jnp.zeros(ref.shape, ref.dtype) for ref in d_first]
        for ref, leaf in zip(d_first, lax.fori_loop(0, steps, step, none), strict=True):
            ref[:] = leaf

    inputs = [("gates", us), ("gates", products), ("weights", w), ("flags", flags)]
    inputs += [("carries", leaf) for leaf in (*before, *d_carries)]
    outputs = [("carry", leaf.shape) for leaf in first] + [("gates", us.shape)] * 2
    *d_first, d_us, d_as = _call(kernel, backward, inputs, outputs)
    d_w = jnp.einsum("tbh,tkbg->khg", before[-1], d_as, precision=lax.Precision.HIGHEST)
    return d_us, d_w, jnp.sum(d_as, axis=(0, 2)), d_first, jax.tree.map(jnp.zeros_like, initial), jnp.zeros_like(flags)


run.defvjp(_forward, _backward)


def _dot(x, w, turned=False):
    return triton.dot(x, w, trans_b=turned, allow_tf32=False)


def _call(kernel, function, inputs, outputs):
    """What a kernel gives: a program for every block of sequences, all arrays filled up with zeros to whole blocks.

    Args:
      kernel: a `Kernel`.
      function: of references to the inputs and the outputs.
      inputs: [(kind, array)], a kind of `AXES` each.
      outputs: [(kind, shape)].

    Returns:
      The outputs, as large as was asked for.
    """
    shapes = [(kind, array.shape) for kind, array in inputs]
    sizes = {axis: n for kind, shape in [*shapes, *outputs] for axis, n in zip(AXES[kind], shape, strict=True)}
    whole = sizes | {"B": -(-sizes["B"] // kernel.rows) * kernel.rows, "H": power_of_two(sizes["H"])}
    whole["H'"] = whole["H"]

    def spec(kind):
        block = tuple(kernel.rows if axis == "B" else whole[axis] for axis in AXES[kind])
        return pl.BlockSpec(block, lambda program: tuple(program if axis == "B" else 0 for axis in AXES[kind]))

    def filled(kind, array):
        return jnp.pad(array, [(0, whole[axis] - n) for axis, n in zip(AXES[kind], array.shape, strict=True)])

    def filled_shape(kind):
        return jax.ShapeDtypeStruct([whole[axis] for axis in AXES[kind]], inputs[0][1].dtype)

    found = pl.pallas_call(
        function,
        out_shape=[
            jax.ShapeDtypeStruct([whole[axis] for axis in AXES[kind]], inputs[0][1].dtype) for kind, _ in outputs
        ],
        grid=(whole["B"] // kernel.rows,),
        in_specs=[spec(kind) for kind, _ in inputs],
        out_specs=[spec(kind) for kind, _ in outputs],
        interpret=kernel.interpret,
        compiler_params=triton.CompilerParams(num_warps=8, num_stages=1),
    )(*(filled(kind, array) for kind, array in inputs))
    return [array[tuple(map(slice, shape))] for array, (_, shape) in zip(found, outputs, strict=True)]


def power_of_two(size):
    return max(LEAST, 1 << (size - 1).bit_length())
