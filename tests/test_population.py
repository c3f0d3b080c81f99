"""Many runs at once against the same runs one by one."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxrnn import nets, population, training
from jaxrnn.cells import lstm
from jaxrnn.data import adding, noisy_cosine
from jaxrnn.optimizers import optimizer
from jaxrnn.training import Trainer

NET = nets.rnn(lstm.cell(4), 1, recurrent_dropout=0.2)


def make(dataset, trainer, learning_rate):
    return NET, dataset, optimizer(optax.scale_by_adam(), learning_rate, clip_norm=0.5), trainer


def test_a_population_is_its_single_runs():
    dataset, trainer = noisy_cosine.dataset(window=8), Trainer(6, 4, 3)
    rates = jnp.array([1e-3, 1e-2, 0.1, 1e-2])
    many = population.program(partial(make, dataset, trainer), 4)
    states, reports = many.init(population.keys(population.seeds(5, 4)), rates), []
    for n in (3, 2):
        states, report = many.advance(states, rates, dataset.arrays, np.int32(n))
        reports.append(report.loss[:, :n])
    for run, rate in enumerate([1e-3, 1e-2, 0.1, 1e-2]):
        single = training.program(*make(dataset, trainer, rate))
        state = single.init(jax.random.key(5 + run))
        state, first = single.advance(state, dataset.arrays, np.int32(3))
        state, second = single.advance(state, dataset.arrays, np.int32(2))
        losses = np.concatenate([first.loss, second.loss[:2]])
        np.testing.assert_allclose(np.concatenate(reports, axis=1)[run], losses, rtol=1e-10)
        jax.tree.map(
            lambda a, b, run=run: np.testing.assert_allclose(a[run], b, rtol=1e-9, atol=1e-12),
            states.params,
            state.params,
        )
        mine = jax.tree.map(lambda a, run=run: a[run], (states.opt_state, states.params))
        flat = training.flattened(*mine)
        assert jax.tree.structure(flat) == jax.tree.structure(state.opt_state)
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12), flat, state.opt_state)
    assert len(states.step.sharding.device_set) == 2


def test_one_trace_for_all_chunks():
    dataset, trainer, traces = adding.dataset(22), Trainer(6, 4, 3), []

    def counted(value):
        traces.append(value)
        return make(dataset, trainer, value)

    many = population.program(counted, 2)
    states = many.init(population.keys(population.seeds(0, 2)), jnp.array([0.1, 0.2]))
    before = len(traces)
    for n in (3, 1, 2):
        states, report = many.advance(states, jnp.array([0.1, 0.2]), dataset.arrays, np.int32(n))
    assert len(traces) == before + 1
    assert ((report.correct >= 0) & (report.correct <= 1)).all()
