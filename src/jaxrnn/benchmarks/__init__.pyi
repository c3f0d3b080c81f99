from ._timing import run as run
