"""Imports nets from PyTorch, Keras, Flax, Haiku and Equinox, exports nets to them, and wraps nets as Flax modules.

| library | import                            | export                    | file        |
|---------|-----------------------------------|---------------------------|-------------|
| PyTorch | `from_torch(module)`              | `to_torch(net, params)`   | `pytorch`   |
| Keras   | `from_keras(model)`               | `to_keras(net, params)`   | `keras`     |
| linen   | `from_linen(module, variables)`   | `to_linen(net, params)`   | `linen`     |
| nnx     | `from_nnx(module)`                | `to_nnx(net, params)`     | `nnx`       |
| Haiku   | `from_haiku(params)`              | `to_haiku(net, params)`   | `haiku`     |
| Equinox | `from_equinox(cells)`             | `to_equinox(net, params)` | `equinox`   |

A library's file describes its layers in one `Library`; what all files share is in `_library`, `_weights` and `_stack`.
A cell of its own enters an import or export by an entry in `_stack.KINDS` and one `Format` per library that has it.

Every `to_` function takes a net and its params. The net is a stack of recurrent layers. It may start with an embedding
or one-hot symbols and end with a readout. Dropout, noise and the random part of zoneout act only in training and are
left out. The function raises a ValueError that names the part for which the library has no layer, and an ImportError
if the library is not installed. `modules` wraps any cell or net for nnx.

All conversions between jaxrnn and other libraries belong here. No other room knows how those libraries store weights.
Names are loaded on first use, and a library is imported only when it is needed.
"""

from jaxrnn.lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
