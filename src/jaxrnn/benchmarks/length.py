"""Time, memory and compile time of the gradient, against the length of the sequence."""

import contextlib

import jax
from jax.experimental.compilation_cache import compilation_cache

from jaxrnn.benchmarks import _timing as timing
from jaxrnn.benchmarks._gradients import compiled
from jaxrnn.cells import lstm
from jaxrnn.plotting import style as plotting
from jaxrnn.types import Size
from jaxrnn.unroll import chunked, deferred, scan

UNROLLS = {"scan": scan.unroll(), "deferred": deferred.unroll(), "chunked": chunked.unroll()}


def benchmark(
    lengths: list[Size] = (100, 1000, 10_000, 100_000),
    size: Size = 32,
    batch: Size = 1,
    repeats: Size = 3,
):
    """Times the gradient of the last output of an LSTM on one device; every length is compiled without a cache.

    Args:
      lengths: values of T.
      size: H.
      batch: B.
      repeats: number of rounds.
    """
    with _no_compilation_cache():
        return _measured(lengths, size, batch, repeats)


@contextlib.contextmanager
def _no_compilation_cache():
    """Turns off JAX's cache of compiled programs."""

    def switch(on):
        jax.config.update("jax_enable_compilation_cache", on)
        compilation_cache.reset_cache()  # the cache keeps its old setting until it is reset

    before = jax.config.jax_enable_compilation_cache
    switch(False)
    try:
        yield
    finally:
        switch(before)


def _measured(lengths, size, batch, repeats):
    rows, summary = [], []
    for length in lengths:
        sides, columns = {}, {}
        for name, unroll in UNROLLS.items():
            sides[name], columns[name] = compiled(lstm.cell(size), unroll, length, batch)
        seconds = timing.interleaved(sides, repeats)
        rows += timing.rows_of(seconds, T=length)
        summary += [row | columns[row["side"]] for row in timing.summarised(seconds, T=length)]
    words = "T={T}, {side}: {median:.3g} s, {megabytes:.3g} MB, compiled in {compile_seconds:.2f} s"
    return timing.Measured(rows, summary, [words.format(**row) for row in summary])


def plot(measured):
    """Draws time, memory and compile time against T."""
    figure, panels = plotting.panels(3, "T, steps", "")
    columns = {"median": "seconds", "megabytes": "memory, MB", "compile_seconds": "seconds to compile"}
    for axes, (column, label) in zip(panels, columns.items(), strict=True):
        for name, colour in zip(UNROLLS, plotting.COLOURS, strict=False):
            chosen = [row for row in measured.summary if row["side"] == name]
            axes.loglog([row["T"] for row in chosen], [row[column] for row in chosen], "o-", color=colour, label=name)
        axes.set_title(label)
    panels[2].set_yscale("linear")
    panels[2].set_ylim(bottom=0)
    panels[0].legend()
    return {"length": figure}
