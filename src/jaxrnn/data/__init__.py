"""Data sets, one a file: `jaxrnn.data.NAME.dataset(...)`.

Where batches come from and what is asked of them belongs here; what a network makes of them does not. `_forecast` turns
a series into windows, `_sequences` draws the sequences of a task from a key.
"""
