"""Whole commands from start to exit, compared with the import times of other tools."""

import subprocess
import tempfile
from pathlib import Path

from jaxrnn.benchmarks import _timing as timing
from jaxrnn.benchmarks._worker import Missing, command
from jaxrnn.plotting import style as plotting
from jaxrnn.types import ListOf, Size

IMPORTS = ("jaxrnn.nets.stack", "torch", "tensorflow", "keras", "flax.nnx", "haiku", "equinox")
MEASURE = "import jax"
STUDIES = ("gradient_flow", "gates", "jacobian", "fixed_points", "lyapunov", "dimension", "landscape")
AFTER = ("evaluate run=run", "generate run=run", "report run", *(f"study study={name} run=run" for name in STUDIES))
BUDGETS = {"--help": 0.6, "warm": 3.3, "evaluate": 3.0, "generate": 3.0, "report": 2.5, "study": 5.0}  # goals


def benchmark(
    script: str,
    run: str = "experiment=sine_lstm",
    after: ListOf[str] = AFTER,
    imports: ListOf[str] = IMPORTS,
    repeats: Size = 3,
):
    """Times commands as processes. A command's budget limits its time relative to importing JAX.

    Args:
      script: path of train.py.
      run: arguments of a whole training run with its figures, timed with an empty cache of compiled programs ("cold")
        and with a filled one ("warm").
      after: commands, script name first, run with a filled cache in a folder where `run` holds such a run.
      imports: modules, each imported in its own process.
      repeats: number of rounds.
    """
    with tempfile.TemporaryDirectory() as folder:
        command([script, run, "hydra.run.dir=run"], folder, folder)()
        makers = {
            f"{run}, cold": lambda: _cold(script, run),
            f"{run}, warm": lambda: _warm([script, run], folder),
            "--help": lambda: command([script, "--help"]),
        }
        makers |= {words: lambda words=words: _after(script, words, folder) for words in after}
        makers |= {f"import {name}": lambda name=name: _import(name) for name in ("jax", *imports)}
        seconds, left_out = timing.in_turn(makers, repeats)
    summary = timing.summarised(seconds)
    unit = next(row["median"] for row in summary if row["side"] == MEASURE)
    for row in summary:
        row |= {"times_import_jax": row["median"] / unit, "budget": _budget(row["side"])}
    return timing.Measured(timing.rows_of(seconds), summary, [*map(_line, summary), *left_out])


def _budget(side):
    """Returns the largest allowed time of a side relative to importing JAX, or None."""
    return next((budget for name, budget in BUDGETS.items() if side.startswith(name) or side.endswith(name)), None)


def _line(row):
    text = f"{row['side']}: {row['median']:.2f} s"
    if row["budget"] is None:
        return text
    over = ", exceeded" if row["times_import_jax"] > row["budget"] else ""
    return f"{text}, {row['times_import_jax']:.1f} times {MEASURE}, budget {row['budget']}{over}"


def _warm(arguments, cache, folder=None):
    side = command(arguments, cache, folder)
    try:
        side()
    except subprocess.CalledProcessError as error:
        raise Missing(error.stderr.decode().strip().splitlines()[-1]) from error
    return side


def _after(script, words, run_folder):
    name, *arguments = words.split()
    return _warm([str(Path(script).with_name(f"{name}.py")), *arguments], run_folder, run_folder)


def _cold(script, run):
    def side():
        with tempfile.TemporaryDirectory() as cache:
            return command([script, run], cache)()

    return side


def _import(name):
    return _warm(["-c", f"import {name}"], None)


def plot(measured):
    """Draws the seconds of every command."""
    figure, axes = plotting.axes("seconds, whole process", "")
    timing.bars(axes, measured.summary[::-1], "{:.2f}", horizontal=True)
    return {"startup": figure}
