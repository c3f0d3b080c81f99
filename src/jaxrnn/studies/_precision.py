"""Precision of a study: the precision of the networks it measures."""

import functools
from collections.abc import Mapping

from jaxrnn.arguments import checked
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


def study_function(study):
    """Decorates a study: its arguments are checked, and it computes in the precision of its networks, not in JAX's."""

    @functools.wraps(study)
    def call(networks, *args, **kwargs):
        with computing(of(networks)):
            return study(networks, *args, **kwargs)

    return checked(call)
