"""Exports a trained network to files of another library, with the lines of Python that load them without jaxrnn."""

import json
import shutil
from importlib.metadata import version
from pathlib import Path

import jax
import numpy as np

from jaxrnn import atomic
from jaxrnn.errors import ConfigError
from jaxrnn.interop import _stack
from jaxrnn.types import Net, Params
from jaxrnn.unroll import scan

FORMATS = ("torch", "keras", "flax", "stablehlo", "safetensors")
LIBRARIES = {"torch": "torch", "keras": "keras", "flax": "flax", "stablehlo": "flatbuffers"}


def export(net: Net, params: Params, input_size: int, to: str, folder: str | Path) -> str:
    """Writes a network as files of another library.

    | to          | files                           | loads with                  | which nets                  |
    |-------------|---------------------------------|-----------------------------|-----------------------------|
    | torch       | model.pt, torch_model.py        | PyTorch                     | nets for `to_torch`         |
    | keras       | model.keras                     | Keras                       | nets for `to_keras`         |
    | flax        | model.msgpack, flax_model.py    | Flax linen                  | nets for `to_linen`         |
    | stablehlo   | model.stablehlo                 | JAX, for CPU, GPU and TPU   | all with one input sequence |
    | safetensors | model.safetensors               | safetensors, arrays by name | all                         |

    Args:
      net: a `Net`.
      params: its params.
      input_size: number of input features (D).
      to: one of the formats in the table.
      folder: the folder for the files. It is created if it does not exist.

    Returns:
      The lines of Python that load the network. They are also written to `LOAD.txt` in the folder.

    Raises:
      ConfigError: if the format is unknown, the library has no layers for the net, or the library is not installed.
    """
    if to not in FORMATS:
        raise ConfigError(f"to={to}: unknown format; there are {', '.join(FORMATS)}")
    folder = Path(folder)
    write = {"torch": _torch, "keras": _keras, "flax": _flax, "stablehlo": _stablehlo, "safetensors": _safetensors}[to]
    try:
        lines = write(net, params, input_size, folder)
    except ImportError as error:
        library = LIBRARIES.get(to)
        if to == "keras" and "tensorflow" in str(error):
            raise ConfigError("to=keras: Keras finds no backend; set KERAS_BACKEND=jax in the environment") from error
        if library is None or library not in str(error):
            raise
        raise ConfigError(f"to={to}: {library} is not installed; run pip install {library}") from error
    except ValueError as error:
        hint = "" if to == "stablehlo" else "; to=stablehlo accepts any network with one input sequence"
        raise ConfigError(f"to={to}: {error}{hint}") from error
    text = "\n".join(lines)
    atomic.write(folder / "LOAD.txt", text + "\n")
    return text


def _torch(net, params, input_size, folder):
    import torch

    from jaxrnn.interop import torch_model, torch_weights

    settings, state = torch_weights.settings(_stack.stack(net, params, "PyTorch"))
    outputs = "T, B" if settings["output"] == "every" else "1, B"
    folder.mkdir(parents=True, exist_ok=True)
    content = {"settings": settings, "state": {name: torch.tensor(value) for name, value in state.items()}}
    with atomic.aside(folder / "model.pt") as temporary:
        torch.save(content, temporary)
    shutil.copyfile(torch_model.__file__, folder / "torch_model.py")
    return [
        "import torch",
        "from torch_model import Recurrent  # torch_model.py is in the same folder as model.pt",
        'model = Recurrent.load(**torch.load("model.pt"))',
        f"ys = model(xs)  # {_shapes(settings['vocabulary'], 'T, B', outputs)}",
    ]


def _keras(net, params, input_size, folder):
    from jaxrnn.interop.keras import model

    stack = _stack.stack(net, params, "Keras")
    exported = model(stack)
    folder.mkdir(parents=True, exist_ok=True)
    with atomic.aside(folder / "model.keras") as temporary:
        exported.save(temporary)
    return [
        "import keras",
        'model = keras.models.load_model("model.keras")',
        f"ys = model(xs)  # {_shapes(stack.embedding, 'B, T', 'B' if stack.output != 'every' else 'B, T')}",
    ]


def _flax(net, params, input_size, folder):
    from flax.serialization import msgpack_serialize

    from jaxrnn.interop import linen

    stack = _stack.stack(net, params, "linen")
    _, variables = linen.module(stack)
    folder.mkdir(parents=True, exist_ok=True)
    atomic.write(folder / "model.msgpack", msgpack_serialize(jax.tree.map(np.asarray, variables)))
    atomic.write(folder / "flax_model.py", linen.source(stack))
    return [
        "from flax_model import model, variables  # flax_model.py is in the same folder as model.msgpack",
        f"ys = model.apply(variables, xs)  # {_shapes(stack.embedding, 'B, T', 'B, T')}",
    ]


def _shapes(vocabulary, axes, axes_out):
    inputs = f"xs [{axes}], indices of symbols" if vocabulary is not None else f"xs [{axes}, D]"
    return f"{inputs} -> ys [{axes_out}, K]"


def _stablehlo(net, params, input_size, folder):
    if net.decoding is not None:
        raise ConfigError(
            "to=stablehlo: this network reads pairs of sequences; use to=safetensors, which writes its arrays"
        )
    dtype = np.dtype(jax.tree.leaves(params)[0].dtype)
    net = net.with_unroll(scan.unroll())
    steps, rows = jax.export.symbolic_shape("T, B")

    def run(xs):
        return net.apply(params, net.initial(params, xs.shape[1:2]), xs)[1]

    platforms = ("cpu", "cuda", "tpu")
    exported = jax.export.export(jax.jit(run), platforms=platforms)(
        jax.ShapeDtypeStruct((steps, rows, input_size), dtype)
    )
    folder.mkdir(parents=True, exist_ok=True)
    atomic.write(folder / "model.stablehlo", bytes(exported.serialize()))
    return [
        "import jax.export",
        'model = jax.export.deserialize(bytearray(open("model.stablehlo", "rb").read()))',
        f"ys = model.call(xs)  # xs [T, B, {input_size}] of {dtype} -> ys [T, B, K]",
    ]


def _safetensors(net, params, input_size, folder):
    from safetensors.numpy import save

    leaves = jax.tree_util.tree_leaves_with_path(
        params if net.explicit_weights is None else net.explicit_weights.weights(params)
    )
    arrays = {jax.tree_util.keystr(path, simple=True, separator="."): np.asarray(leaf) for path, leaf in leaves}
    metadata = {"jaxrnn": version("jaxrnn"), "names": json.dumps({name: list(a.shape) for name, a in arrays.items()})}
    folder.mkdir(parents=True, exist_ok=True)
    atomic.write(folder / "model.safetensors", save(arrays, metadata))
    return [
        "from safetensors.numpy import load_file",
        'arrays = load_file("model.safetensors")  # weights [in, out]; columns: gates i f g o or r z n',
    ]
