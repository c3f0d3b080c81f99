"""Training as functions of arrays, traced when first called: of one run and of many."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np
import optax
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P
from jaxtyping import PRNGKeyArray

from jaxrnn.runtime import ROWS, mesh
from jaxrnn.training import sharding
from jaxrnn.training.update import Report, TrainState, updates


class Program(NamedTuple):
    """Functions of one run, traced when first called.

    Fields:
      init: key -> the state before the first update.
      advance: (state, arrays of the data set, n) -> (state, `Report` of n updates).
      to_device: state in the layout of run folders -> the same on the devices.
      devices: the mesh over which the rows are sharded.
    """

    init: Callable[[PRNGKeyArray], TrainState]
    advance: Callable[[TrainState, Any, int | np.integer], tuple[TrainState, Report]]
    to_device: Callable[[TrainState], TrainState]
    devices: Mesh


def single_program(task, everywhere=False):
    """Builds the `Program` of one run; arguments as in `jaxrnn.training.engine.single`."""
    trainer = task.trainer
    params = jax.eval_shape(lambda: task.net.init(jax.random.key(0), task.dataset.input_size))
    devices = mesh(trainer.batch_size, everywhere=everywhere, params=params)
    flat = task.optimizer._replace(rule=optax.flatten(task.optimizer.rule))
    parts = updates(task._replace(optimizer=flat), devices.size)

    def advance(state, arrays, n):
        return jax.shard_map(
            parts.run,
            mesh=devices,
            in_specs=(states, P(), P(None, ROWS), P(), P()),
            out_specs=(states, P()),
            check_vma=False,
        )(state, arrays, parts.plan(state), n, state.step)

    whole: Any = P()  # a spec stands for all arrays of a field
    states = TrainState(step=whole, params=P(), opt_state=P(), carry=P(ROWS), key=whole)
    replicated = NamedSharding(devices, P())
    sharded = replicated if everywhere else jax.tree.map(lambda spec: NamedSharding(devices, spec), states)
    return Program(
        init=jax.jit(parts.init, out_shardings=sharded),
        advance=jax.jit(advance, in_shardings=(sharded, replicated, replicated), out_shardings=(sharded, replicated)),
        to_device=jax.jit(with_key, in_shardings=replicated, out_shardings=sharded),
        devices=devices,
    )


class GroupProgram(NamedTuple):
    """Functions of N runs, traced when first called.

    Fields:
      init: (keys [N], values [N, ...]) -> the states before the first update.
      advance: (states, values, arrays of the data set, n) -> (states, `Report` of n updates, fields [N, n]).
    """

    init: Callable[[PRNGKeyArray, Any], TrainState]
    advance: Callable[[TrainState, Any, Any, int], tuple[TrainState, Report]]


def group_program(make, runs):
    """Builds the `GroupProgram` of N runs; arguments as in `jaxrnn.training.engine.group`."""

    def init(task, key, _):
        return updates(task).init(key)

    def advance(task, state, common):
        arrays, n, step = common
        run = updates(task)
        return run.run(state, arrays, run.plan(state), n, step)

    init_all = sharding.over_runs(init, make, runs, one_by_one=True)
    advance_all = sharding.over_runs(advance, make, runs)
    return GroupProgram(
        init=lambda keys, values: init_all(values, keys, ()),
        advance=jax.jit(lambda states, values, arrays, n: advance_all(values, states, (arrays, n, states.step[0]))),
    )


def with_key(state):
    """Returns a state from a checkpoint with PRNG keys in place of their key data."""
    return state._replace(key=jax.random.wrap_key_data(state.key))


def with_key_data(state):
    """Returns a state with the data of its PRNG keys in place of the keys, as checkpoints hold them."""
    return state._replace(key=jax.random.key_data(state.key))
