"""Weights to and from PyTorch, Keras and Flax linen (`weights`), cells and nets as Flax modules (`modules`).

Whatever turns something of another library's into ours, or ours into theirs, belongs here; nothing else in the package
knows those libraries' layouts. The names are loaded when first used.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    [],
    {
        "weights": ["from_flax", "from_keras", "from_torch", "to_flax", "to_keras", "to_torch"],
        "modules": ["CellModule", "NetModule"],
    },
)
