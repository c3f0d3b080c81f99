"""Whole sweep as one command: the compiled launcher against Hydra's basic one and joblib on all cores."""

import tempfile
from pathlib import Path

from jaxrnn.benchmarks import _timing as timing
from jaxrnn.benchmarks._worker import command
from jaxrnn.plotting import style as plotting
from jaxrnn.types import ListOf, Size

SWEEP = (
    "experiment=sine_lstm",
    "seed=range(8)",
    "optimizer.learning_rate=1e-4,2e-4,5e-4,1e-3,2e-3,3e-3,5e-3,1e-2",
)


def benchmark(
    script: str, sweep: ListOf[str] = SWEEP, launchers: ListOf[str] = ("compiled", "basic", "joblib"), repeats: Size = 3
):
    """Times the command `python SCRIPT -m SWEEP hydra/launcher=...` as a process, cold and warm.

    Args:
      script: path of train.py.
      sweep: arguments that define the runs.
      launchers: launchers that are compared; the first one is the reference.
      repeats: number of rounds. A cold measurement starts with an empty cache of compiled programs, a warm one with the
        cache of the cold one.
    """
    seconds = {cache: {name: [] for name in launchers} for cache in ("cold", "warm")}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(repeats):
            for cache in ("cold", "warm"):
                sides = {name: _sweep(script, sweep, name, Path(folder), number, cache) for name in launchers}
                for name, times in timing.interleaved(sides, 1).items():
                    seconds[cache][name] += times
    rows = [row for cache in seconds for row in timing.rows_of(seconds[cache], cache=cache)]
    summary = [row for cache in seconds for row in timing.summarised(seconds[cache], cache=cache)]
    words = "{cache} cache, {side}: {median:.1f} s, {times_the_first:.1f} times the first"
    return timing.Measured(rows, summary, [words.format(**row) for row in summary])


def _sweep(script, sweep, launcher, folder, number, cache):
    """Returns one command as a side, with its own cache and folder."""
    arguments = ["-m", *sweep, f"hydra/launcher={launcher}", f"hydra.sweep.dir={folder / launcher}_{number}_{cache}"]
    return command([script, *arguments], folder / f"cache_{launcher}_{number}", folder)


def plot(measured):
    """Draws the time of the whole command, cold and warm."""
    rows_by_cache = timing.grouped(measured.summary, "cache")
    titles = {f"{cache} cache of compiled programs": rows for cache, rows in rows_by_cache.items()}
    figure, panels = plotting.named_panels(titles, "", "seconds, whole command")
    for axes, rows in panels:
        timing.bars(axes, rows, "{:.1f} s")
    return {"launchers": figure}
