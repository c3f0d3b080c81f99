"""Converts PyTorch's recurrent modules to nets, and nets to PyTorch modules. Imports torch only when it is needed."""

import copy
from functools import partial
from typing import Any

import numpy as np

from jaxrnn.interop._library import Part, exported, net_of_parts, part_of, specs_of
from jaxrnn.interop._stack import net_of
from jaxrnn.interop._state_dict import LIBRARY, require_plain, stack_of_state
from jaxrnn.interop._weights import array
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
        return net_of(stack_of_state(source, activation))
    if activation != "tanh":
        raise ValueError(
            f"from_torch: activation={activation} is only for a state_dict; a module has its own activation"
        )
    is_list = isinstance(source, list | tuple)
    if not is_list and not hasattr(source, "children"):
        raise ValueError(
            f"from_torch: expected a module, a list of modules or a state_dict, got a {type(source).__name__}"
        )
    modules = list(source) if is_list else [source]
    for module in modules:
        require_plain(module.state_dict() if hasattr(module, "state_dict") else {})
    parts = [_part(module) for module in (modules if is_list else _leaves(source))]
    name = "this list of modules" if is_list else type(source).__name__
    return net_of_parts(LIBRARY, parts, partial(_run, modules), name)


def _leaves(module):
    """Yields a module's recurrent layers and its other modules without children, in their order in the module."""
    name = type(module).__name__
    children = list(module.children())
    if name in LIBRARY.modules or not children:
        yield module
        return
    if next(iter(module._parameters), None) is not None:
        raise ValueError(
            f"{name} has its own weights: expected only nn.Embedding, nn.RNN, nn.LSTM, nn.GRU and nn.Linear"
        )
    for child in children:
        yield from _leaves(child)


def _part(module):
    kind = type(module).__name__
    name = f"nn.{kind}"
    if kind in LIBRARY.modules:
        first, *others = stack_of_state(module.state_dict(), getattr(module, "nonlinearity", "tanh")).layers
        rate = getattr(module, "dropout", 0.0)
        return Part(name, "layers", [first, *(layer._replace(dropout=rate) for layer in others)])
    if kind in ("Linear", "Embedding"):
        return part_of(LIBRARY, kind, module.state_dict())._replace(name=name)
    if kind == "Dropout":
        return Part(name, "dropout", module.p)
    return Part(name, "ignored" if kind == "Identity" else "unexpected")


def _run(modules, xs):
    """Runs copies of the modules in order on a time-major sequence, in evaluation mode."""
    import torch

    copies = [copy.deepcopy(module).cpu().eval() for module in modules]
    is_float64 = {p.dtype for module in copies for p in module.parameters()} == {torch.float64}
    dtype = torch.float64 if is_float64 else torch.float32
    hs = torch.as_tensor(xs)
    hs = hs.to(dtype) if hs.is_floating_point() else hs
    with torch.no_grad():
        for module in copies:
            hs = _run_module(module.to(dtype), hs)
    return array(hs, "the outputs")


def _run_module(module, hs):
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
    """Converts a net to a PyTorch module that computes the same outputs. Arguments and errors: see `jaxrnn.interop`.

    Both directions of a layer must have the same kind and size.

    Returns:
      A `Recurrent` of `torch_model.py` on the CPU, in the params' dtype. It is time-major like the net:
      (xs [T, B, D], lengths [B] or None) -> ys. Symbols are integers [T, B]. Its layers are `nn.RNN`s, `nn.LSTM`s or
      `nn.GRU`s.
    """
    from jaxrnn.interop.torch_model import Recurrent

    return Recurrent.load(*settings_of(exported(LIBRARY, net, params)))


def settings_of(stack):
    """Converts a stack to (arguments of `Recurrent`, state dict of NumPy arrays)."""
    blocks, state = [], {}
    for layer in stack.layers:
        specs = specs_of(LIBRARY, layer)
        block = {"kind": specs[0].module, "input_size": specs[0].sizes[0], "hidden_size": layer.size, "num_layers": 1}
        block |= {"bidirectional": layer.backward is not None}
        block |= {} if specs[0].activation is None else {"nonlinearity": layer.activation}
        if blocks and {**blocks[-1], "num_layers": 1, "input_size": block["input_size"]} == block:
            blocks[-1]["num_layers"] += 1
        else:
            blocks.append(block)
        suffix = f"_l{blocks[-1]['num_layers'] - 1}"
        for spec, direction in zip(specs, ("", "_reverse"), strict=False):
            names = {name: f"layers.{len(blocks) - 1}.{name}{suffix}{direction}" for name in spec.arrays}
            state |= {names[name]: np.array(a) for name, a in spec.arrays.items()}
    settings = {"blocks": blocks, "output": stack.output, "output_size": None, "vocabulary": None}
    if stack.readout is not None:
        settings["output_size"] = int(stack.readout.w.shape[1])
        state |= {"readout.weight": np.array(stack.readout.w.T), "readout.bias": np.array(stack.readout.b)}
    if stack.embedding is not None:
        settings["vocabulary"] = len(stack.embedding)
        state["embedding.weight"] = np.array(stack.embedding)
    return settings, state
