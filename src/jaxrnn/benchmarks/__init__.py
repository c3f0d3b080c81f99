"""Benchmarks, one a file: `jaxrnn.benchmarks.NAME.benchmark(...)` measures, `plot(result)` draws.

What takes time and is compared belongs here; nothing in the tests is timed. `_timing` measures sides in turn,
`_worker` gives a side a process of its own, `_baseline_layers` and `_baseline_tutorials` are what other tools' users
would write.
"""

from jaxrnn.lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
