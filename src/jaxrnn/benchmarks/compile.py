"""Time to the first gradient in a new process, including imports and compiling."""

import tempfile
from functools import partial
from pathlib import Path

from jaxrnn.benchmarks import _baseline_layers as layers
from jaxrnn.benchmarks import _timing as timing
from jaxrnn.benchmarks._worker import first_time
from jaxrnn.plotting import style as plotting
from jaxrnn.types import ListOf, Size


def benchmark(
    lengths: ListOf[Size] = (100, 1000),
    shape: ListOf[Size] = (32, 64, 128),
    baselines: ListOf[layers.Baseline] = tuple(layers.BASELINES),
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
    words = "T={T}, {side}: {median:.2f} s, {times_the_first:.2f} times the first"
    with tempfile.TemporaryDirectory() as folder:
        works = []
        for length in lengths:
            work = ("lstm", batch, length, inputs, units, True)
            cache = Path(folder) / f"kept_{length}"
            makers = {"jaxrnn, cold": partial(_cold, work), "jaxrnn, warm": partial(_warm, work, cache)}
            makers |= {name: partial(_baseline, name, work) for name in baselines}
            works.append(({"T": length}, makers))
        return timing.compare(works, repeats, words)


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
    rows_by_length = {f"T={length}": rows for length, rows in timing.grouped(measured.summary, "T").items()}
    figure, panels = plotting.named_panels(rows_by_length, "seconds to the first gradient", "")
    for axes, rows in panels:
        timing.bars(axes, rows, "{:.1f}", horizontal=True)
    return {"compile": figure}
