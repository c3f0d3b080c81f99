"""Studies compute in the precision of the networks that they are given."""

import functools
from collections.abc import Mapping

from jaxrnn.precision import computing


def of(networks):
    """The precision of a `Run` or an `Ensemble`; of a list or a dict "f64" if one of them has it. The study itself
    refuses what is none of these."""
    if hasattr(networks, "task"):
        return networks.task.trainer.precision
    several = networks.values() if isinstance(networks, Mapping) else networks
    is_several = isinstance(networks, Mapping) or type(networks) in (list, tuple)
    return "f64" if is_several and any(of(each) == "f64" for each in several) else "f32"


def in_their_precision(study):
    """The study, which computes in the precision of its networks whatever JAX is set to."""

    @functools.wraps(study)
    def call(networks, *args, **kwargs):
        with computing(of(networks)):
            return study(networks, *args, **kwargs)

    return call
