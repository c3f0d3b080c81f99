"""Nets of one to three layers, in one direction and in both, go to every library and come back: the same params, and
outputs and gradients that agree there and here, for sequences of several lengths."""

import adaptors
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxrnn import nets
from jaxrnn.cells import elman, gru, lstm, mgu

T, D, H, K = 6, 3, 4, 2
LENGTHS = np.array([6, 4, 1])
MASK = np.arange(T)[:, None] < LENGTHS
CELLS = {
    "elman": lambda: elman.cell(H),
    "relu": lambda: elman.cell(H, "relu"),
    "lstm": lambda: lstm.cell(H),
    "gru": lambda: gru.cell(H),
    "gru_before": lambda: gru.cell(H, "before"),
    "mgu": lambda: mgu.cell(H),
}
KINDS = {
    "torch": ["elman", "relu", "lstm", "gru"],
    "keras": ["elman", "relu", "lstm", "gru", "gru_before"],
    "linen": ["elman", "relu", "lstm", "gru", "mgu"],
    "nnx": ["elman", "relu", "lstm", "gru"],
    "haiku": ["relu", "lstm", "gru_before"],
    "equinox": ["lstm", "gru"],
}
PLAIN = ("linen", "nnx")  # Flax is installed with the package
CASES = [
    pytest.param(library, kind, layers, both, id=f"{library}-{kind}-{layers}{'-both' if both else ''}",
                 marks=[] if library in PLAIN and layers == 2 else
                 (pytest.mark.slow, pytest.mark.share(3)) if library in PLAIN else pytest.mark.oracle)
    for library, kinds in KINDS.items() for kind in kinds for layers in (1, 2, 3) for both in (False, True)
]  # fmt: skip


def drawn(kind, layers, both, dtype, readout=True):
    """(net, params, xs) whose weights are all drawn, biases too."""
    net = nets.rnn(CELLS[kind](), K, layers=layers, bidirectional="concat" if both else None, readout=readout)
    rng = np.random.default_rng(0)
    shapes = jax.eval_shape(lambda: net.init(jax.random.key(0), D))
    params = jax.tree.map(lambda a: jnp.asarray(0.5 * rng.normal(size=a.shape), dtype), shapes)
    return net, params, jnp.asarray(rng.normal(size=(T, len(LENGTHS), D)), dtype)


def held(library, kind, layers, both, dtype, tolerance):
    net, params, xs = drawn(kind, layers, both, dtype)
    ys, of_xs, of_params = adaptors.ours(net, params, xs, MASK)
    theirs = getattr(adaptors, library)(net, params, xs, MASK)
    assert np.asarray(theirs[0]).dtype == dtype
    valid = MASK[..., None]

    def close(a, b):
        scale = max(1.0, float(np.abs(b).max()))
        np.testing.assert_allclose(np.asarray(a) / scale, np.asarray(b) / scale, rtol=0, atol=tolerance)

    close(theirs[0] * valid, ys * valid)
    close(theirs[1], of_xs)
    assert jax.tree.structure(theirs[2]) == jax.tree.structure(of_params)
    jax.tree.map(close, theirs[2], of_params)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.sample(1, 3)
@pytest.mark.parametrize(("library", "kind", "layers", "both"), CASES)
def test_there_and_back_in_float64(library, kind, layers, both):
    held(library, kind, layers, both, np.float64, 1e-12)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.sample(1, 3)
@pytest.mark.parametrize(("library", "kind", "layers", "both"), [case for case in CASES if case.values[2] == 2])
def test_there_and_back_in_float32(library, kind, layers, both, x32):
    held(library, kind, layers, both, np.float32, 1e-6)
