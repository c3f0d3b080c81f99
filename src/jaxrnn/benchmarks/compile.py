"""Time to the first gradient in a new process, including imports and compiling."""

import tempfile
from functools import partial
from pathlib import Path
from typing import Literal

from jaxrnn.benchmarks import _baseline_layers as layers
from jaxrnn.benchmarks import _timing as timing
from jaxrnn.benchmarks._worker import first_time
from jaxrnn.plotting import style as plotting
from jaxrnn.types import Size


def benchmark(
    lengths: list[Size] = (100, 1000),
    shape: list[Size] = (32, 64, 128),
    baselines: list[Literal[tuple(layers.BASELINES)]] = tuple(layers.BASELINES),
    repeats: Size = 3,
):
    """Times the first gradient of an LSTM layer, every time in a new process.

    Args:
      lengths: values of T.
      shape: B, D, H.
      baselines: names of the other tools.
      repeats: number of rounds. In each round ours runs with an empty cache of compiled programs ("cold"), and with a
        filled one ("warm").
    """
    batch, inputs, units = shape
    rows, summary, findings = [], [], []
    for length in lengths:
        work = ("lstm", batch, length, inputs, units, True)
        with tempfile.TemporaryDirectory() as folder:
            makers = {"jaxrnn, cold": partial(_cold, work), "jaxrnn, warm": partial(_warm, work, Path(folder) / "kept")}
            makers |= {name: partial(_baseline, name, work) for name in baselines}
            seconds, left_out = timing.in_turn(makers, repeats)
        rows += timing.rows_of(seconds, T=length)
        summary += timing.summarised(seconds, T=length)
        findings += left_out
    words = "T={T}, {side}: {median:.2f} s, {times_the_first:.2f} times the first"
    return timing.Measured(rows, summary, [*(words.format(**row) for row in summary), *dict.fromkeys(findings)])


def _warm(work, cache):
    side = first_time(layers.ours, *work, environment={"XDG_CACHE_HOME": str(cache)})
    side()
    return side


def _cold(work):
    def side():
        with tempfile.TemporaryDirectory() as cache:
            return first_time(layers.ours, *work, environment={"XDG_CACHE_HOME": cache})()

    return side


def _baseline(name, work):
    make, environment = layers.BASELINES[name]
    side = first_time(make, *work, environment=environment)
    side()  # fails if the tool is missing
    return side


def plot(measured):
    """Draws the seconds to the first gradient of every tool, one panel per length."""
    lengths = list(dict.fromkeys(row["T"] for row in measured.summary))
    figure, panels = plotting.panels(len(lengths), "seconds to the first gradient", "")
    for axes, length in zip(panels, lengths, strict=True):
        chosen = [row for row in measured.summary if row["T"] == length]
        bars = axes.barh([row["side"] for row in chosen], [row["median"] for row in chosen], color=plotting.COLOURS[0])
        axes.bar_label(bars, [f"{row['median']:.1f}" for row in chosen])
        axes.set_title(f"T={length}")
    return {"compile": figure}
