"""Benchmarks, one per file: `jaxrnn.benchmarks.NAME.benchmark(...)` measures, `plot(result)` draws.

Everything that is timed and compared belongs here; the tests time nothing.

- `_timing` measures sides in turn.
- `_worker` runs a side in its own process.
- `_baseline_layers`, `_baseline_tutorials` and their like hold the code that users of other tools would write.
"""

from jaxrnn.lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
