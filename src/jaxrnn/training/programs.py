"""Training runs as functions of arrays, traced when first called: one run, and many."""

from typing import Any, NamedTuple

import jax
import optax
from jax.sharding import NamedSharding
from jax.sharding import PartitionSpec as P

from jaxrnn.runtime import ROWS, mesh
from jaxrnn.training import vectorized
from jaxrnn.training.update import TrainState, updates


class Program(NamedTuple):
    """The functions of one run, traced when first called: init(key), advance(state, arrays, n), place(state); and the
    mesh of the devices that share out its rows."""

    init: Any
    advance: Any
    place: Any
    devices: Any


def single_program(task, everywhere=False):
    """The `Program` of one run; arguments as in `single`."""
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

    states = TrainState(step=P(), params=P(), opt_state=P(), carry=P(ROWS), key=P())
    on_all = NamedSharding(devices, P())
    of_states = on_all if everywhere else jax.tree.map(lambda spec: NamedSharding(devices, spec), states)
    return Program(
        init=jax.jit(parts.init, out_shardings=of_states),
        advance=jax.jit(advance, in_shardings=(of_states, on_all, on_all), out_shardings=(of_states, on_all)),
        place=jax.jit(with_key, in_shardings=on_all, out_shardings=of_states),
        devices=devices,
    )


class GroupProgram(NamedTuple):
    """The functions of N runs, traced when first called: init(keys, values), advance(states, values, arrays, n)."""

    init: Any
    advance: Any


def group_program(make, runs):
    """The `GroupProgram` of N runs; arguments as in `group`."""

    def init(task, key, _):
        return updates(task).init(key)

    def advance(task, state, common):
        arrays, n, step = common
        run = updates(task)
        return run.run(state, arrays, run.plan(state), n, step)

    start = vectorized.over_runs(init, make, runs, one_by_one=True)
    go_on = vectorized.over_runs(advance, make, runs)
    return GroupProgram(
        init=lambda keys, values: start(values, keys, ()),
        advance=jax.jit(lambda states, values, arrays, n: go_on(values, states, (arrays, n, states.step[0]))),
    )


def with_key(state):
    """A state from a checkpoint, with PRNG keys for their data."""
    return state._replace(key=jax.random.wrap_key_data(state.key))
