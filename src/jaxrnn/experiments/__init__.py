"""Configuration -> objects -> run folder: from what Hydra composes to trained networks on disk.

`config` holds a configuration to the factories' signatures, `build` makes an experiment of it, `folders` trains and
goes on in run folders, `command_line` and `help` are what the scripts say. Whatever knows YAML or a folder's layout
belongs here; nothing below this room knows Hydra. The names are loaded when first used.
"""

from jaxrnn.lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
