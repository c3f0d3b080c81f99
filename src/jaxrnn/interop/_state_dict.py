"""Converts a PyTorch state dict to a `Stack`: the names decide which array belongs where. Does not import torch.

PyTorch adds two biases, jaxrnn has one. An export writes zeros as the second bias, except for the candidate of a GRU.
"""

import re
from itertools import permutations

import numpy as np

from jaxrnn.interop._library import Library, layer_of, part_of, stack_of_parts
from jaxrnn.interop._names import in_order
from jaxrnn.interop._stack import KINDS
from jaxrnn.interop._weights import Format

ARRAYS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
LIBRARY = Library(
    name="PyTorch",
    reader="from_torch",
    expected="an nn.Embedding, then recurrent layers, then one nn.Linear",
    cells=(
        Format("Elman", ("RNN", "RNNCell"), *ARRAYS, variants=("tanh", "relu")),
        Format("LSTM", ("LSTM", "LSTMCell"), *ARRAYS),
        Format("GRU", ("GRU", "GRUCell"), *ARRAYS, variants=("after",)),
    ),
    embedding=("Embedding", "weight"),
    readout=("Linear", "weight", "bias"),
    transposed=True,
    merges=("concat",),
    outputs=("all", "last", "ends"),
)
WEIGHT = re.compile(r"(?P<prefix>.*?)(?P<kind>(weight|bias)_[ih]h)(_l(?P<number>\d+))?(?P<reverse>_reverse)?$")
CHANGED = re.compile(r"(^|\.)parametrizations\.|(weight|bias)(_[ih]h)?(_l\d+)?(_reverse)?_(g|v|u|orig|mask)$")
EMBEDDING = re.compile(r"emb|lookup|wte|token", re.IGNORECASE)
READOUT = re.compile(r"linear|fc|head|out|proj|classif|logit|dense|decode", re.IGNORECASE)
WHOLE = "give the module itself, or a list of its modules in their order"


def stack_of_state(state, activation):
    """Converts a state dict to a `Stack`. See `from_torch`.

    Raises:
      ValueError: if a name is missing or unexpected, a weight is reparametrized, or the names leave the order of the
        modules or the role of a weight open.
    """
    if activation not in ("tanh", "relu"):
        raise ValueError(f"activation={activation}: expected tanh or relu")
    require_plain(state)
    matches = [match for name in state if (match := WEIGHT.match(name))]
    prefixes = _ordered({match["prefix"] for match in matches})
    layers, recurrent = [], set()
    for prefix in prefixes:
        for directions in _names_by_layer(state, prefix, [match for match in matches if match["prefix"] == prefix]):
            cells = [_cell(state, names, activation) for names in directions]
            layers.append(layer_of(LIBRARY, cells))
            recurrent |= {name for names in directions for name in names.values()}
    before, after = _other_parts(
        {name: a for name, a in state.items() if name not in recurrent},
        entry=len(layers[0].value[0].forward.w_x),
        width=layers[-1].value[0].width,
        prefixes=prefixes,
    )
    return stack_of_parts(LIBRARY, [*before, *layers, *after])


def require_plain(names):
    """Raises a ValueError if a name is not a string, a weight is reparametrized, or an nn.LSTM has proj_size."""
    if not all(isinstance(name, str) for name in names):
        raise ValueError("from_torch: the names in a state_dict must be strings")
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


def _ordered(prefixes):
    """Sorts the prefixes of the recurrent modules by the numbers in them."""
    if not prefixes:
        raise ValueError("from_torch: the state_dict has no weight_ih: expected an nn.RNN, nn.LSTM or nn.GRU")
    by_name = {prefix.rstrip("."): prefix for prefix in prefixes}
    names = in_order(by_name)
    if names is None:
        raise ValueError(f"from_torch: the names do not define the order of {', '.join(sorted(prefixes))}; {WHOLE}")
    return [by_name[name] for name in names]


def _names_by_layer(state, prefix, matches):
    """Yields {kind: name} of each direction, for each layer of one nn.RNN, nn.LSTM, nn.GRU or cell.

    Raises:
      ValueError: for the first missing name.
    """
    is_cell = any(match["number"] is None for match in matches)
    last = 0 if is_cell else max(int(match["number"]) for match in matches)
    directions = ("", "_reverse") if any(match["reverse"] for match in matches) else ("",)
    has_bias = any(match["kind"].startswith("bias") for match in matches)
    for number in range(last + 1):
        layer = "" if is_cell else f"_l{number}"
        names_by_direction = []
        for direction in directions:
            kinds = ARRAYS[: 4 if has_bias else 2]
            names = {kind: f"{prefix}{kind}{layer}{direction}" for kind in kinds}
            for name in names.values():
                if name not in state:
                    raise ValueError(f"from_torch: {name} is missing from the state_dict")
            names_by_direction.append(names)
        yield names_by_direction


def _cell(state, names, activation):
    """Describes one direction of a layer. The number of gates determines the kind of its cell."""
    arrays = {kind: state[name] for kind, name in names.items()}
    shape = tuple(np.shape(arrays["weight_hh"]))
    for layout in LIBRARY.cells:
        if len(shape) == 2 and 0 < shape[0] == len(KINDS[layout.kind].gates) * shape[1]:
            return part_of(LIBRARY, layout.modules[0], arrays, activation, names)
    raise ValueError(
        f"from_torch: {names['weight_hh']} of shape {shape} is not a recurrent weight: expected [H, H] for an nn.RNN, "
        "[4 H, H] for an nn.LSTM or [3 H, H] for an nn.GRU"
    )


def _other_parts(arrays, entry, width, prefixes):
    """Finds the embedding and the readout among the arrays that are not recurrent.

    Shapes decide first. If both roles fit, names decide: words such as "embedding" and "head", and the numbers
    in an nn.Sequential. The order of the names is not used.

    Args:
      arrays: {name: array}.
      entry: input size of the first recurrent layer.
      width: output size of the last recurrent layer.
      prefixes: prefixes of the recurrent modules' names.

    Returns:
      ([embedding], [readout]). A list is empty if no weight has the role.

    Raises:
      ValueError: if a weight fits neither role, or if the roles are ambiguous.
    """
    biases = {name: f"{name.removesuffix('weight')}bias" for name in arrays if name.endswith("weight")}
    if unexpected := sorted(set(arrays) - set(biases) - set(biases.values())):
        raise ValueError(f"from_torch: unexpected names in the state_dict: {', '.join(unexpected)}")
    shapes = {name: tuple(np.shape(arrays[name])) for name in biases}
    roles = {
        name: _roles_by_shape(shape, biases[name] in arrays, entry, width) & _roles_by_name(name, prefixes)
        for name, shape in shapes.items()
    }
    for name, fitting in roles.items():
        if not fitting:
            raise ValueError(f"from_torch: {name} of shape {shapes[name]} fits neither a readout nor an embedding here")
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
        weights = " and ".join(f"{name} {shapes[name]}" for name in sorted(roles))
        raise ValueError(f"from_torch: {weights} may each be an embedding or a readout; {WHOLE}")
    named = assignments[0]
    before = [part_of(LIBRARY, "Embedding", {"weight": arrays[named["embedding"]]})] if "embedding" in named else []
    if "readout" not in named:
        return before, []
    pair = {"weight": arrays[named["readout"]], "bias": arrays.get(biases[named["readout"]])}
    return before, [part_of(LIBRARY, "Linear", pair)]


def _roles_by_shape(shape, has_bias, entry, width):
    roles = set()
    if len(shape) == 2 and shape[1] == entry and not has_bias:
        roles.add("embedding")
    if len(shape) == 2 and shape[1] == width:
        roles.add("readout")
    return roles


def _roles_by_name(name, prefixes):
    stem = name.removesuffix("weight").rstrip("._")
    for word in reversed(stem.split(".")):
        roles = {role for role, words in (("embedding", EMBEDDING), ("readout", READOUT)) if words.search(word)}
        if roles:  # a name like "output_embedding" matches both and decides nothing
            return roles
    order = in_order([stem, *(prefix.rstrip(".") for prefix in prefixes)]) if stem else None
    if order is None:
        return {"embedding", "readout"}
    return {"embedding"} if order[0] == stem else {"readout"} if order[-1] == stem else set()
