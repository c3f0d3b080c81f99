"""Many runs at once against the same runs one by one."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxrnn import nets
from jaxrnn.cells import lstm
from jaxrnn.data import adding, noisy_cosine
from jaxrnn.optimizers import optimizer
from jaxrnn.training import Task, Trainer, engine

NET = nets.rnn(lstm.cell(4), 1, recurrent_dropout=0.2)
RATES = [1e-3, 1e-2, 0.1]


def make(dataset, trainer):
    return lambda rate: Task(NET, dataset, optimizer(optax.scale_by_adam(), rate, clip_norm=0.5), trainer)


def assert_close(a, b):
    jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, rtol=1e-9, atol=1e-12), a, b)


@pytest.mark.costly
def test_a_group_is_its_single_runs():
    """Reports, params, optimizer states as run folders hold them, validation, and the way back from disk."""
    of_rate = make(noisy_cosine.dataset(window=8), Trainer(6, 4, 3, "f64"))
    group = engine.group(of_rate, [5, 6, 7], jnp.array(RATES))
    states, reports = group.init(), []
    for n in (3, 2):
        states, report = group.advance(states, n)
        reports.append(report.loss)
    portable = group.to_host(states)
    again, _ = group.to_device(portable, portable.params)
    assert_close(jax.device_get(again._replace(key=None)), jax.device_get(states._replace(key=None)))
    validation = group.evaluate("validation", states.params)
    for run in (0, 2):
        single = engine.single(of_rate(RATES[run]), 5 + run)
        state = single.init()
        state, first = single.advance(state, 3)
        state, second = single.advance(state, 2)
        losses = np.concatenate([first.loss, second.loss], axis=1)[0]
        np.testing.assert_allclose(np.concatenate(reports, axis=1)[run], losses, rtol=1e-10)
        own = group.of_run(portable, run)
        assert_close(own.params, state.params)
        assert jax.tree.structure(own.opt_state) == jax.tree.structure(state.opt_state)
        assert_close(own.opt_state, state.opt_state)
        assert_close(validation[run], single.evaluate("validation", state.params)[0])
    assert group.evaluate("nothing", states.params) is None


@pytest.mark.costly
def test_one_trace_for_all_chunks():
    traces, of_rate = [], make(adding.dataset(22), Trainer(6, 4, 3, "f64"))

    def counted(rate):
        traces.append(rate)
        return of_rate(rate)

    group = engine.group(counted, [0, 1], jnp.array([0.1, 0.2]), measured=())
    states = group.init()
    before = len(traces)
    for n in (3, 1, 2):
        states, report = group.advance(states, n)
        assert report.solved.shape == (2, n)
    assert len(traces) == before
    assert len(states.step.sharding.device_set) == 2


def test_rows_are_chosen_run_by_run():
    group = engine.group(make(adding.dataset(22), Trainer(6, 4, 3, "f64")), [0, 1], jnp.array([0.1, 0.2]), measured=())
    old = group.init()
    new, _ = group.advance(old, 1)
    mixed = group.select(np.array([True, False]), new, old)
    assert_close(group.of_run(mixed.params, 0), group.of_run(new.params, 0))
    assert_close(group.of_run(mixed.params, 1), group.of_run(old.params, 1))
    assert group.select(np.array([True, True]), new, old) is new
    assert group.select(np.array([False, False]), new, old) is old
