"""Studies compute in the precision of the networks that they are given."""

import functools

from jaxrnn.precision import computing


def of(networks):
    """The precision of a `Run` or an `Ensemble`; of a list "f64" if one of them has it."""
    if hasattr(networks, "task"):
        return networks.task.trainer.precision
    return "f64" if any(of(each) == "f64" for each in networks) else "f32"


def in_their_precision(study):
    """The study, which computes in the precision of its networks whatever JAX is set to."""

    @functools.wraps(study)
    def call(networks, *args, **kwargs):
        with computing(of(networks)):
            return study(networks, *args, **kwargs)

    return call
