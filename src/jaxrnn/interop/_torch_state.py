"""A PyTorch state dict's names: which arrays are one layer's, in which order, and what the other arrays are."""

import re
from itertools import permutations

from jaxrnn.interop._names import in_order

WEIGHT = re.compile(r"(.*?)(weight|bias)_(ih|hh)(?:_l(\d+)(_reverse)?)?$")
CHANGED = re.compile(r"(^|\.)parametrizations\.|(weight|bias)(_[ih]h)?(_l\d+)?(_reverse)?_(g|v|u|orig|mask)$")
EMBEDDING = re.compile(r"emb|lookup|wte|token", re.IGNORECASE)
READOUT = re.compile(r"linear|fc|head|out|proj|classif|logit|dense|decode", re.IGNORECASE)
WHOLE = "give the module itself, or a list of its modules in their order"


def recurrent_layers(state):
    """The recurrent arrays of a state dict, layer after layer.

    Returns:
      (a list with a list of directions per layer, the prefixes of the modules' names); a direction is a dict with the
      names of its "weight_ih", "weight_hh", and of "bias_ih" and "bias_hh" if it has biases.

    Raises:
      ValueError: if a name is missing, stands for a reparametrized weight, or nothing says which module comes first.
    """
    require_plain(state)
    modules = {}
    for name in state:
        if match := WEIGHT.match(name):
            prefix, what, side, number, reverse = match.groups()
            parts = modules.setdefault(prefix, {}).setdefault((number, bool(reverse)), {})
            parts[f"{what}_{side}"] = name
    if not modules:
        raise ValueError("from_torch: no weight_ih among the names; that is no nn.RNN, nn.LSTM or nn.GRU")
    prefixes = in_order([prefix.rstrip(".") for prefix in modules])
    if prefixes is None:
        raise ValueError(
            f"from_torch: nothing says in which order {', '.join(sorted(modules))} follow on each other; {WHOLE}"
        )
    by_prefix = {prefix.rstrip("."): (prefix, parts) for prefix, parts in modules.items()}
    return [layer for prefix in prefixes for layer in _layers(*by_prefix[prefix])], list(modules)


def require_plain(names):
    """Raises ValueError for the names of weights that are computed from others, and of an nn.LSTM with proj_size."""
    for name in sorted(names):
        if CHANGED.search(name):
            raise ValueError(
                f"from_torch: {name} is a part of a reparametrized weight (weight or spectral norm, pruning); remove "
                "the reparametrization first, such as torch.nn.utils.remove_weight_norm or "
                "torch.nn.utils.parametrize.remove_parametrizations does"
            )
        if "weight_hr" in name:
            raise ValueError(f"from_torch: {name} is of an nn.LSTM with proj_size, which has no counterpart here")


def _layers(prefix, parts):
    """The layers of one nn.RNN, nn.LSTM, nn.GRU or cell; raises ValueError naming the first name that is missing."""
    cell = any(number is None for number, _ in parts)
    numbers = [None] if cell else range(1 + max(int(number) for number, _ in parts))
    ways = (False, True) if any(reverse for _, reverse in parts) else (False,)
    kinds = ["weight_ih", "weight_hh"]
    kinds += ["bias_ih", "bias_hh"] if any(kind.startswith("bias") for part in parts.values() for kind in part) else []
    layers = []
    for number in numbers:
        layers.append([])
        for reverse in ways:
            suffix = ("" if cell else f"_l{number}") + ("_reverse" if reverse else "")
            found = parts.get((None if cell else str(number), reverse), {})
            for kind in kinds:
                if kind not in found:
                    raise ValueError(f"from_torch: {prefix}{kind}{suffix} is missing from the state_dict")
            layers[-1].append(found)
    return layers


def others(shapes, biased, width, entry, prefixes):
    """The names of the embedding and of the readout among the weights that are not recurrent.

    Shapes decide where they can, then names: words such as "embedding" and "head", and numbers such as those of an
    nn.Sequential. The order of the names says nothing.

    Args:
      shapes: {name: shape} of the weights.
      biased: the names of those that have a bias.
      width: of the last recurrent layer's outputs.
      entry: of the first one's inputs.
      prefixes: of the recurrent modules' names.

    Returns:
      {"embedding": name, "readout": name}, without those that are not there.

    Raises:
      ValueError: if a weight fits neither place, or if nothing says which is which.
    """
    places = {name: _places(name, shape, name in biased, width, entry, prefixes) for name, shape in shapes.items()}
    for name, fitting in places.items():
        if not fitting:
            raise ValueError(
                f"from_torch: {name} of shape {tuple(shapes[name])} is no readout and no embedding of these layers"
            )
    found = [
        dict(zip(chosen, places, strict=True))
        for chosen in permutations(("embedding", "readout"), len(places))
        if all(place in fitting for place, fitting in zip(chosen, places.values(), strict=True))
    ]
    if not found:
        raise ValueError(f"from_torch: no place for all of {', '.join(sorted(places))}; one readout is read")
    if len(found) > 1:
        told = " and ".join(f"{name} {tuple(shapes[name])}" for name in sorted(places))
        raise ValueError(f"from_torch: nothing says whether {told} is an embedding or a readout; {WHOLE}")
    return found[0]


def _places(name, shape, has_bias, width, entry, prefixes):
    """The places that a weight can have, by its shape and its name."""
    fitting = set()
    if len(shape) == 2 and shape[1] == entry and not has_bias:
        fitting.add("embedding")
    if len(shape) == 2 and shape[1] == width:
        fitting.add("readout")
    own = name.removesuffix("weight").rstrip("._")
    for word in reversed(own.split(".")):
        embedding, readout = EMBEDDING.search(word), READOUT.search(word)
        if embedding or readout:  # both in "output_embedding", which says nothing
            return fitting if embedding and readout else fitting & {"embedding" if embedding else "readout"}
    order = in_order([own, *(prefix.rstrip(".") for prefix in prefixes)]) if own else None
    if order is None:
        return fitting
    return fitting & ({"embedding"} if order[0] == own else {"readout"} if order[-1] == own else set())
