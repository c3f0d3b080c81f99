"""Imports nets from PyTorch, Keras, Flax, Haiku and Equinox, exports nets to them, and wraps nets as Flax modules.

| library | import                            | export                  | modules             |
|---------|-----------------------------------|-------------------------|---------------------|
| PyTorch | `from_torch(module)`              | `to_torch(net, params)` | `pytorch`, `torch_weights`, `torch_model` |
| Keras   | `from_keras(model)`               | `to_keras(net, params)` | `keras`             |
| linen   | `from_linen(module, variables)`   | `to_linen(net, params)` | `linen`             |
| nnx     | `from_nnx(module)`                | `to_nnx(net, params)`   | `nnx`, `modules` for any net |
| Haiku   | `from_haiku(params)`              | `to_haiku(net, params)` | `haiku`             |
| Equinox | `from_equinox(cells)`             | `to_equinox(net, params)` | `equinox`         |

All conversions between jaxrnn and other libraries belong here. No other room knows how those libraries store weights.
Names are loaded on first use, and a library is imported only when it is needed.
"""

from jaxrnn.lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
