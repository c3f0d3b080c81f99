"""Experiments: from a configuration that Hydra composed to a trained network in a run folder.

- `schema` checks a configuration against the signatures of the factories that it names.
- `build` makes an `Experiment` from a checked configuration.
- `run_folder` trains, resumes and loads runs in run folders.
- `command_line` and `help` print the messages of the scripts.

Code that reads YAML or knows the layout of a folder belongs here. The packages that this one imports do not import
Hydra. The public names are loaded on first use.
"""

from jaxrnn.lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
