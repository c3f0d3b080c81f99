"""The trainings of the tutorials against the tools that they are written in; compiling is not counted."""

import hydra
import jax
import numpy as np

from jaxrnn import config, peers, plotting, timing, training
from jaxrnn.experiment import build
from jaxrnn.types import Size

RUNS = {
    "sine_lstm": {"PyTorch": peers.torch_sine, "Keras": peers.keras_sine},
    "noisy_cosine_elman": {"NumPy": peers.numpy_noisy_cosine},
    "cosine_elman": {"Keras": peers.keras_cosine},
}


def benchmark(sine_epochs: Size = 50, noisy_updates: Size = 2000, cosine_epochs: Size = 2, repeats: Size = 3):
    """Times each side on the same number of updates; what is not installed is left out and named.

    Args:
      sine_epochs, noisy_updates, cosine_epochs: how much of each training the peers do; ours does the whole of it, and
        its time is scaled.
      repeats: rounds.
    """
    work = {"sine_lstm": sine_epochs, "noisy_cosine_elman": noisy_updates, "cosine_elman": cosine_epochs}
    rows, summary, findings = [], [], []
    for name, others in RUNS.items():
        ours, updates = _ours(name)
        sides, counts = {"jaxrnn": ours}, {"jaxrnn": updates}
        for side, make in others.items():
            try:
                sides[side], counts[side] = make(work[name])
            except ImportError as error:
                findings.append(f"{name}: without {side} ({error})")
                continue
            sides[side]()  # what it compiles, it compiles now
        measured = timing.interleaved(sides, repeats)
        scaled = {side: [t / counts[side] * updates for t in times] for side, times in measured.items()}
        rows += timing.rows_of(scaled, run=name, updates=updates)
        summary += timing.summarised(scaled, run=name, updates=updates)
    words = "{run}, {updates} updates, {side}: {median:.3g} s, {times_the_first:.3g} times ours"
    return timing.Measured(rows, summary, [*(words.format(**row) for row in summary), *findings])


def _ours(name):
    """The whole training of an experiment, compiled: (train, updates)."""
    cfg = hydra.compose("train", [f"experiment={name}"])
    config.check(cfg)
    experiment = build(cfg)
    trainer, arrays = experiment.trainer, experiment.dataset.arrays
    program = training.program(experiment.net, experiment.dataset, experiment.optimizer, trainer)
    first = program.init(jax.random.key(0))
    jax.block_until_ready(program.advance(first, arrays, np.int32(0)))

    def train():
        state = first
        for done in range(0, trainer.steps, trainer.report_every):
            state, _ = program.advance(state, arrays, np.int32(min(trainer.report_every, trainer.steps - done)))
        jax.block_until_ready(state)

    return train, trainer.steps


def plot(measured):
    """Seconds of each tool for each tutorial's whole training."""
    names = list(dict.fromkeys(row["run"] for row in measured.summary))
    figure, panels = plotting.panels(len(names), "", "seconds")
    for axes, name in zip(panels, names, strict=True):
        chosen = [row for row in measured.summary if row["run"] == name]
        bars = axes.bar([row["side"] for row in chosen], [row["median"] for row in chosen], color=plotting.COLOURS[0])
        axes.bar_label(bars, [f"{row['median']:.3g} s" for row in chosen], fontsize=8)
        axes.margins(y=0.12)
        axes.set_title(f"{name}, {chosen[0]['updates']:,} updates", fontsize=9)
    return {"tutorials": figure}
