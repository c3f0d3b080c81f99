"""Studies of recurrent networks, one a file: `jaxrnn.studies.NAME.study(networks, ...)` gives a `Result`.

    result = jaxrnn.studies.lyapunov.study(run)
    result.plot()
    result.table

`networks` is a trained network (a `Run`), an `Ensemble` of networks of one kind, a list of these, or {name: networks};
`ensemble` makes one of a net and a data set. What compares networks and draws it belongs here; functions of one net and
its params belong to `dynamics`. What the studies share is in `_ensembles`, `_result` and `_runner`.
"""

from jaxrnn.lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
