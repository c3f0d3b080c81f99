"""Studies of recurrent networks, one per file: `jaxrnn.studies.NAME.study(networks, ...)` returns a `Result`.

    result = jaxrnn.studies.lyapunov.study(run)
    result.plot()
    result.table

`networks` is one of:

- a trained network (a `Run`);
- an `Ensemble`, networks of one kind; the function `ensemble` makes one from a net and a data set;
- a list of these, or {name: networks}. `Run`s of a list that differ only in their seeds are one kind.

`networks_of` loads the networks of run folders and sweeps.

This room compares networks and draws the comparison. Functions of one net and its params belong to `dynamics`. The
studies share `_collect`, `_curves`, `_ensembles`, `_networks`, `_result` and `_runner`.
"""

from jaxrnn.lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
