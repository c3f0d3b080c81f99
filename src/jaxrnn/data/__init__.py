"""Data sets, one per file: `jaxrnn.data.NAME.dataset(...)`.

Batches, targets, losses and baselines belong here; networks do not. Three modules build data sets from your
own arrays or functions:
`series` cuts your own time series into windows, `sequences` draws the sequences of a task from a random key, and
`examples` pads and buckets sequences that are stored in memory.
"""

from jaxrnn.lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
