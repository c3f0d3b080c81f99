"""Runs per second against the number of runs in one program: the tutorial's sine LSTM."""

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxrnn import nets, plotting, population, timing, training
from jaxrnn.cells import lstm
from jaxrnn.data import sine
from jaxrnn.elsewhere import clocked
from jaxrnn.optimizers import optimizer
from jaxrnn.types import Size


def benchmark(
    runs: list[Size] = (1, 2, 4, 8, 16, 32, 64, 128, 256), size: Size = 16, steps: Size = 3600, repeats: Size = 5
):
    """Times training alone, compiled before the clock starts, every number of runs in turn.

    Args:
      runs: in one program; they differ in their seeds and learning rates.
      size: H of the LSTM.
      steps: updates of every run.
      repeats: rounds.
    """
    dataset, trainer = sine.dataset(), training.Trainer(steps, 1, 360)

    def make(rate):
        return nets.rnn(lstm.cell(size), 1), dataset, optimizer(optax.scale_by_adam(), rate), trainer

    sides = {"single run": _single(make(1e-3), steps)}
    sides |= {f"{count} runs": _together(make, count, steps) for count in runs}
    seconds = timing.interleaved(sides, repeats)
    summary = timing.summarised(seconds, updates=steps)
    for row, count in zip(summary, [1, *runs], strict=True):
        row |= {"runs": count, "runs_per_second": count / row["median"]}
    words = "{side}: {median:.3f} s, {times_the_first:.1f} times a single run, {runs_per_second:.1f} runs a second"
    return timing.Measured(timing.rows_of(seconds, updates=steps), summary, [words.format(**row) for row in summary])


def _single(parts, steps):
    program, arrays = training.program(*parts), parts[1].arrays
    return _trained(
        lambda state, n: program.advance(state, arrays, n)[0], program.init(jax.random.key(0)), parts[3], steps
    )


def _together(make, count, steps):
    program, values = population.program(make, count), jnp.geomspace(1e-4, 1e-2, count)
    parts = make(1e-3)
    states = program.init(population.keys(population.seeds(0, count)), values)
    return _trained(lambda s, n: program.advance(s, values, parts[1].arrays, n)[0], states, parts[3], steps)


def _trained(advance, states, trainer, steps):
    """A side that makes all updates, compiled."""

    def train():
        state = states
        for done in range(0, steps, trainer.report_every):
            state = advance(state, np.int32(min(trainer.report_every, steps - done)))
        jax.block_until_ready(state)

    jax.block_until_ready(advance(states, np.int32(0)))
    return clocked(train)


def plot(measured):
    """Runs a second against the runs in one program; a dashed line is what single runs one by one would do."""
    figure, [axes] = plotting.panels(1, "runs in one program", "runs a second")
    single, *rows = measured.summary
    axes.plot([row["runs"] for row in rows], [row["runs_per_second"] for row in rows], "o-", color=plotting.COLOURS[0])
    axes.axhline(single["runs_per_second"], color="0.4", linestyle="--", label="single runs, one by one")
    axes.set_xscale("log", base=2)
    axes.set_xticks([row["runs"] for row in rows], [row["runs"] for row in rows])
    axes.legend(frameon=False, fontsize=8)
    return {"sweep": figure}
