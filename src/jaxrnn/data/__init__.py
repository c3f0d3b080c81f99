"""Data sets, one per file: `jaxrnn.data.NAME.dataset(...)`.

Batches, targets, losses and baselines belong here; networks do not. `_forecast` cuts a series into windows.
`_sequences` draws the sequences of a task from a random key.
"""

from jaxrnn.lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
