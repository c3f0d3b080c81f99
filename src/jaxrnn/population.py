"""Many training runs as one compiled program: runs are a batch dimension, shared out over the devices."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.sharding import NamedSharding
from jax.sharding import PartitionSpec as P

from jaxrnn.devices import mesh
from jaxrnn.training import updates

RUNS = "runs"  # the mesh's one axis


class Population(NamedTuple):
    """N training runs as functions.

    Fields:
      init: (keys [N], values [N, ...]) -> TrainState, leaves [N, ...].
      advance: (TrainState, values, arrays, n) -> (TrainState, Report [N, report_every]); n updates of every run, at
        most `report_every`. One compilation serves every n.
    """

    init: Any
    advance: Any


def program(make, dataset, trainer, runs):
    """Training runs that differ in their keys and in float values.

    Args:
      make: values of one run -> (net, optimizer); the values may be traced.
      dataset: a `Dataset`.
      trainer: a `Trainer`.
      runs: N.
    """
    devices = mesh(runs, RUNS)
    of_runs, on_all = P(RUNS), P()

    def parts(values):
        net, optimizer = make(values)
        return updates(net, dataset, optimizer, trainer)

    def init(keys, values):
        return jax.vmap(lambda key, value: parts(value).init(key))(keys, values)

    def advance(states, values, arrays, n):
        def one(state, value):
            run = parts(value)
            return run.run(state, arrays, run.plan(state), n)

        return jax.vmap(one)(states, values)

    shared = jax.shard_map(
        advance,
        mesh=devices,
        in_specs=(of_runs, of_runs, on_all, on_all),
        out_specs=(of_runs, of_runs),
        check_vma=False,
    )
    return Population(
        init=jax.jit(init, out_shardings=NamedSharding(devices, of_runs)),
        advance=jax.jit(shared),
    )


def keys(seed, runs):
    """The keys [N] of runs with the seeds seed, seed + 1, ..., as single runs with these seeds have them."""
    return jnp.stack([jax.random.key(seed + number) for number in range(runs)])
