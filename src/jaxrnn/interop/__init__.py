"""Nets from PyTorch, Keras, Flax, Haiku and Equinox, and back; cells and nets as Flax modules; trained runs for others.

| tool    | a net of what is there            | what is there of a net | in                   |
|---------|-----------------------------------|------------------------|----------------------|
| PyTorch | `from_torch(module)`              | `to_torch(net, params)` | `pytorch`, `torch_weights`, `torch_model` |
| Keras   | `from_keras(model)`               | `to_keras(net, params)` | `keras`             |
| linen   | `from_linen(module, variables)`   | `to_linen(net, params)` | `linen`             |
| nnx     | `from_nnx(module)`                | `to_nnx(net, params)`   | `nnx`, `modules` for any net |
| Haiku   | `from_haiku(params)`              | `to_haiku(net, params)` | `haiku`             |
| Equinox | `from_equinox(cells)`             | `to_equinox(net, params)` | `equinox`         |

Whatever turns something of another library's into ours, or ours into theirs, belongs here; nothing else in the package
knows those libraries' layouts. Names are loaded when first used, and a library when it is needed.
"""

from jaxrnn.lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
