"""Benchmarks, one a file: `jaxrnn.benchmarks.NAME.benchmark(...)` measures, `plot(result)` draws.

What takes time and is compared belongs here; nothing in the tests is timed. `_timing` measures sides in turn,
`_worker` gives a side a process of its own, `_baseline_layers` and `_baseline_tutorials` are what other tools' users
would write.
"""
