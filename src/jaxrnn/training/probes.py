"""Probes: studies of one network that measure it at every report of its training."""

from collections.abc import Callable
from typing import Any, NamedTuple

BATCH = 32  # sequences that a probe measures, the same at every report


class Probe(NamedTuple):
    """A measurement and its figures, such as `jaxrnn.studies.gradient_flow.probe()` and `gates.probe()`.

    Fields:
      measure: (task, params, Batch) -> {name: array}, traceable.
      plot: (steps [S], {name: [S, ...]}) -> {title: figure}.
    """

    measure: Callable[..., Any]
    plot: Callable[..., Any]


def measure_of(probe, task):
    """Returns the function (params, Batch) -> {name: array} of a probe on a task."""
    plain = task.net.explicit_weights
    if plain is None:
        return lambda params, batch: probe.measure(task, params, batch)
    return lambda params, batch: probe.measure(task._replace(net=plain.net), plain.weights(params), batch)
