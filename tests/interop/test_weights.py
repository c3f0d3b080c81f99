"""Outputs and gradients (weights, inputs, initial carry) equal PyTorch's and Keras's."""

from pathlib import Path
from types import SimpleNamespace

import frameworks
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxrnn import interop, nets
from jaxrnn.cells import elman, gru, lstm
from jaxrnn.interop import keras, pytorch
from jaxrnn.interop._library import part_of, specs_of
from jaxrnn.interop._stack import Layer

MAKERS = {
    "elman": elman.cell,
    "lstm": lstm.cell,
    "gru": gru.cell,
    "gru_before": lambda size: gru.cell(size, reset="before"),
}
GOLDENS = Path(__file__).parent / "goldens" / "frameworks.npz"


def group(framework, prefix):
    return {name.partition("/")[2]: a for name, a in framework.items() if name.startswith(f"{prefix}/")}


def assert_close(got, expected):
    np.testing.assert_allclose(got, expected, rtol=1e-10, atol=1e-10)


def compare_torch(kind, form, framework):
    layers = 2 if form in ("stacked", "both") else 1
    both_ways = form in ("bidirectional", "both")
    net, params = interop.from_torch(group(framework, "weight"))

    def carry(name):
        states = [a for _, a in sorted(group(framework, name).items())]
        return interop.carry_from_torch(net, params, states if kind == "lstm" else states[0])

    first = carry("carry")
    mask = jnp.arange(frameworks.T)[:, None] < frameworks.LENGTHS if form in ("lengths", "both") else None
    values, _ = frameworks.inputs()

    def loss(params, xs, first):
        last, ys = net.apply(params, first, xs, mask=mask)
        total = jnp.sum(frameworks.cosines(ys.shape) * ys) + sum(jnp.sum(a**2) for a in jax.tree.leaves(last))
        return total, (last, ys)

    grads, (last, ys) = jax.grad(loss, (0, 1, 2), has_aux=True)(params, jnp.asarray(values), first)
    assert_close(ys, framework["ys"])
    assert_close(grads[1], framework["xs_grad"])
    jax.tree.map(assert_close, last, carry("last"))
    jax.tree.map(assert_close, grads[2], carry("carry_grad"))
    written = interop.carry_to_torch(last)
    assert_close(written[0] if kind == "lstm" else written, framework["last/0"])
    # Each of PyTorch's two biases has the gradient of our one; so does the recurrent one of the candidate gate.
    of_torch, weights = group(framework, "grad"), group(framework, "weight")
    for number in range(layers):
        for reverse in (False, True)[: 1 + both_ways]:
            part = grads[0][number]
            part = part[int(reverse)] if both_ways else part
            suffix = f"l{number}_reverse" if reverse else f"l{number}"
            assert_close(part.w_x.T, of_torch[f"weight_ih_{suffix}"])
            assert_close(part.w_h.T, of_torch[f"weight_hh_{suffix}"])
            assert_close(part.b, of_torch[f"bias_ih_{suffix}"])
            if kind == "gru":
                assert_close(part.b_hn, of_torch[f"bias_hh_{suffix}"][2 * frameworks.H :])
            written = specs_of(pytorch.LIBRARY, Layer(part))[0].arrays
            assert {k: v.shape for k, v in written.items()} == {k: weights[f"{k}_{suffix}"].shape for k in written}


KERAS = {"elman": "SimpleRNN", "lstm": "LSTM", "gru": "GRU", "gru_before": "GRU with reset_after=False"}


def keras_params(kind, weights):
    arrays = keras.arrays_of_weights(SimpleNamespace(get_weights=lambda: weights))
    return part_of(keras.LIBRARY, KERAS[kind], arrays).value[0].forward


def compare_keras(kind, form, framework):
    cell = MAKERS[kind](frameworks.H)
    weights = [a for _, a in sorted(group(framework, "weight").items(), key=lambda item: int(item[0]))]
    states = [framework[f"carry/{i}"] for i in range(len(group(framework, "carry")))]
    if form == "bidirectional":
        net = nets.bidirectional(nets.recurrent(cell), nets.recurrent(cell, reverse=True))
        params = nets.BidirectionalParams(keras_params(kind, weights[:3]), keras_params(kind, weights[3:]))
    else:
        net, params = nets.recurrent(cell, reverse=form == "reverse"), keras_params(kind, weights)
    first = interop.carry_from_keras(net, params, states)
    mask = None
    if form == "mask":
        mask = (np.arange(frameworks.T)[:, None] < frameworks.LENGTHS).copy()
        mask[2] = [True, False, False]
    values, _ = frameworks.inputs()

    def loss(params, xs, first):
        last, ys = net.apply(params, first, xs, mask=None if mask is None else jnp.asarray(mask))
        total = jnp.sum(frameworks.cosines(ys.shape) * ys) + sum(jnp.sum(a**2) for a in jax.tree.leaves(last))
        return total, (last, ys)

    params, first = jax.tree.map(jnp.asarray, (params, first))
    grads, (last, ys) = jax.grad(loss, (0, 1, 2), has_aux=True)(params, jnp.asarray(values), first)

    assert_close(ys, framework["ys"])
    assert_close(grads[1], framework["xs_grad"])
    for i, (end, of_first) in enumerate(zip(*map(interop.carry_to_keras, (last, grads[2])), strict=True)):
        assert_close(end, framework[f"last/{i}"])
        assert_close(of_first, framework[f"carry_grad/{i}"])
    parts = grads[0] if form == "bidirectional" else [grads[0]]
    specs = [specs_of(keras.LIBRARY, Layer(part))[0] for part in parts]
    written = [w for spec in specs for w in keras.weights_of_arrays(spec.arrays)]
    for i, w in enumerate(written):
        expected = framework[f"grad/{i}"]
        if expected.ndim == 2 and expected.shape[0] == 2 and i % 3 == 2:  # the GRU's two rows of biases
            expected = np.stack([expected[0], np.where(np.arange(3 * frameworks.H) < 2 * frameworks.H, 0, expected[1])])
        assert_close(w, expected)


def compare(case, framework):
    name, kind, form = case.split("-")
    (compare_torch if name == "torch" else compare_keras)(kind, form, framework)


@pytest.mark.parametrize("case", frameworks.GOLDEN_CASES)
@pytest.mark.sample(2, 3)
def test_goldens(case):
    with np.load(GOLDENS) as file:
        compare(case, {name.partition("/")[2]: file[name] for name in file.files if name.startswith(f"{case}/")})


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("case", [*frameworks.TORCH_CASES, *frameworks.KERAS_CASES])
def test_frameworks_themselves(case):
    compare(case, frameworks.run(case))
