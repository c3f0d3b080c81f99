"""The fields of a net made from other nets that hold further versions of it: each version is made in the same way."""

from jaxrnn.types import ExplicitWeights


def rewrapped(net, wrap, **fields):
    """Returns `wrap(net)`, a net with the params of `net` and with changed fields.

    Args:
      net: the net.
      wrap: (net) -> net, the function that calls this one.
      fields: the changed fields.
    """
    explicit = net.explicit_weights
    versions = {
        "with_unroll": lambda unroll: wrap(net.with_unroll(unroll)),
        "explicit_weights": None if explicit is None else explicit._replace(net=wrap(explicit.net)),
        "many_to_one": None if net.many_to_one is None else lambda: wrap(net.many_to_one()),
    }
    return net._replace(**versions | fields)


def rewrapped_inside(net, wrap, **fields):
    """Returns `wrap(net)` as `rewrapped` does, for a net whose params hold those of `net` in the field `net`."""
    explicit, attention = net.explicit_weights, net.attention
    if explicit is not None:
        weights = explicit.weights
        explicit = ExplicitWeights(wrap(explicit.net), lambda params: params._replace(net=weights(params.net)))
    inner = {
        "initial": lambda params, batch_shape: net.initial(params.net, batch_shape),
        "explicit_weights": explicit,
        "attention": None if attention is None else lambda params, *inputs: attention(params.net, *inputs),
    }
    return rewrapped(net, wrap, **inner | fields)


def explicit_weights_of_parts(combine, nets, collect):
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
