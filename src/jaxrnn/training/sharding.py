"""Turns functions of one run into functions of many runs: a batch dimension that is sharded over the devices."""

import jax
from jax import lax
from jax.sharding import NamedSharding
from jax.sharding import PartitionSpec as P

from jaxrnn.runtime import mesh, on_all

RUNS = "runs"  # the only axis of the mesh


def over_runs(function, make, runs, one_by_one=False):
    """Compiles a function of one run as a function of N runs, sharded over the devices.

    Args:
      function: (result of `make`, argument of this run, argument of all runs) -> result of one run.
      make: values of one run -> any object.
      runs: N.
      one_by_one: whether a device computes its runs one after the other, which compiles faster, instead of together.

    Returns:
      (values [N, ...], arguments with leaves [N, ...], argument of all runs) -> results with leaves [N, ...].
    """
    devices = mesh(runs, RUNS)
    of_runs = NamedSharding(devices, P(RUNS))

    def on_device(values, arguments, common):
        def on_run(value_and_argument):
            value, argument = value_and_argument
            return function(make(value), argument, common)

        return lax.map(on_run, (values, arguments)) if one_by_one else jax.vmap(on_run)((values, arguments))

    in_specs = (P(RUNS), P(RUNS), P())
    sharded = jax.shard_map(on_device, mesh=devices, in_specs=in_specs, out_specs=P(RUNS), check_vma=False)
    return jax.jit(sharded, in_shardings=(of_runs, of_runs, NamedSharding(devices, P())), out_shardings=of_runs)


def placed(tree, runs):
    """Shards leaves [N, ...] over the devices as the programs of N runs expect."""
    return jax.device_put(tree, NamedSharding(mesh(runs, RUNS), P(RUNS)))


def shared(arrays, runs):
    """Copies arrays that all runs read to every device, as the programs of N runs expect."""
    return on_all(arrays, mesh(runs, RUNS))


@jax.jit
def keys(seeds):
    """PRNG keys [N] from seeds [N], uint32: the same keys as single runs have."""
    return jax.vmap(jax.random.key)(seeds)
