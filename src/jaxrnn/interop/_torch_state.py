"""Reads the names in a PyTorch state dict: groups arrays to layers, orders the layers, finds embedding and readout."""

import re
from itertools import permutations

from jaxrnn.interop._names import in_order

WEIGHT = re.compile(r"(.*?)(weight|bias)_(ih|hh)(?:_l(\d+)(_reverse)?)?$")
CHANGED = re.compile(r"(^|\.)parametrizations\.|(weight|bias)(_[ih]h)?(_l\d+)?(_reverse)?_(g|v|u|orig|mask)$")
EMBEDDING = re.compile(r"emb|lookup|wte|token", re.IGNORECASE)
READOUT = re.compile(r"linear|fc|head|out|proj|classif|logit|dense|decode", re.IGNORECASE)
WHOLE = "give the module itself, or a list of its modules in their order"


def recurrent_layers(state):
    """Groups the recurrent arrays of a state dict by layer, in order.

    Returns:
      (one list of directions per layer, the prefixes of the modules' names). A direction is a dict with the names of
      its "weight_ih" and "weight_hh", and of "bias_ih" and "bias_hh" if it has biases.

    Raises:
      ValueError: if a name is missing, a weight is reparametrized, or the names do not define an order of the modules.
    """
    require_plain(state)
    modules = {}
    for name in state:
        if match := WEIGHT.match(name):
            prefix, kind, side, number, reverse = match.groups()
            parts = modules.setdefault(prefix, {}).setdefault((number, bool(reverse)), {})
            parts[f"{kind}_{side}"] = name
    if not modules:
        raise ValueError("from_torch: the state_dict has no weight_ih: expected an nn.RNN, nn.LSTM or nn.GRU")
    prefixes = in_order([prefix.rstrip(".") for prefix in modules])
    if prefixes is None:
        raise ValueError(f"from_torch: the names do not define the order of {', '.join(sorted(modules))}; {WHOLE}")
    by_prefix = {prefix.rstrip("."): (prefix, parts) for prefix, parts in modules.items()}
    return [layer for prefix in prefixes for layer in _layers(*by_prefix[prefix])], list(modules)


def require_plain(names):
    """Raises a ValueError if a weight is reparametrized, or belongs to an nn.LSTM with proj_size."""
    for name in sorted(names):
        if CHANGED.search(name):
            raise ValueError(
                f"from_torch: {name} is a part of a reparametrized weight (weight or spectral norm, pruning); remove "
                "the reparametrization first, for example with torch.nn.utils.remove_weight_norm or "
                "torch.nn.utils.parametrize.remove_parametrizations"
            )
        if "weight_hr" in name:
            raise ValueError(
                f"from_torch: {name} belongs to an nn.LSTM with proj_size, which has no counterpart in jaxrnn"
            )


def _layers(prefix, parts):
    """Lists the layers of one nn.RNN, nn.LSTM, nn.GRU or cell. Raises a ValueError for the first missing name."""
    cell = any(number is None for number, _ in parts)
    numbers = [None] if cell else range(1 + max(int(number) for number, _ in parts))
    directions = (False, True) if any(reverse for _, reverse in parts) else (False,)
    kinds = ["weight_ih", "weight_hh"]
    kinds += ["bias_ih", "bias_hh"] if any(kind.startswith("bias") for part in parts.values() for kind in part) else []
    layers = []
    for number in numbers:
        layers.append([])
        for reverse in directions:
            suffix = ("" if cell else f"_l{number}") + ("_reverse" if reverse else "")
            names = parts.get((None if cell else str(number), reverse), {})
            for kind in kinds:
                if kind not in names:
                    raise ValueError(f"from_torch: {prefix}{kind}{suffix} is missing from the state_dict")
            layers[-1].append(names)
    return layers


def others(shapes, biased, width, entry, prefixes):
    """Finds the embedding and the readout among the weights that are not recurrent.

    Shapes decide first. If both roles fit, names decide: words such as "embedding" and "head", and the numbers
    in an nn.Sequential. The order of the names is not used.

    Args:
      shapes: {name: shape} of the weights.
      biased: the names of the weights that have a bias.
      width: output size of the last recurrent layer.
      entry: input size of the first recurrent layer.
      prefixes: prefixes of the recurrent modules' names.

    Returns:
      {"embedding": name, "readout": name}, without a role that no weight has.

    Raises:
      ValueError: if a weight fits neither role, or if the roles are ambiguous.
    """
    roles = {name: _roles(name, shape, name in biased, width, entry, prefixes) for name, shape in shapes.items()}
    for name, fitting in roles.items():
        if not fitting:
            raise ValueError(
                f"from_torch: {name} of shape {tuple(shapes[name])} fits neither a readout nor an embedding here"
            )
    assignments = [
        dict(zip(chosen, roles, strict=True))
        for chosen in permutations(("embedding", "readout"), len(roles))
        if all(role in fitting for role, fitting in zip(chosen, roles.values(), strict=True))
    ]
    if not assignments:
        raise ValueError(
            f"from_torch: unexpected weights {', '.join(sorted(roles))}: expected one embedding and one readout"
        )
    if len(assignments) > 1:
        weights = " and ".join(f"{name} {tuple(shapes[name])}" for name in sorted(roles))
        raise ValueError(f"from_torch: {weights} may each be an embedding or a readout; {WHOLE}")
    return assignments[0]


def _roles(name, shape, has_bias, width, entry, prefixes):
    """Returns the roles, "embedding" and "readout", that fit the shape and the name of a weight."""
    fitting = set()
    if len(shape) == 2 and shape[1] == entry and not has_bias:
        fitting.add("embedding")
    if len(shape) == 2 and shape[1] == width:
        fitting.add("readout")
    stem = name.removesuffix("weight").rstrip("._")
    for word in reversed(stem.split(".")):
        embedding, readout = EMBEDDING.search(word), READOUT.search(word)
        if embedding or readout:  # a name like "output_embedding" matches both and decides nothing
            return fitting if embedding and readout else fitting & {"embedding" if embedding else "readout"}
    order = in_order([stem, *(prefix.rstrip(".") for prefix in prefixes)]) if stem else None
    if order is None:
        return fitting
    return fitting & ({"embedding"} if order[0] == stem else {"readout"} if order[-1] == stem else set())
