"""Runs per second against the number of runs in one program, for the tutorial's sine LSTM."""

import jax.numpy as jnp
import numpy as np
import optax

from jaxrnn import nets
from jaxrnn.benchmarks import _timing as timing
from jaxrnn.benchmarks._training import side
from jaxrnn.cells import lstm
from jaxrnn.data import sine
from jaxrnn.optimizers import optimizer
from jaxrnn.plotting import style as plotting
from jaxrnn.training import Task, Trainer, engine
from jaxrnn.types import ListOf, Size
from jaxrnn.unroll import deferred


def benchmark(
    runs: ListOf[Size] = (1, 2, 4, 8, 16, 32, 64, 128, 256), size: Size = 16, steps: Size = 3600, repeats: Size = 5
):
    """Times only the training, compiled before the clock starts, for every number of runs in turn.

    Args:
      runs: numbers of runs in one program; the runs differ in their seeds and learning rates.
      size: H of the LSTM.
      steps: updates of every run.
      repeats: number of rounds.
    """
    dataset, trainer = sine.dataset(), Trainer(steps, 1, 360)

    def make(rate):
        net = nets.rnn(lstm.cell(size), 1).with_unroll(deferred.unroll())
        return Task(net, dataset, optimizer(optax.scale_by_adam(), rate), trainer)

    sides = {"single run": side(make(1e-3), engine.single(make(1e-3), 0))}
    for count in runs:
        values, seeds = jnp.geomspace(1e-4, 1e-2, count), np.arange(count)
        sides[f"{count} runs"] = side(make(1e-3), engine.group(make, seeds, values, measured=()))
    seconds = timing.interleaved(sides, repeats)
    summary = timing.summarised(seconds, updates=steps)
    for row, count in zip(summary, [1, *runs], strict=True):
        row |= {"runs": count, "runs_per_second": count / row["median"]}
    words = "{side}: {median:.3f} s, {times_the_first:.1f} times a single run, {runs_per_second:.1f} runs per second"
    return timing.Measured(timing.rows_of(seconds, updates=steps), summary, [words.format(**row) for row in summary])


def plot(measured):
    """Draws runs per second against the runs in one program; the dashed line is the rate of single runs one by one."""
    figure, axes = plotting.axes("runs in one program", "runs per second")
    single, *rows = measured.summary
    axes.plot([row["runs"] for row in rows], [row["runs_per_second"] for row in rows], "o-", color=plotting.COLOURS[0])
    axes.axhline(single["runs_per_second"], color="0.4", linestyle="--", label="single runs, one by one")
    axes.set_xscale("log", base=2)
    axes.set_xticks([row["runs"] for row in rows], [row["runs"] for row in rows])
    axes.legend()
    return {"sweep": figure}
