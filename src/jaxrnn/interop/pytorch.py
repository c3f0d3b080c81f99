"""Converts PyTorch's recurrent modules to nets, and nets to PyTorch modules. Imports torch only when it is needed."""

import copy
from typing import Any

from jaxrnn.interop import _stack, torch_weights
from jaxrnn.interop._stack import Stack
from jaxrnn.interop._torch_state import require_plain
from jaxrnn.interop._verification import verified
from jaxrnn.types import Net, Params


def from_torch(source: Any, activation: str = "tanh") -> tuple[Net, Params]:
    """Converts a PyTorch module to a net and its params.

        net, params = jaxrnn.interop.from_torch(torch.nn.LSTM(3, 16, num_layers=2, bidirectional=True))

    Args:
      source: one of the following:

        - an `nn.RNN`, `nn.LSTM`, `nn.GRU` or one of their cells;
        - a module that contains an optional `nn.Embedding`, such layers and an optional `nn.Linear`, in this order;
        - a list of such modules;
        - a `state_dict` of such modules, with tensors or arrays as values and any prefix in the names. The numbers in
          the names determine the order of the layers, not the order of the dict.
      activation: activation of the `nn.RNN` in a `state_dict`, "tanh" or "relu", since the dict does not contain it.

    Returns:
      (`Net`, params). The net is time-major [T, B, D] for any value of the module's `batch_first`. `dropout` is kept
      for training. bfloat16 and float16 weights become float32. A layer without biases gets zero biases.

    Raises:
      ValueError: if a part has no counterpart in jaxrnn (the message names it): `proj_size`, weight norm, other modules
        with weights, or a module that computes something other than its layers in order; or if a state dict lacks a
        name or its names are ambiguous.
    """
    if isinstance(source, dict):
        return _stack.net(torch_weights.read(source, activation))
    if activation != "tanh":
        raise ValueError(
            f"from_torch: activation={activation} is only for a state_dict; a module has its own activation"
        )
    if not isinstance(source, list | tuple) and not hasattr(source, "children"):
        raise ValueError(
            f"from_torch: expected a module, a list of modules or a state_dict, got a {type(source).__name__}"
        )
    parts = list(source) if isinstance(source, list | tuple) else [source]
    for part in parts:
        require_plain(part.state_dict() if hasattr(part, "state_dict") else {})
    is_module = not isinstance(source, list | tuple)
    stack = _stack_of_modules(list(_leaves(source)) if is_module else parts)
    return _stack.net(_verified(stack, parts, type(source).__name__ if is_module else "this list of modules"))


def _leaves(module):
    """Yields a module's recurrent layers and its other modules without children, in their order in the module."""
    name = type(module).__name__
    children = list(module.children())
    if name in ("RNN", "LSTM", "GRU") or not children:
        yield module
        return
    if next(iter(module._parameters), None) is not None:
        raise ValueError(
            f"{name} has its own weights: expected only nn.Embedding, nn.RNN, nn.LSTM, nn.GRU and nn.Linear"
        )
    for child in children:
        yield from _leaves(child)


def _stack_of_modules(modules):
    stack, dropout = Stack(()), 0.0
    for module in modules:
        name = type(module).__name__
        if name in ("RNN", "LSTM", "GRU", "RNNCell", "LSTMCell", "GRUCell") and stack.readout is None:
            stack = stack._replace(layers=stack.layers + _layers_of(module, dropout))
            dropout = 0.0
        elif name == "Linear" and stack.layers and stack.readout is None:
            stack = stack._replace(readout=torch_weights.readout(module.weight, module.bias), dropout=dropout)
            dropout = 0.0
        elif name == "Embedding" and not stack.layers and stack.embedding is None:
            stack = stack._replace(embedding=torch_weights.array(module.weight))
        elif name == "Dropout" and stack.readout is None:
            dropout = module.p
        elif name != "Identity":
            raise ValueError(
                f"from_torch: unexpected nn.{name}: expected an nn.Embedding, then recurrent layers, then one nn.Linear"
            )
    if not stack.layers:
        raise ValueError(f"from_torch: expected an nn.RNN, nn.LSTM or nn.GRU, found only {_names(modules)}")
    return stack


def _names(modules):
    return ", ".join(type(module).__name__ for module in modules)


def _layers_of(module, dropout):
    if getattr(module, "proj_size", 0):
        raise ValueError("from_torch: an nn.LSTM with proj_size has no counterpart in jaxrnn")
    activation = getattr(module, "nonlinearity", None) or "tanh"
    state = dict(module.state_dict())
    layers = torch_weights.read({name: state[name] for name in state}, activation).layers
    rates = [dropout] + [getattr(module, "dropout", 0.0)] * (len(layers) - 1)
    return tuple(layer._replace(dropout=rate) for layer, rate in zip(layers, rates, strict=True))


def _verified(stack, parts, name):
    """Runs copies of the modules on random inputs and returns the stack with the matching `output`."""
    import torch

    copies = [copy.deepcopy(part).cpu().eval() for part in parts]
    is_float64 = {p.dtype for part in copies for p in part.parameters()} == {torch.float64}
    dtype = torch.float64 if is_float64 else torch.float32

    def compute(xs):
        hs = torch.as_tensor(xs[..., 0] if stack.embedding is not None else xs)
        hs = hs if stack.embedding is not None else hs.to(dtype)
        with torch.no_grad():
            for part in copies:
                hs = _run(part.to(dtype), hs)
        return torch_weights.array(hs)

    try:
        return verified(stack, compute, name)
    except (TypeError, RuntimeError, AttributeError) as error:
        raise ValueError(
            f"from_torch: {name} must compute outputs from one sequence ({error}); give its layers in a list instead"
        ) from error


def _run(module, hs):
    """Runs a module on a time-major sequence. A cell runs step by step."""
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
    """Converts a net to a PyTorch module that computes the same outputs.

    Args:
      net: a `Net` of recurrent layers. Both directions of a layer have the same kind and size. The net may start with
        an embedding or one-hot symbols and end with a readout.
      params: its params. Dropout, noise and the random part of zoneout act only in training and are left out.

    Returns:
      A `Recurrent` of `torch_model.py` on the CPU, in the params' dtype. It is time-major like the net:
      (xs [T, B, D], lengths [B] or None) -> ys. Symbols are integers [T, B]. Its layers are `nn.RNN`s, `nn.LSTM`s or
      `nn.GRU`s.

    Raises:
      ValueError: if PyTorch has no layer for a part of the net. The message names the part.
      ImportError: if PyTorch is not installed.
    """
    from jaxrnn.interop.torch_model import Recurrent

    return Recurrent.load(*torch_weights.settings(_stack.stack(net, params, "PyTorch")))
