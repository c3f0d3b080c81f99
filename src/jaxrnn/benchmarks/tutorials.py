"""Trainings of the tutorials against the tools they were written for, without compile time."""

from functools import partial

from jaxrnn.benchmarks import _baseline_tutorials as tutorials
from jaxrnn.benchmarks import _timing as timing
from jaxrnn.benchmarks._baseline_layers import JAX, TENSORFLOW
from jaxrnn.benchmarks._training import side as trained
from jaxrnn.benchmarks._worker import Worker, command
from jaxrnn.experiments.build import experiment
from jaxrnn.plotting import style as plotting
from jaxrnn.training import engine
from jaxrnn.types import Size

RUNS = {  # {experiment: (updates per epoch, {tool: (function, environment of its process)})}
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
    """Times only the training, with the same number of updates for each side, and our whole commands from start to
    exit.

    Every other tool runs in its own process; a tool that is not installed is left out and named.

    Args:
      script: path of train.py.
      sine_epochs, noisy_updates, cosine_epochs: the part of each training that the other tools do. We train it in full,
        and their times are scaled up.
      repeats: number of rounds.
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
        scale = updates / (work[name] * epoch)
        scaled = {side: [t if side == "jaxrnn" else t * scale for t in times] for side, times in measured.items()}
        scaled["jaxrnn, whole command"] = timing.interleaved({"command": _command(script, name)}, repeats)["command"]
        rows += timing.rows_of(scaled, run=name, updates=updates)
        summary += timing.summarised(scaled, run=name, updates=updates)
        findings += [f"{name}: {line}" for line in left_out]
    words = "{run}, {updates} updates, {side}: {median:.3g} s, {times_the_first:.3g} times ours"
    return timing.Measured(rows, summary, [*(words.format(**row) for row in summary), *findings])


def _command(script, name):
    """Returns a side that runs the whole command with its figures, using a filled cache of compiled programs."""
    side = command([script, f"experiment={name}"])
    side()
    return side


def _ours(name):
    """Returns (side that trains an experiment with its own seed, compiled; number of updates)."""
    built = experiment(f"experiment={name}")
    return trained(built.task, engine.single(built.task, built.seed)), built.task.trainer.steps


def plot(measured):
    """Draws the seconds of each tool for each tutorial's whole training."""
    trainings = [row for row in measured.summary if "whole" not in row["side"]]

    def heading(name, rows):
        return f"{name}, {rows[0]['updates']:,} updates"

    figure, panels = plotting.named_panels(timing.grouped(trainings, "run"), "", "seconds", heading)
    for axes, rows in panels:
        timing.bars(axes, rows, "{:.3g} s")
        axes.tick_params(axis="x", labelrotation=20, labelsize=7)
        axes.margins(y=0.12)
    return {"tutorials": figure}
