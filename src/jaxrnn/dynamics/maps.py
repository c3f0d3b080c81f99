"""A net as a map of its carry, one vector z: the map z_{t-1} -> z_t, its trajectories and its Jacobians."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.flatten_util import ravel_pytree

from jaxrnn.arrays import AnyArray
from jaxrnn.dynamics import taps
from jaxrnn.types import Carry, Net, Params


def as_map(net: Net, params: Params) -> Any:
    """Returns the step of a net as a map of one vector.

    Args:
      net: a causal `Net`.
      params: its params.

    Returns:
      (f, z_0): the map f(z [n], x [D]) -> z' [n] and the initial z. z holds the carries of all layers.
    """
    z_0, unravel = ravel_pytree(net.initial(params, ()))

    def f(z, x):
        carry, _ = net.apply(params, unravel(z), x[None])
        return ravel_pytree(carry)[0]

    return f, z_0


def layer_maps(net: Net, params: Params, xs: AnyArray, carry: Carry = None) -> Any:
    """Returns every layer of a net as a map of its own carry, driven by its own inputs.

    The Jacobian of a stack of layers is block triangular, so its spectrum is the union of the spectra of these maps. A
    net that reads the future is not a map itself, but its layers are.

    Args:
      net, params: as in `as_map`.
      xs: inputs of the net [T, D].
      carry: the net's first carry; None for its initial one.

    Returns:
      [(name, f, z_0, inputs [T, D_l]), ...] with the map f(z [n_l], x [D_l]) -> z'. `inputs` are in the order in which
      the layer reads them; `taps.layers` gives the names.
    """
    carry = net.initial(params, ()) if carry is None else carry
    inputs_by_layer = taps.inputs(net, params, carry, xs)
    carries = taps.carries(net, params, carry, xs)
    maps = []
    for (name, cell, layer_params, reverse), first_carry, inputs in zip(
        taps.layers(net, params, carry, xs), carries, inputs_by_layer, strict=True
    ):
        z_0, unravel = ravel_pytree(first_carry)

        def f(z, x, cell=cell, layer_params=layer_params, unravel=unravel):
            new_carry, _ = cell.step(layer_params, unravel(z), cell.project(layer_params, x))
            return ravel_pytree(new_carry)[0]

        maps.append((name, f, z_0, jnp.flip(inputs, 0) if reverse else inputs))
    return maps


def closed_loop(net: Net, params: Params, output_size: int) -> Any:
    """Returns the map of a net that runs on its own output; z holds the carry and the last output.

    Args:
      net, params: as in `as_map`.
      output_size: K.

    Returns:
      (f, z_0): the map f(z [n + K], x) -> z' [n + K], which ignores x, and the initial z. The output is a function of
      the step before, so K of the n + K exponents are minus infinity; use the n largest.
    """
    z_0, unravel = ravel_pytree((net.initial(params, ()), jnp.zeros(output_size)))

    def f(z, x):
        carry, y = unravel(z)
        carry, ys = net.apply(params, carry, y[None])
        return ravel_pytree((carry, ys[0]))[0]

    return f, z_0


def trajectory(f: Callable[..., Any], z_0: Any, xs: AnyArray) -> jax.Array:
    """Returns the states z_1 ... z_T [T, n] of a map f(z, x) -> z' that starts at z_0 [n], for the inputs xs [T, D]."""
    return lax.scan(lambda z, x: (f(z, x),) * 2, z_0, xs)[1]


def jacobians(f: Callable[..., Any], z_0: Any, xs: AnyArray) -> jax.Array:
    """Returns J_t = dz_t / dz_{t-1} along the trajectory, [T, n, n]; arguments as in `trajectory`."""

    def step(z, x):
        return f(z, x), jax.jacfwd(f)(z, x)

    return lax.scan(step, z_0, xs)[1]
