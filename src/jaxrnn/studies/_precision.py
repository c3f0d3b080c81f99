"""Precision of a study: the precision of the networks it measures."""

import functools
from collections.abc import Mapping

from jaxrnn.precision import computing


def of(networks):
    """Returns the precision of a `Run` or an `Ensemble`; for a list or a dict, "f64" if one of them has it.

    Anything else gives "f32"; the study itself rejects it.
    """
    if hasattr(networks, "task"):
        return networks.task.trainer.precision
    several = networks.values() if isinstance(networks, Mapping) else networks
    is_several = isinstance(networks, Mapping) or type(networks) in (list, tuple)
    return "f64" if is_several and any(of(each) == "f64" for each in several) else "f32"


def in_their_precision(study):
    """Decorates a study so that it computes in the precision of its networks, not in JAX's current one."""

    @functools.wraps(study)
    def call(networks, *args, **kwargs):
        with computing(of(networks)):
            return study(networks, *args, **kwargs)

    return call
