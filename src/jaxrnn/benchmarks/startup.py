"""Whole commands from start to exit, beside what it takes to import other tools."""

import os
import subprocess
import sys
import tempfile

from jaxrnn.benchmarks import _timing as timing
from jaxrnn.benchmarks._worker import Missing, clocked
from jaxrnn.plotting import style as plotting
from jaxrnn.types import Size

IMPORTS = ("jaxrnn.nets.stack", "jax", "torch", "tensorflow", "keras", "flax.nnx", "haiku", "equinox")


def benchmark(script: str, run: str = "experiment=sine_lstm", imports: list[str] = IMPORTS, repeats: Size = 3):
    """Times commands as processes.

    Args:
      script: path of train.py.
      run: the arguments of a whole training run with its figures, timed with an empty cache of compiled programs
        ("cold") and with a filled one ("warm").
      imports: modules, imported in a process of their own each.
      repeats: rounds.
    """
    with tempfile.TemporaryDirectory() as place:
        makers = {
            f"{run}, cold": lambda: _cold(script, run),
            f"{run}, warm": lambda: _warm(script, run, place),
            "--help": lambda: _command([script, "--help"]),
        }
        makers |= {f"import {name}": lambda name=name: _import(name) for name in imports}
        seconds, left_out = timing.in_turn(makers, repeats)
    summary = timing.summarised(seconds)
    words = "{side}: {median:.2f} s"
    return timing.Measured(timing.rows_of(seconds), summary, [*(words.format(**row) for row in summary), *left_out])


def _command(arguments, environment=None):
    def run():
        with tempfile.TemporaryDirectory() as folder:
            env = {**os.environ, **(environment or {})}
            subprocess.run([sys.executable, *arguments], cwd=folder, env=env, check=True, capture_output=True)

    return clocked(run)


def _warm(script, run, cache):
    side = _command([script, run], {"XDG_CACHE_HOME": cache})
    side()
    return side


def _cold(script, run):
    def side():
        with tempfile.TemporaryDirectory() as cache:
            return _command([script, run], {"XDG_CACHE_HOME": cache})()

    return side


def _import(name):
    side = _command(["-c", f"import {name}"])
    try:
        side()
    except subprocess.CalledProcessError as error:
        raise Missing(error.stderr.decode().strip().splitlines()[-1]) from error
    return side


def plot(measured):
    """Seconds of every command."""
    figure, [axes] = plotting.panels(1, "seconds, whole process", "")
    rows = measured.summary[::-1]
    bars = axes.barh([row["side"] for row in rows], [row["median"] for row in rows], color=plotting.COLOURS[0])
    axes.bar_label(bars, [f"{row['median']:.2f}" for row in rows])
    return {"startup": figure}
