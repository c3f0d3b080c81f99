"""Net + data set + optimizer -> trained params, without Hydra and YAML.

- `update`: one training update, and many in a loop.
- `engine`: compiles the updates for one run or for a group of runs.
- `loop`: the training loop from report to report, which everything that trains uses.
- `history`: the reports of one run.
- `lifecycle`: the runs of one program from their last checkpoint, or their first update, to their end.

Configurations belong to `experiments`, many runs in folders to `sweeps`, and measurements of networks to `studies`.
A name is loaded when it is first used.
"""

from jaxrnn.lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
