"""Benchmarks, one a file: `benchmark(...)` measures, `plot(result)` draws."""
