"""`Net.explicit_weights` of nets that are made from other nets."""

from jaxrnn.types import ExplicitWeights


def of_wrapped(net, wrap):
    """Returns the `ExplicitWeights` of `wrap(net)`, a net with the params of `net`; None if `net` has none."""
    return None if net.explicit_weights is None else net.explicit_weights._replace(net=wrap(net.explicit_weights.net))


def of_parts(combine, nets, collect):
    """Returns the `ExplicitWeights` of a net made from several; None if no part has any.

    Args:
      combine: (*nets) -> the net.
      nets: its parts, in the order of its params.
      collect: [params of each part] -> params of the net.
    """
    parts = [net.explicit_weights for net in nets]
    if not any(parts):
        return None
    explicit = combine(*(net if part is None else part.net for net, part in zip(nets, parts, strict=True)))

    def weights(params):
        return collect([p if part is None else part.weights(p) for part, p in zip(parts, params, strict=True)])

    return ExplicitWeights(explicit, weights)
