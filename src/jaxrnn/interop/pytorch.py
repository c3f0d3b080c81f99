"""PyTorch's recurrent modules as nets, and nets as PyTorch modules. Torch is imported where a module is run or made."""

import copy
from typing import Any

from jaxrnn.interop import _stack, torch_weights
from jaxrnn.interop._stack import Stack
from jaxrnn.interop._torch_state import require_plain
from jaxrnn.interop._verification import verified
from jaxrnn.types import Net, Params


def from_torch(source: Any, activation: str = "tanh") -> tuple[Net, Params]:
    """The net of a PyTorch module, and its params.

        net, params = jaxrnn.interop.from_torch(torch.nn.LSTM(3, 16, num_layers=2, bidirectional=True))

    Args:
      source: an `nn.RNN`, `nn.LSTM`, `nn.GRU` or one of their cells; a module that holds an `nn.Embedding`, such layers
        and an `nn.Linear`, any of the three left out, in the order in which it uses them; a list of such modules; or a
        `state_dict`, its values tensors or arrays, of an `nn.RNN` with this activation, an `nn.LSTM` or an `nn.GRU`,
        an `nn.Embedding` and an `nn.Linear`, their names with any prefix. The numbers in the names give
        the order of the layers, not the order of the dict.
      activation: "tanh" or "relu", of the `nn.RNN` of a `state_dict`, which does not say.

    Returns:
      (`Net`, params). The net is time-major [T, B, D] whatever the module's `batch_first`; `dropout` is kept for
      training. bfloat16 and float16 weights become float32. A layer without biases gets ones of zero.

    Raises:
      ValueError: for what has no counterpart here, by its name: `proj_size`, weight norm, other modules with weights, a
        module that computes something else than its layers in their order, a state dict that lacks a name or whose
        names leave open what an array is.
    """
    if isinstance(source, dict):
        return _stack.net(torch_weights.read(source, activation))
    if activation != "tanh":
        raise ValueError(f"from_torch: activation={activation} is for a state_dict; a module says its own")
    if not isinstance(source, list | tuple) and not hasattr(source, "children"):
        raise ValueError(f"from_torch: give a module, a list of modules or a state_dict, not a {type(source).__name__}")
    parts = list(source) if isinstance(source, list | tuple) else [source]
    for part in parts:
        require_plain(part.state_dict() if hasattr(part, "state_dict") else {})
    whole = not isinstance(source, list | tuple)
    found = _of_modules(list(_leaves(source)) if whole else parts)
    return _stack.net(_checked(found, parts, type(source).__name__ if whole else "this list of modules"))


def _leaves(module):
    """A module's recurrent layers and other modules without modules of their own, in the order in which it has them."""
    name = type(module).__name__
    children = list(module.children())
    if name in ("RNN", "LSTM", "GRU") or not children:
        yield module
        return
    if next(iter(module._parameters), None) is not None:
        raise ValueError(f"{name} has weights of its own; nn.Embedding, nn.RNN, nn.LSTM, nn.GRU and nn.Linear are read")
    for child in children:
        yield from _leaves(child)


def _of_modules(listed):
    found, dropout = Stack(()), 0.0
    for module in listed:
        name = type(module).__name__
        if name in ("RNN", "LSTM", "GRU", "RNNCell", "LSTMCell", "GRUCell") and found.readout is None:
            found = found._replace(layers=found.layers + _layers_of(module, dropout))
            dropout = 0.0
        elif name == "Linear" and found.layers and found.readout is None:
            found = found._replace(readout=torch_weights.readout(module.weight, module.bias), dropout=dropout)
            dropout = 0.0
        elif name == "Embedding" and not found.layers and found.embedding is None:
            found = found._replace(embedding=torch_weights.array(module.weight))
        elif name == "Dropout" and found.readout is None:
            dropout = module.p
        elif name != "Identity":
            raise ValueError(
                f"from_torch: no place for nn.{name} in this order; an nn.Embedding, recurrent layers and one "
                "nn.Linear are read"
            )
    if not found.layers:
        raise ValueError(f"from_torch: no nn.RNN, nn.LSTM or nn.GRU among {_names(listed)}")
    return found


def _names(listed):
    return ", ".join(type(module).__name__ for module in listed)


def _layers_of(module, dropout):
    if getattr(module, "proj_size", 0):
        raise ValueError("from_torch: an nn.LSTM with proj_size has no counterpart here")
    activation = getattr(module, "nonlinearity", None) or "tanh"
    state = dict(module.state_dict())
    found = torch_weights.read({name: state[name] for name in state}, activation).layers
    rates = [dropout] + [getattr(module, "dropout", 0.0)] * (len(found) - 1)
    return tuple(layer._replace(dropout=rate) for layer, rate in zip(found, rates, strict=True))


def _checked(found, parts, name):
    """The stack with the output that copies of the modules, one after the other, give on inputs drawn here."""
    import torch

    copies = [copy.deepcopy(part).cpu().eval() for part in parts]
    kept = {p.dtype for part in copies for p in part.parameters()} == {torch.float64}
    dtype = torch.float64 if kept else torch.float32

    def compute(xs):
        hs = torch.as_tensor(xs[..., 0] if found.embedding is not None else xs)
        hs = hs if found.embedding is not None else hs.to(dtype)
        with torch.no_grad():
            for part in copies:
                hs = _run(part.to(dtype), hs)
        return torch_weights.array(hs)

    try:
        return verified(found, compute, name)
    except (TypeError, RuntimeError, AttributeError) as error:
        raise ValueError(
            f"from_torch: {name} does not turn a sequence alone into outputs ({error}); give its layers in a list"
        ) from error


def _run(module, hs):
    """The outputs of a module on a time-major sequence; a cell goes from step to step."""
    import torch

    if isinstance(module, torch.nn.RNNCellBase):
        state, ys = None, []
        for h in hs:
            state = module(h, state)
            ys.append(state[0] if isinstance(state, tuple) else state)
        return torch.stack(ys)
    batch_first = any(getattr(part, "batch_first", False) for part in module.modules())
    ys = module(hs.transpose(0, 1) if batch_first else hs)
    ys = ys[0] if isinstance(ys, tuple) else ys
    return ys.transpose(0, 1) if batch_first and ys.ndim == 3 else ys


def to_torch(net: Net, params: Params) -> Any:
    """The PyTorch module that computes what a net computes.

    Args:
      net: a `Net` of recurrent layers of one kind and size each, perhaps with an embedding or one-hot symbols before
        and a readout after them.
      params: its params. Dropout, zoneout's draws and noise, which act in training alone, are left out.

    Returns:
      A `Recurrent` of `torch_model.py`, time-major as the net: (xs [T, B, D], lengths [B] or None) -> ys; its layers
      are `nn.RNN`s, `nn.LSTM`s or `nn.GRU`s. Symbols are integers [T, B]. On the CPU, in the params' dtype.

    Raises:
      ValueError: for what PyTorch has no layer for, by its name.
      ImportError: without PyTorch.
    """
    from jaxrnn.interop.torch_model import Recurrent

    return Recurrent.load(*torch_weights.settings(_stack.stack(net, params, "PyTorch")))
