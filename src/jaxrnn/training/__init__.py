"""Net + data set + optimizer -> trained params, without Hydra and YAML.

`update` is one step of training and many in a row; `engine` compiles it, for one run or for a group of runs; `loop`
goes from report to report, for everything that trains; `history` is what the reports of a run say; `single_run` puts
them together and `run` is what comes of it. Configurations (`experiments`), many runs in folders (`sweeps`) and what is
measured of networks (`studies`) do not belong here. The names are loaded when first used.
"""

from jaxrnn.lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
