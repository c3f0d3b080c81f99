"""A net as a dynamical system: its carry as one vector z, the map z_{t-1} -> z_t, its trajectories and Jacobians."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.flatten_util import ravel_pytree
from jax.typing import ArrayLike

from jaxrnn.dynamics import taps
from jaxrnn.types import Carry, Net, Params


def as_map(net: Net, params: Params) -> Any:
    """The step of a net as a map of one vector.

    Args:
      net: a causal `Net`.
      params: its params.

    Returns:
      (f, z_0): f(z [n], x [D]) -> z' [n], the carries of all layers as one vector, and the initial one.
    """
    z_0, unravel = ravel_pytree(net.initial(params, ()))

    def f(z, x):
        carry, _ = net.apply(params, unravel(z), x[None])
        return ravel_pytree(carry)[0]

    return f, z_0


def layer_maps(net: Net, params: Params, xs: ArrayLike, carry: Carry = None) -> Any:
    """Every layer of a net as a map of its own carry, driven by what it reads.

    For a stack of layers the Jacobian of the whole is block triangular, so its spectrum is that of these maps
    together. A net that reads the future has no map as a whole, and yet its layers have.

    Args:
      net, params: as in `as_map`.
      xs: inputs of the net [T, D].
      carry: the net's first carry; None for its initial one.

    Returns:
      [(name, f, z_0, inputs [T, D_l]), ...]: f(z [n_l], x [D_l]) -> z', and what the layer reads, in the order in which
      it reads it; names as of `taps.layers`.
    """
    carry = net.initial(params, ()) if carry is None else carry
    read = taps.inputs(net, params, carry, xs)
    carries = taps.carries(net, params, carry, xs)
    found = []
    for (name, cell, own, reverse), first, inputs in zip(
        taps.layers(net, params, carry, xs), carries, read, strict=True
    ):
        z_0, unravel = ravel_pytree(first)

        def f(z, x, cell=cell, own=own, unravel=unravel):
            new, _ = cell.step(own, unravel(z), cell.project(own, x))
            return ravel_pytree(new)[0]

        found.append((name, f, z_0, jnp.flip(inputs, 0) if reverse else inputs))
    return found


def closed_loop(net: Net, params: Params, output_size: int) -> Any:
    """The map of a net that runs on its own output, without an input: z is the carry and the last output.

    Args:
      net, params: as in `as_map`.
      output_size: K.

    Returns:
      (f, z_0): f(z [n + K], x) -> z' [n + K], whose x is not used. The last output follows from the step before, so K
      of the n + K exponents of this map are minus infinity, and the n largest are of interest.
    """
    z_0, unravel = ravel_pytree((net.initial(params, ()), jnp.zeros(output_size)))

    def f(z, x):
        carry, y = unravel(z)
        carry, ys = net.apply(params, carry, y[None])
        return ravel_pytree((carry, ys[0]))[0]

    return f, z_0


def trajectory(f: Callable[..., Any], z_0: Any, xs: ArrayLike) -> jax.Array:
    """The states z_1 ... z_T [T, n] under the inputs xs [T, D]."""
    return lax.scan(lambda z, x: (f(z, x),) * 2, z_0, xs)[1]


def jacobians(f: Callable[..., Any], z_0: Any, xs: ArrayLike) -> jax.Array:
    """J_t = dz_t / dz_{t-1} along the trajectory under the inputs xs [T, D]: [T, n, n]."""

    def step(z, x):
        return f(z, x), jax.jacfwd(f)(z, x)

    return lax.scan(step, z_0, xs)[1]
