"""Data sets, one per file: `jaxrnn.data.NAME.dataset(...)`.

A data set defines batches, targets, the loss and the metrics; it knows nothing about networks. `_forecast` cuts a
series into windows. `_sequences` draws the sequences of a task from a random key.
"""

from jaxrnn.lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
