"""Exports a trained network to files of another library, with the lines of Python that load them without jaxrnn."""

import io
import json
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jaxrnn import atomic
from jaxrnn.errors import ConfigError
from jaxrnn.interop.keras import to_keras
from jaxrnn.interop.pytorch import to_torch
from jaxrnn.types import Net, Params
from jaxrnn.unroll import scan

LIBRARIES = {"torch": "torch", "keras": "keras", "flax": "flax", "stablehlo": "flatbuffers"}  # that a format requires


def export(net: Net, params: Params, input_size: int, to: str, folder: str | Path, keep_unroll: bool = False) -> str:
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
      keep_unroll: whether to=stablehlo exports the net with its own unroll. By default it exports `scan`, which runs on
        every device. The other formats contain no unroll.

    Returns:
      The lines of Python that load the network. They are also written to `LOAD.txt` in the folder.

    Raises:
      ConfigError: if the format is unknown, the library has no layers for the net, or the library is not installed.
    """
    if to not in FORMATS:
        raise ConfigError(f"to={to}: unknown format; there are {', '.join(FORMATS)}")
    if to == "stablehlo" and not keep_unroll:
        net = net.with_unroll(scan.unroll())
    files, lines = _converted(net, params, input_size, to)
    text = "\n".join(lines)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in (files | {"LOAD.txt": text + "\n"}).items():
        atomic.write(folder / name, content)
    return text


def _converted(net, params, input_size, to):
    """Returns ({file name: content}, lines of Python that load the files)."""
    try:
        return FORMATS[to](net, params, input_size)
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


def _torch(net, params, input_size):
    import torch

    from jaxrnn.interop import torch_model

    model, content = to_torch(net, params), io.BytesIO()
    torch.save({"settings": model.settings, "state": dict(model.state_dict())}, content)
    files = {"model.pt": content.getvalue(), "torch_model.py": Path(torch_model.__file__).read_bytes()}
    outputs = "T, B" if model.output == "all" else "1, B"
    return files, [
        "import torch",
        "from torch_model import Recurrent  # torch_model.py is in the same folder as model.pt",
        'model = Recurrent.load(**torch.load("model.pt"))',
        f"ys = model(xs)  # {_shapes(model.embedding is not None, 'T, B', outputs)}",
    ]


def _keras(net, params, input_size):
    model = to_keras(net, params)
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary, "model.keras")
        model.save(path)
        files = {path.name: path.read_bytes()}
    is_symbols, outputs = len(model.input_shape) == 2, "B, T" if len(model.output_shape) == 3 else "B"
    return files, [
        "import keras",
        'model = keras.models.load_model("model.keras")',
        f"ys = model(xs)  # {_shapes(is_symbols, 'B, T', outputs)}",
    ]


def _flax(net, params, input_size):
    from flax.serialization import msgpack_serialize

    from jaxrnn.interop import linen

    _, variables = linen.to_linen(net, params)
    content = msgpack_serialize(jax.tree.map(np.asarray, variables))
    is_symbols = "embedding" in variables["params"]["layers_0"]
    return {"model.msgpack": content, "flax_model.py": linen.source_of(net, params)}, [
        "from flax_model import model, variables  # flax_model.py is in the same folder as model.msgpack",
        f"ys = model.apply(variables, xs)  # {_shapes(is_symbols, 'B, T', 'B, T')}",
    ]


def _shapes(is_symbols, axes, axes_out):
    inputs = f"xs [{axes}], indices of symbols" if is_symbols else f"xs [{axes}, D]"
    return f"{inputs} -> ys [{axes_out}, K]"


def _stablehlo(net, params, input_size):
    if net.decoding is not None:
        raise ConfigError(
            "to=stablehlo: this network reads pairs of sequences; use to=safetensors, which writes its arrays"
        )
    dtype = np.dtype(jax.tree.leaves(params)[0].dtype)
    steps, rows = jax.export.symbolic_shape("T, B")

    def run(xs):
        return net.apply(params, net.initial(params, xs.shape[1:2]), xs)[1]

    shape = jax.ShapeDtypeStruct((steps, rows, input_size), dtype)
    try:
        exported = jax.export.export(jax.jit(run), platforms=("cpu", "cuda", "tpu"))(shape)
    except Exception as error:  # an unroll of the user may raise anything
        reason = " ".join(str(error).split())[:200]
        raise ValueError(
            f"the network must accept any number of steps and sequences; an unroll of your own may not ({reason})"
        ) from error
    return {"model.stablehlo": bytes(exported.serialize())}, [
        "import jax.export",
        'model = jax.export.deserialize(bytearray(open("model.stablehlo", "rb").read()))',
        f"ys = model.call(xs)  # xs [T, B, {input_size}] of {dtype} -> ys [T, B, K]",
    ]


def _safetensors(net, params, input_size):
    from safetensors.numpy import save

    leaves = jax.tree_util.tree_leaves_with_path(
        params if net.explicit_weights is None else net.explicit_weights.weights(params)
    )
    arrays = {jax.tree_util.keystr(path, simple=True, separator="."): np.asarray(leaf) for path, leaf in leaves}
    metadata = {"jaxrnn": version("jaxrnn"), "names": json.dumps({name: list(a.shape) for name, a in arrays.items()})}
    return {"model.safetensors": save(arrays, metadata)}, [
        "from safetensors.numpy import load_file",
        'arrays = load_file("model.safetensors")  # weights [in, out]; columns: gates i f g o or r z n',
    ]


FORMATS: dict[str, Callable[[Net, Params, int], Any]] = {
    "torch": _torch,
    "keras": _keras,
    "flax": _flax,
    "stablehlo": _stablehlo,
    "safetensors": _safetensors,
}
