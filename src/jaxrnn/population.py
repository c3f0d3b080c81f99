"""Many training runs as one compiled program: runs are a batch dimension, shared out over the devices."""

from typing import Any, NamedTuple

import jax
import numpy as np
from jax import lax
from jax.sharding import NamedSharding
from jax.sharding import PartitionSpec as P

from jaxrnn.devices import mesh
from jaxrnn.training import updates

RUNS = "runs"  # the mesh's one axis


class Population(NamedTuple):
    """N training runs as functions.

    Fields:
      init: (keys [N], values [N, ...]) -> TrainState, leaves [N, ...]. Its optimizer states are trees; those of a
        single run are flat (see `jaxrnn.training.flattened`).
      advance: (TrainState, values, arrays, n) -> (TrainState, Report [N, report_every]); n updates of every run, at
        most `report_every`. One compilation serves every n.
    """

    init: Any
    advance: Any


def program(make, runs):
    """Training runs that differ in their keys and in float values.

    Args:
      make: values of one run -> (net, dataset, optimizer, trainer), the arguments of `jaxrnn.training.updates`; the
        values may be traced, and what the shapes depend on must not vary.
      runs: N.
    """

    def init(parts, key, _):
        return updates(*parts).init(key)

    def advance(parts, state, common):
        arrays, n = common
        run = updates(*parts)
        return run.run(state, arrays, run.plan(state), n)

    start, go_on = over_runs(init, make, runs, one_by_one=True), over_runs(advance, make, runs)
    return Population(
        init=lambda keys, values: start(values, keys, ()),
        advance=jax.jit(lambda states, values, arrays, n: go_on(values, states, (arrays, n))),
    )


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


@jax.jit
def keys(seeds):
    """The keys [N] of runs with these seeds [N], uint32, as single runs have them."""
    return jax.vmap(jax.random.key)(seeds)


def seeds(first, runs):
    """The seeds first, first + 1, ... [N] of runs that differ in them alone."""
    return np.arange(first, first + runs, dtype=np.uint32)
