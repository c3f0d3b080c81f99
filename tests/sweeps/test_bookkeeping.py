"""Who is who in a group: which run has which seed, key and values, and which ones a cut lets go on."""

import itertools

import jax
import numpy as np
import optax
import pytest

from jaxrnn import nets
from jaxrnn.cells import elman
from jaxrnn.data import sine
from jaxrnn.experiments.build import Experiment
from jaxrnn.optimizers import as_optimizer
from jaxrnn.sweeps import halving, members
from jaxrnn.sweeps.grouping import Group, Setting
from jaxrnn.training import engine, lifecycle
from jaxrnn.training.engine import Engine
from jaxrnn.training.history import History, ReportRow
from jaxrnn.training.loop import Training
from jaxrnn.training.store import Member
from jaxrnn.training.update import Task, Trainer, TrainState

JOBS = [3, 5, 6, 9, 12]  # of a sweep: not numbered from 0, and not in steps of one
SEEDS = [70, 4, 31, 4, 0]  # nor do the seeds say which job a run is, or which row
RATES = [0.5, 0.1, 0.4, 0.2, 0.3]
SETTINGS = {job: Setting(seed, (rate,)) for job, seed, rate in zip(JOBS, SEEDS, RATES, strict=True)}
GROUP = Group(SETTINGS, None, ("optimizer.learning_rate",), None)


def of_group(experiment=None):
    return members.Members(GROUP, experiment, {})


def rows_of(jobs):
    """The members of the rows, each once."""
    by_job = {job: Member(SEEDS[JOBS.index(job)], number=job) for job in jobs}
    return [by_job[job] for job in jobs]


def test_a_member_has_its_own_seed_and_values():
    for jobs in itertools.permutations(JOBS, 3):
        rows = of_group().rows(jobs)
        assert [(row.number, row.seed) for row in rows] == [(job, SEEDS[JOBS.index(job)]) for job in jobs]


@pytest.mark.parametrize("rows", [JOBS, [9, 3], [12, 5, 6, 6]], ids=str)
def test_an_engine_is_given_the_seeds_and_values_of_its_rows(rows, monkeypatch):
    task = Task(nets.rnn(elman.cell(2), 1), sine.dataset(), as_optimizer(optax.identity()), Trainer(1, 1, 1))
    experiment = Experiment(None, task, 0, None, [], {}, None)
    monkeypatch.setattr(engine, "group", lambda make, seeds, values, *_: (seeds, values))
    seeds, values = of_group(experiment).engine(rows_of(rows), begins=True)
    assert seeds == [SEEDS[JOBS.index(job)] for job in rows]
    np.testing.assert_array_equal(values[0], [RATES[JOBS.index(job)] for job in rows])


def engine_of(rows):
    """An engine of rows that only moves states to the host and back."""

    def to_host(states):
        return states._replace(key=np.asarray(jax.random.key_data(states.key)))

    return Engine(len(rows), *[None] * 6, to_host, None, lambda saved, best: (saved, best), 0.0, 0)


def state_of(jobs):
    """States [N] in which everything says whose it is."""
    number = np.array(jobs, float)
    keys = jax.vmap(jax.random.key)(np.array([SEEDS[JOBS.index(job)] + 1000 * job for job in jobs], np.uint32))
    return TrainState(np.full(len(jobs), 7), {"w": number}, {"m": 2 * number}, {"h": 3 * number[:, None]}, keys)


@pytest.mark.parametrize("going", [c for n in (1, 2, 3, 4) for c in itertools.combinations(range(5), n)], ids=str)
def test_packing_leaves_every_run_what_is_its_own(going, monkeypatch):
    """Whichever rows go on: params, optimizer state, carry, best params, key and history stay with their member."""
    monkeypatch.setattr(Training, "step", lambda training: 7)
    rows = [*JOBS, JOBS[-1]]  # the last one fills the second device
    by_job = dict(zip(rows, rows_of(rows), strict=True))
    states, histories = state_of(rows), {job: History(100, step=7, member=by_job[job]) for job in JOBS}
    for row, job in enumerate(JOBS):
        if row not in going:
            histories[job].end("pruned", "")
    task = type("Task", (), {"trainer": type("Trainer", (), {"steps": 100})})
    training = Training(task, engine_of(rows)._replace(compile_seconds=-1.0), [histories[job] for job in rows], states,
                        {"w": -states.params["w"]}, report="there was one")  # fmt: skip
    training.clock._updates, training.clock._updating = 1, 1.0
    lifecycle._pack(lifecycle.Program(task, engine_of, None), training)
    packed = [history.member.number for history in training.rows]
    kept = [JOBS[row] for row in going]
    assert packed[: len(kept)] == kept
    assert set(packed) == set(kept)
    expected = state_of(packed)
    for found, wanted in zip(training.states[:4], expected[:4], strict=True):
        jax.tree.map(np.testing.assert_array_equal, found, wanted)
    np.testing.assert_array_equal(training.states.key, jax.random.key_data(expected.key))
    np.testing.assert_array_equal(training.best["w"], -np.array(packed, float))
    assert all(history is histories[job] for history, job in zip(training.rows, packed, strict=True))


@pytest.mark.parametrize("factor", [2, 3, 4])
@pytest.mark.parametrize("runs", range(1, 18))
def test_a_cut_lets_the_share_of_the_paper_go_on(factor, runs):
    """Jamieson & Talwalkar 2016, algorithm 1, and Li et al. 2018, algorithm 1: the best floor(n / eta) of n, cut after
    cut, one at least."""
    losses = np.random.default_rng(runs).permutation(runs) / 7
    histories = [History(1000) for _ in range(runs)]
    training = Training(None, None, histories, None, None)
    left = runs
    for _ in range(3):
        for history, loss in zip(histories, losses, strict=True):
            if history.status is None:
                history.take(ReportRow(10, {"loss": -loss}, None), {"loss": loss})
        halving.cut(training, factor)
        left = max(left // factor, 1)
        going = [number for number, history in enumerate(histories) if history.status is None]
        assert going == sorted(np.argsort(losses)[:left].tolist())
    for history in histories:
        assert history.status in (None, "pruned")


@pytest.mark.parametrize(("after", "factor", "steps"), [(10, 2, 100), (10, 3, 90), (25, 4, 1000), (50, 2, 50)])
def test_cuts_come_after_eta_times_the_updates(after, factor, steps):
    expected = [after * factor**k for k in range(20) if after * factor**k < steps]
    assert halving.Options(halve_after=after, halve_factor=factor).cuts(steps) == expected


def test_a_run_that_ends_beside_one_that_stops_has_its_own_results():
    """Only runs that resume are left without results."""
    rows = rows_of(JOBS[:2])
    histories = [History(100, step=7, member=member) for member in rows]
    histories[0].end("stopped", "SIGTERM")
    histories[1].end("pruned", "")
    group = engine_of(rows)._replace(results=lambda best: ["of 0", "of 1"], of_run=lambda tree, row: tree["w"][row])
    ended = list(lifecycle._ended(Training(None, group, histories, None, {"w": [0, 1]}), [0, 1]))
    assert [(each.best, each.results) for each in ended] == [(0, None), (1, "of 1")]
