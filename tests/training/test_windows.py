"""Windows of one series, cut piece by piece: what they give is what all of them side by side give."""

import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxrnn
from jaxrnn import windows
from jaxrnn.cells import gru
from jaxrnn.data import series
from jaxrnn.distributions import gaussian
from jaxrnn.nets import anchored
from jaxrnn.training.evaluation import evaluator, outputs, scores
from jaxrnn.training.update import Task, Trainer

VALUES = np.random.default_rng(0).normal(size=(230, 2)).cumsum(axis=0)
DATA = series.dataset(VALUES, window=6, horizon=3, season=12, lags=2, future_covariates=np.arange(240.0), anchor="last",
                      distribution=gaussian.distribution())  # fmt: skip


def task():
    net = anchored(jaxrnn.rnn(gru.cell(5), DATA.output_size), DATA)
    return Task(net, DATA, None, Trainer(1, 1, precision="f64"))


@pytest.mark.parametrize("piece", [1, 700, 10**9])
@pytest.mark.sample(1, 1)
def test_pieces_give_what_the_whole_gives(monkeypatch, piece):
    monkeypatch.setattr(windows, "PIECE", piece)
    made = task()
    params = made.net.init(jax.random.key(0), DATA.input_size)
    for batch in DATA.splits.values():
        whole = batch.xs.cut()
        assert len(whole.xs) == len(batch.xs) == 12
        expected = outputs(made, params, whole)[-1:]
        np.testing.assert_allclose(jax.jit(lambda b: outputs(made, params, b))(batch), expected, atol=1e-12)
        np.testing.assert_allclose(evaluator(made).predict(params, batch), expected, atol=1e-12)
        for name, predict in DATA.baselines.items():
            np.testing.assert_allclose(predict(batch), predict(whole)[-1:], atol=1e-5, err_msg=name)
        np.testing.assert_array_equal(batch.targets, whole.targets[-1:])
        np.testing.assert_array_equal(batch.weights, whole.weights[-1:])
        found = scores(made, expected, batch)
        ys = jnp.zeros((*whole.weights.shape, DATA.output_size)).at[-1:].set(expected)
        for name, value in scores(made, ys, whole).items():
            np.testing.assert_allclose(found[name], value, rtol=1e-9, err_msg=name)


def test_no_split_holds_the_series_once_per_window():
    """A longer window and a further horizon of what is known cost nothing per window."""
    datasets = [series.dataset(VALUES[:, 0], window=n, future_covariates=np.arange(240.0)) for n in (4, 40)]
    sizes = [sum(leaf.size for leaf in jax.tree.leaves(dataset.splits)) for dataset in datasets]
    assert sizes[0] == sizes[1]


LONG = """
import sys, numpy as np
import jaxrnn
from jaxrnn.cells import gru
from jaxrnn.data import series
count = int(sys.argv[1])
times = np.datetime64("2009-01-01T00:10", "m") + 10 * np.arange(count)
values = np.sin(np.arange(count) / 23) + np.random.default_rng(0).normal(size=count)
data = series.dataset(values, times=times, window=8, season=144, horizon=24, calendar=("day", "year"), validation=0.3)
run = jaxrnn.fit(jaxrnn.rnn(gru.cell(4), 24), data, steps=1, batch_size=8, learning_rate=1e-3)
run.metrics
run.evaluator.baselines(data.splits["test"])
# `ru_maxrss` would count the memory of the process that started this one
print(*(1024 * int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


@pytest.mark.slow
def test_the_memory_of_a_long_series_is_that_of_the_series():
    """Windows of 40,000 steps side by side would take a gigabyte; what is read of them once is 16 MB."""
    short, long = (int(subprocess.check_output([sys.executable, "-c", LONG, str(n)])) for n in (2000, 40_000))
    assert long - short < 500e6
