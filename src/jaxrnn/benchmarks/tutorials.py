"""The trainings of the tutorials against the tools that they are written in; compiling is not counted."""

import subprocess
import sys
import tempfile
from functools import partial

from jaxrnn.benchmarks import _baseline_tutorials as tutorials
from jaxrnn.benchmarks import _timing as timing
from jaxrnn.benchmarks._baseline_layers import JAX, TENSORFLOW
from jaxrnn.benchmarks._training import side as trained
from jaxrnn.benchmarks._worker import Worker, clocked
from jaxrnn.experiments.build import experiment
from jaxrnn.plotting import style as plotting
from jaxrnn.training import engine
from jaxrnn.types import Size

RUNS = {  # an epoch is so many updates
    "sine_lstm": (
        36,
        {
            "PyTorch": (tutorials.torch_sine, {}),
            "Keras on TensorFlow": (tutorials.keras_sine, TENSORFLOW),
            "Keras on JAX": (tutorials.keras_sine, JAX),
        },
    ),
    "noisy_cosine_elman": (1, {"NumPy": (tutorials.numpy_noisy_cosine, {})}),
    "cosine_elman": (
        20,
        {
            "Keras on TensorFlow": (tutorials.keras_cosine, TENSORFLOW),
            "Keras on JAX": (tutorials.keras_cosine, JAX),
        },
    ),
}


def benchmark(
    script: str, sine_epochs: Size = 50, noisy_updates: Size = 2000, cosine_epochs: Size = 2, repeats: Size = 3
):
    """Times training alone, each side in the same number of updates, and our whole commands from start to exit.

    Another tool runs in a process of its own; what is not installed is left out and named.

    Args:
      script: path of train.py.
      sine_epochs, noisy_updates, cosine_epochs: how much of each training the other tools do; we do the whole of
        it, and their times are scaled.
      repeats: rounds.
    """
    work = {"sine_lstm": sine_epochs, "noisy_cosine_elman": noisy_updates, "cosine_elman": cosine_epochs}
    rows, summary, findings = [], [], []
    for name, (epoch, others) in RUNS.items():
        ours, updates = _ours(name)
        makers = {"jaxrnn": lambda ours=ours: ours}
        makers |= {
            side: partial(Worker, make, work[name], environment=environment)
            for side, (make, environment) in others.items()
        }
        measured, left_out = timing.in_turn(makers, repeats)
        share = updates / (work[name] * epoch)
        scaled = {side: [t if side == "jaxrnn" else t * share for t in times] for side, times in measured.items()}
        scaled["jaxrnn, whole command"] = timing.interleaved({"command": _command(script, name)}, repeats)["command"]
        rows += timing.rows_of(scaled, run=name, updates=updates)
        summary += timing.summarised(scaled, run=name, updates=updates)
        findings += [f"{name}: {line}" for line in left_out]
    words = "{run}, {updates} updates, {side}: {median:.3g} s, {times_the_first:.3g} times ours"
    return timing.Measured(rows, summary, [*(words.format(**row) for row in summary), *findings])


def _command(script, name):
    """The whole run as a user types it, figures included, with the programs that earlier ones compiled."""
    command = [sys.executable, script, f"experiment={name}"]

    def run():
        with tempfile.TemporaryDirectory() as place:
            subprocess.run(command, cwd=place, check=True, capture_output=True)

    run()
    return clocked(run)


def _ours(name):
    """The whole training of an experiment, with its own seed, as a side, compiled: (train, updates)."""
    made = experiment(f"experiment={name}")
    return trained(made.task, engine.single(made.task, made.seed)), made.task.trainer.steps


def plot(measured):
    """Seconds of each tool for each tutorial's whole training."""
    names = list(dict.fromkeys(row["run"] for row in measured.summary))
    figure, panels = plotting.panels(len(names), "", "seconds")
    for axes, name in zip(panels, names, strict=True):
        chosen = [row for row in measured.summary if row["run"] == name and "whole" not in row["side"]]
        bars = axes.bar([row["side"] for row in chosen], [row["median"] for row in chosen], color=plotting.COLOURS[0])
        axes.bar_label(bars, [f"{row['median']:.3g} s" for row in chosen])
        axes.tick_params(axis="x", labelrotation=20, labelsize=7)
        axes.margins(y=0.12)
        axes.set_title(f"{name}, {chosen[0]['updates']:,} updates")
    return {"tutorials": figure}
