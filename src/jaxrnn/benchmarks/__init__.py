"""Benchmarks, one per file: `jaxrnn.benchmarks.NAME.benchmark(...)` measures, `plot(result)` draws.

This room holds everything that is timed and compared; the tests time nothing.

- `_timing` measures sides in turn.
- `_worker` runs a side in its own process.
- `_baseline_layers`, `_baseline_tutorials` and their like hold the code that users of other tools would write.
"""

from jaxrnn.lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
