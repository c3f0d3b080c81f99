"""Sweeps: trains many runs in few compiled programs.

- `grouping`: finds the runs that fit in one program.
- `group`, `halving`: train the runs of a program.
- `schedule`, `callback`: schedule all runs of a sweep, and resume interrupted sweeps.
- `search`: searches for the best values with Optuna.
- `report`: reports the results of a sweep.

The training of one run belongs to `training`, and its storage to `experiments`.
"""

from jaxrnn.lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
