"""Ensembles: networks of one kind before, during and after training, measured in one compiled call."""

import contextlib
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import lax
from jax.sharding import PartitionSpec as P

from jaxrnn.errors import ConfigError
from jaxrnn.jax_internals import compile_for
from jaxrnn.nets import adapted
from jaxrnn.optimizers import as_optimizer
from jaxrnn.plotting.style import when
from jaxrnn.precision import current
from jaxrnn.progress_bar import progress_bar
from jaxrnn.runtime import mesh
from jaxrnn.training import batches
from jaxrnn.training.ensemble import ensemble_training, network_seeds
from jaxrnn.training.loop import train
from jaxrnn.training.sharding import RUNS, keys, over_runs
from jaxrnn.training.update import Task, Trainer, updates
from jaxrnn.types import Batch, Dataset, Net


class Ensemble(NamedTuple):
    """Networks of one kind at one or more checkpoints of their training.

    Fields:
      name: name in figures and tables.
      task: the `Task` that trains the networks.
      seeds: [N], seeds of the networks.
      steps: [S], the number of updates at each checkpoint; 0 is before training, `style.BEST` the best checkpoint of
        networks that differ in its number of updates.
      params: params of `net`, leaves [S, N, ...] for N networks at S checkpoints.
      experiment: the `Experiment` the ensemble comes from, or None.
      split: split of the data from which sequences are drawn.
      as_runs: whether each network draws the sequences that it draws when it is studied alone.
    """

    name: str
    task: Task
    seeds: np.ndarray
    steps: np.ndarray
    params: Any
    experiment: Any = None
    split: str = "train"
    as_runs: bool = False

    @property
    def networks(self) -> int:
        """Number of networks, N."""
        return jax.tree.leaves(self.params)[0].shape[1]

    @property
    def seed(self) -> int:
        """Seed of the first network."""
        return int(self.seeds[0])

    @property
    def net(self) -> Net:
        """The task's net. If its recurrent weights are functions of the trained params, the net of those weights."""
        return self.task.net if self.task.net.explicit_weights is None else self.task.net.explicit_weights.net

    @property
    def dataset(self) -> Dataset:
        return self.task.dataset

    def keys(self) -> jax.Array:
        """Returns one PRNG key per network [N], the same at all checkpoints."""
        if self.as_runs:
            return jax.vmap(jax.random.fold_in, (0, None))(keys(self.seeds), 0)
        return jax.vmap(partial(jax.random.fold_in, jax.random.key(self.seed)))(jnp.arange(self.networks))

    def ends(self) -> list[int]:
        """Returns the indices of the first and the last checkpoint."""
        return sorted({0, len(self.steps) - 1})

    def at(self, checkpoints: Any) -> "Ensemble":
        """Returns the ensemble with only the checkpoints of these indices."""
        fields = jax.tree.map(lambda a: a[np.array(checkpoints)], {"steps": self.steps, "params": self.params})
        return self._replace(**fields)

    def draw(self, size: int, key: Any) -> Batch:
        """Draws a batch of the ensemble's split; see `jaxrnn.training.batches.draw`."""
        return batches.draw(self.dataset, size, key, self.split)

    def inputs(self, size: int, key: Any) -> jax.Array:
        """Draws inputs [T, B, D] without padding, to drive a network as a map; a sequence that ended begins again."""
        return batches.valid_inputs(self.draw(size, key))

    def description(self) -> str:
        """Describes the networks in words, for captions."""
        moments = " and ".join(map(when, [self.steps[index] for index in self.ends()]))
        count = f"{self.networks} networks" if self.networks > 1 else "one network"
        return f"{self.name} ({count}, {moments})"


def ensemble(
    net: Net, dataset: Dataset, networks: int = 8, seed: int = 0, name: str = "network", batch_size: int = 32
) -> Ensemble:
    """Makes untrained networks from Python, in the precision that JAX is set to.

    Args:
      net: a `Net`.
      dataset: a `Dataset`.
      networks: number of networks, N.
      seed: seed of the first network; the others have the seeds after it.
      name: name in figures and tables.
      batch_size: sequences per update, for studies that train.
    """
    task = Task(adapted(net, dataset), dataset, as_optimizer(optax.identity()), Trainer(1, batch_size, 1, current()))
    return initial_ensemble(name, task, network_seeds(seed, networks))


def initial_ensemble(name, task, seeds, experiment=None):
    """Returns networks before training, one per seed [N]."""

    def initial_params(task, key, _):
        return updates(task).init(key).params

    initialise = over_runs(initial_params, lambda _: task, len(seeds), one_by_one=True)
    params = jax.device_get(initialise(None, keys(seeds), ()))
    return Ensemble(name, task, seeds, np.array([0]), stack_checkpoints(task, [params]), experiment)


def trained_ensemble(name, task, seeds, experiment=None, bar=None):
    """Trains one network per seed [N] in one compiled program and keeps them before training and at every report.

    `bar` is a progress bar that also counts other trainings; this training advances it.

    Raises:
      ConfigError: if the training of a network diverges.
    """
    training = ensemble_training(task, seeds)
    steps, checkpoints = [0], [jax.device_get(training.states.params)]

    def record_checkpoint(training):
        reached = training.last_step()
        if any(history.status == "diverged" for history in training.rows):
            raise ConfigError(f"{name}: the training of a network diverged between steps {steps[-1]} and {reached}")
        steps.append(reached)
        checkpoints.append(jax.device_get(training.states.params))

    train_named(name, training, record_checkpoint, bar)
    return Ensemble(name, task, seeds, np.array(steps), stack_checkpoints(task, checkpoints), experiment)


def train_named(name, training, hook, bar=None):
    """Trains a `Training` with a hook; shows the name and the time left on `bar`, or on a progress bar of its own."""
    with contextlib.ExitStack() as stack:
        if bar is None:
            bar = stack.enter_context(progress_bar(training.task.trainer.steps))
        bar.set_description(name)
        for _ in train(training, [hook]):
            bar.update(training.report.loss.shape[-1])


def refuse_future(*kinds):
    """Rejects networks that read the future, because they are not a dynamical system."""
    for ensemble in kinds:
        if not ensemble.net.causal:
            raise ConfigError(
                f"{ensemble.name} is bidirectional: it reads the future, so its carry does not follow a map; "
                "give a causal network"
            )


def over_networks(measure, ensemble):
    """Computes measure(params, key) for every network at every checkpoint in one compiled call: leaves [S, N, ...].

    A network has the same key at all checkpoints. The networks are distributed over the devices; each device measures
    its networks one after the other.
    """
    return jax.tree.map(np.asarray, compile_over_networks(measure, ensemble)())


def compile_over_networks(measure, ensemble):
    """Compiles the call of `over_networks`; returns a function without arguments."""
    networks, of_networks = ensemble.networks, P(None, RUNS)

    def run(params, keys):
        return lax.map(lambda moment: lax.map(lambda network: measure(*network), (moment, keys)), params)

    sharded = jax.shard_map(
        run, mesh=mesh(networks, RUNS), in_specs=(of_networks, P(RUNS)), out_specs=of_networks, check_vma=False
    )
    params, keys = ensemble.params, ensemble.keys()
    compiled = compile_for(jax.jit(sharded), params, keys)
    return lambda: compiled(params, keys)


def stack_checkpoints(task, checkpoints):
    """Stacks the trained params of a task at several checkpoints, leaves [N, ...], into the params of an ensemble."""
    params, plain = jax.tree.map(lambda *a: np.stack(a), *checkpoints), task.net.explicit_weights
    return params if plain is None else jax.device_get(jax.jit(jax.vmap(jax.vmap(plain.weights)))(params))
