"""Data sets, one a file: `jaxrnn.data.NAME.dataset(...)`.

Where batches come from and what is asked of them belongs here; what a network makes of them does not. `_forecast` turns
a series into windows, `_sequences` draws the sequences of a task from a key.
"""

from jaxrnn.lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
