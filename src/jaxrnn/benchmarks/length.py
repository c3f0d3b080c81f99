"""Time, memory and compile time of the gradient, against the length of the sequence."""

import contextlib

import jax
from jax.experimental.compilation_cache import compilation_cache

from jaxrnn.benchmarks import _timing as timing
from jaxrnn.benchmarks._gradients import gradient_sides
from jaxrnn.cells import lstm
from jaxrnn.plotting import style as plotting
from jaxrnn.types import ListOf, Size
from jaxrnn.unroll import chunked, deferred, scan

UNROLLS = {"scan": scan.unroll(), "deferred": deferred.unroll(), "chunked": chunked.unroll()}


def benchmark(
    lengths: ListOf[Size] = (100, 1000, 10_000, 100_000),
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
    cell = lstm.cell(size)
    works = [({"T": length}, gradient_sides(cell, UNROLLS, length, batch)) for length in lengths]
    words = "T={T}, {side}: {median:.3g} s, {megabytes:.3g} MB, compiled in {compile_seconds:.2f} s"
    with _no_compilation_cache():
        return timing.compare(works, repeats, words)


@contextlib.contextmanager
def _no_compilation_cache():
    """Turns off JAX's cache of compiled programs."""

    def switch(on):
        jax.config.update("jax_enable_compilation_cache", on)
        compilation_cache.reset_cache()  # the cache keeps its old setting until it is reset

    before = jax.config.values["jax_enable_compilation_cache"]
    switch(False)
    try:
        yield
    finally:
        switch(before)


def plot(measured):
    """Draws time, memory and compile time against T."""
    figure, panels = plotting.panels(3, "T, steps", "")
    columns = {"median": "seconds", "megabytes": "memory, MB", "compile_seconds": "seconds to compile"}
    for axes, (column, label) in zip(panels, columns.items(), strict=True):
        timing.curves(axes, measured.summary, "T", column)
        axes.set_title(label)
    panels[2].set_yscale("linear")
    panels[2].set_ylim(bottom=0)
    return {"length": plotting.legend_below(figure)}
