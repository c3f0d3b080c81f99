"""The commands `jaxrnn NAME ...`, one per file. `scripts/NAME.py` calls the same function.

The functions that read a command line and run what it asks for belong here: every file defines `start(arguments)`. The
first line of its docstring is the line that `jaxrnn --help` prints.
"""

from jaxrnn.lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
