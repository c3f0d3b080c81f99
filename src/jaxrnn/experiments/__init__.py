"""Experiments: from a configuration that Hydra composed to a trained network in a run folder.

- `config` checks a configuration against the signatures of the factories that it names.
- `build` makes an `Experiment` from a checked configuration.
- `folders` trains, resumes and loads runs in run folders.
- `command_line` and `help` print the messages of the scripts.

Code that reads YAML or knows the layout of a folder belongs here. No room below this one imports Hydra. The names below
are loaded on first use.
"""

from jaxrnn.lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
