"""Functions of one run as functions of many: runs are a batch dimension, shared out over the devices."""

import jax
import numpy as np
from jax import lax
from jax.sharding import NamedSharding
from jax.sharding import PartitionSpec as P

from jaxrnn.runtime import mesh, on_all

RUNS = "runs"  # the mesh's one axis


def over_runs(function, make, runs, one_by_one=False):
    """A function of one run as a compiled function of N runs, shared out over the devices.

    Args:
      function: (what `make` gives, own, common) -> the result of one run.
      make: values of one run -> anything.
      runs: N.
      one_by_one: each device takes its runs one after the other, which compiles sooner, instead of all at once.

    Returns:
      (values [N, ...], own with leaves [N, ...], common, the same for all runs) -> results with leaves [N, ...].
    """
    devices = mesh(runs, RUNS)
    of_runs = NamedSharding(devices, P(RUNS))

    def local(values, own, common):
        def one(value_and_own):
            value, mine = value_and_own
            return function(make(value), mine, common)

        return lax.map(one, (values, own)) if one_by_one else jax.vmap(one)((values, own))

    shared = jax.shard_map(local, mesh=devices, in_specs=(P(RUNS), P(RUNS), P()), out_specs=P(RUNS), check_vma=False)
    return jax.jit(shared, in_shardings=(of_runs, of_runs, NamedSharding(devices, P())), out_shardings=of_runs)


def placed(tree, runs):
    """Leaves [N, ...] shared out over the devices as the programs of N runs take them."""
    return jax.device_put(tree, NamedSharding(mesh(runs, RUNS), P(RUNS)))


def shared(arrays, runs):
    """Arrays that all runs read, on every device, as the programs of N runs take them."""
    return on_all(arrays, mesh(runs, RUNS))


@jax.jit
def keys(seeds):
    """The keys [N] of runs with these seeds [N], uint32, as single runs have them."""
    return jax.vmap(jax.random.key)(seeds)


def seeds(first, runs):
    """The seeds first, first + 1, ... [N] of runs that differ in them alone."""
    return np.arange(first, first + runs, dtype=np.uint32)
