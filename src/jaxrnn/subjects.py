"""What a study looks at, networks before, during and after training, and what it finds."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.sharding import PartitionSpec as P

from jaxrnn import population
from jaxrnn.config import Refusal
from jaxrnn.devices import mesh
from jaxrnn.experiment import Experiment
from jaxrnn.population import RUNS


class Subject(NamedTuple):
    """Networks of one kind, at one or more moments of their training.

    Fields:
      name: what figures and tables call it.
      experiment: the `Experiment` that describes it.
      steps: [S], the updates after which the networks were taken; 0 is before training.
      params: leaves [S, N, ...], N networks at S moments.
    """

    name: str
    experiment: Experiment
    steps: np.ndarray
    params: Any

    @property
    def networks(self):
        """N."""
        return jax.tree.leaves(self.params)[0].shape[1]

    def keys(self):
        """A PRNG key for each network [N], the same at all moments."""
        seed = jax.random.key(self.experiment.cfg.seed)
        return jax.vmap(lambda number: jax.random.fold_in(seed, number))(jnp.arange(self.networks))

    def ends(self):
        """The indices of its first and its last moment."""
        return sorted({0, len(self.steps) - 1})

    def at(self, moments):
        """The subject at some of its moments alone."""
        chosen = np.array(moments)
        return self._replace(steps=self.steps[chosen], params=jax.tree.map(lambda a: a[chosen], self.params))


class Result(NamedTuple):
    """What a study found.

    Fields:
      arrays: {name: array}, all that the figures show; saved as `NAME.npz`.
      rows: [{column: value}], the table; saved as `NAME.csv`.
      findings: lines of text for the terminal.
    """

    arrays: dict[str, np.ndarray]
    rows: list[dict]
    findings: list[str]

    def names(self):
        """The names of the subjects that have an array "NAME|steps"."""
        return [key.removesuffix("|steps") for key in self.arrays if key.endswith("|steps")]


def untrained(name, experiment, networks):
    """N networks before training, with the seeds seed, seed + 1, ..."""
    states = _program(experiment, networks).init(population.keys(population.seeds(experiment.cfg.seed, networks)), None)
    return Subject(name, experiment, np.array([0]), stacked([jax.device_get(states.params)]))


def trained(name, experiment, networks):
    """N networks before, during and after training, as one compiled program: taken at every report.

    Raises:
      Refusal: if the training of a network diverges.
    """
    trainer, dataset = experiment.trainer, experiment.dataset
    program = _program(experiment, networks)
    states = program.init(population.keys(population.seeds(experiment.cfg.seed, networks)), None)
    moments, steps = [jax.device_get(states.params)], [0]
    while steps[-1] < trainer.steps:
        n = min(trainer.report_every, trainer.steps - steps[-1])
        states, report = program.advance(states, None, dataset.arrays, np.int32(n))
        if not np.isfinite(report.loss[:, :n]).all():
            raise Refusal(f"{name}: the training of a network diverges between steps {steps[-1]} and {steps[-1] + n}")
        moments.append(jax.device_get(states.params))
        steps.append(steps[-1] + n)
    return Subject(name, experiment, np.array(steps), stacked(moments))


def sequences(subject, size, key):
    """A training batch of `size` sequences, fewer where the data hold fewer.

    Raises:
      Refusal: if its sequences are single steps, in which nothing flows back.
    """
    dataset = subject.experiment.dataset
    items = dataset.plan(key, jnp.arange(1), size if dataset.rows is None else min(size, dataset.rows))
    batch = jax.jit(dataset.batch)(dataset.arrays, jax.tree.map(lambda a: a[0], items))
    if len(batch.xs) < 2:
        raise Refusal("the sequences of these data are single steps; give data.window=... of two or more")
    return batch


def refuse_future(subject):
    """Refuses networks that are no dynamical system, because they read the future."""
    if not subject.experiment.net.causal:
        raise Refusal(f"{subject.name}: this network reads the future (bidirectional), so its carry follows no map")


def over_networks(measure, subject):
    """What measure(params, key) gives for every network at every moment, in one compiled call: leaves [S, N, ...].

    A network has the same key at all moments. The networks are shared out over the devices, and on each of them
    measured one after the other.
    """
    return jax.tree.map(np.asarray, prepared(measure, subject)())


def prepared(measure, subject):
    """The compiled call of `over_networks`, as a function without arguments."""
    networks, of_networks = subject.networks, P(None, RUNS)

    def run(params, keys):
        return lax.map(lambda moment: lax.map(lambda network: measure(*network), (moment, keys)), params)

    shared = jax.shard_map(
        run, mesh=mesh(networks, RUNS), in_specs=(of_networks, P(RUNS)), out_specs=of_networks, check_vma=False
    )
    params, keys = subject.params, subject.keys()
    compiled = jax.jit(shared).lower(params, keys).compile()
    return lambda: compiled(params, keys)


def _program(experiment, networks):
    parts = experiment.net, experiment.dataset, experiment.optimizer, experiment.trainer
    return population.program(lambda _: parts, networks)


def stacked(moments):
    """The networks of several moments, leaves [N, ...], as the params of a subject."""
    return jax.tree.map(lambda *a: np.stack(a), *moments)
