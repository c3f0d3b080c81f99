"""Outputs and gradients (weights, inputs, initial carry) equal PyTorch's, Keras's and Flax linen's."""

from pathlib import Path

import frameworks
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxrnn import interop, nets
from jaxrnn.cells import elman, gru, lstm
from jaxrnn.unroll.scan import scan

MAKERS = {
    "elman": elman.cell,
    "lstm": lstm.cell,
    "gru": gru.cell,
    "gru_before": lambda size: gru.cell(size, reset="before"),
}
CARRIES = {"elman": elman.ElmanCarry, "lstm": lstm.LSTMCarry, "gru": gru.GRUCarry, "gru_before": gru.GRUCarry}
GOLDENS = Path(__file__).parent / "goldens" / "frameworks.npz"


def carry_of(kind, states):
    """A cell's carry from a framework's states: h, or h and c."""
    states = [jnp.asarray(s) for s in states]
    return CARRIES[kind](c=states[1], h=states[0]) if kind == "lstm" else CARRIES[kind](states[0])


def states_of(kind, carry):
    return [carry.h, carry.c] if kind == "lstm" else [carry.h]


def group(framework, prefix):
    return {name.partition("/")[2]: a for name, a in framework.items() if name.startswith(f"{prefix}/")}


def assert_close(got, expected):
    np.testing.assert_allclose(got, expected, rtol=1e-10, atol=1e-10)


def compare_torch(kind, form, framework):
    layers = 2 if form in ("stacked", "both") else 1
    both_ways = form in ("bidirectional", "both")
    cell = MAKERS[kind](frameworks.H)
    layer = nets.recurrent(cell)
    if both_ways:
        layer = nets.bidirectional(layer, nets.recurrent(cell, reverse=True))
    net = nets.serial(*[layer] * layers)
    weights = group(framework, "weight")

    def read(tensors, of):
        def place(number):
            if not both_ways:
                return of(tensors, number, False)
            return nets.BidirectionalParams(of(tensors, number, False), of(tensors, number, True))

        return tuple(place(number) for number in range(layers))

    def carry(states, number, reverse):
        at = number * (2 if both_ways else 1) + reverse
        return carry_of(kind, [states[str(i)][at] for i in range(len(states))])

    params = read(weights, interop.from_torch)
    first = read(group(framework, "carry"), carry)
    mask = jnp.arange(frameworks.T)[:, None] < frameworks.LENGTHS if form in ("lengths", "both") else None
    values, _ = frameworks.inputs()

    def loss(params, xs, first):
        last, ys = net.apply(params, first, xs, mask=mask)
        total = jnp.sum(frameworks.cosines(ys.shape) * ys) + sum(jnp.sum(a**2) for a in jax.tree.leaves(last))
        return total, (last, ys)

    grads, (last, ys) = jax.grad(loss, (0, 1, 2), has_aux=True)(params, jnp.asarray(values), first)
    assert_close(ys, framework["ys"])
    assert_close(grads[1], framework["xs_grad"])
    jax.tree.map(assert_close, last, read(group(framework, "last"), carry))
    jax.tree.map(assert_close, grads[2], read(group(framework, "carry_grad"), carry))
    # Each of PyTorch's two biases has the gradient of our one; so does the recurrent one of the candidate gate.
    of_torch = group(framework, "grad")
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
            written = interop.to_torch(part, number, reverse)
            assert {k: v.shape for k, v in written.items()} == {k: weights[k].shape for k in written}


def compare_keras(kind, form, framework):
    cell = MAKERS[kind](frameworks.H)
    weights = [a for _, a in sorted(group(framework, "weight").items(), key=lambda item: int(item[0]))]
    states = [framework[f"carry/{i}"] for i in range(len(group(framework, "carry")))]
    half = len(states) // 2
    if form == "bidirectional":
        net = nets.bidirectional(nets.recurrent(cell), nets.recurrent(cell, reverse=True))
        params = nets.BidirectionalParams(interop.from_keras(weights[:3]), interop.from_keras(weights[3:]))
        first = nets.BidirectionalParams(carry_of(kind, states[:half]), carry_of(kind, states[half:]))
    else:
        net = nets.recurrent(cell, reverse=form == "reverse")
        params, first = interop.from_keras(weights), carry_of(kind, states)
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

    def flat(carry):
        parts = carry if form == "bidirectional" else [carry]
        return [state for part in parts for state in states_of(kind, part)]

    assert_close(ys, framework["ys"])
    assert_close(grads[1], framework["xs_grad"])
    for i, (end, of_first) in enumerate(zip(flat(last), flat(grads[2]), strict=True)):
        assert_close(end, framework[f"last/{i}"])
        assert_close(of_first, framework[f"carry_grad/{i}"])
    parts = grads[0] if form == "bidirectional" else [grads[0]]
    written = [w for part in parts for w in interop.to_keras(part)]
    for i, w in enumerate(written):
        expected = framework[f"grad/{i}"]
        if expected.ndim == 2 and expected.shape[0] == 2 and i % 3 == 2:  # the GRU's two rows of biases
            expected = np.stack([expected[0], np.where(np.arange(3 * frameworks.H) < 2 * frameworks.H, 0, expected[1])])
        assert_close(w, expected)


def compare(case, framework):
    name, kind, form = case.split("-")
    (compare_torch if name == "torch" else compare_keras)(kind, form, framework)


@pytest.mark.parametrize("case", frameworks.GOLDEN_CASES)
def test_goldens(case):
    with np.load(GOLDENS) as file:
        compare(case, {name.partition("/")[2]: file[name] for name in file.files if name.startswith(f"{case}/")})


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("case", [*frameworks.TORCH_CASES, *frameworks.KERAS_CASES])
def test_frameworks_themselves(case):
    compare(case, frameworks.run(case))


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", frameworks.KINDS)
def test_linen_in_float32(kind, x32):
    """Flax linen, a run with lengths; outputs before the end, the last carry, and the gradients."""
    from flax import linen

    module = {"elman": linen.SimpleCell, "lstm": linen.OptimizedLSTMCell, "gru": linen.GRUCell}[kind]
    layer = linen.RNN(module(frameworks.H), time_major=True, return_carry=True)
    values = jnp.asarray(frameworks.inputs()[0], jnp.float32)
    lengths = jnp.asarray(frameworks.LENGTHS)
    variables = layer.init(jax.random.key(0), values)
    theirs = variables["params"]["cell"]
    mask = jnp.arange(frameworks.T)[:, None] < lengths
    cell = MAKERS[kind](frameworks.H)

    def their_loss(parts, xs):
        carry, ys = layer.apply({"params": {"cell": parts}}, xs, seq_lengths=lengths)
        return jnp.sum((ys * mask[..., None]) ** 2), (carry, ys * mask[..., None])

    def our_loss(params, xs):
        carry, ys = scan(cell, params, cell.initial(params, (frameworks.B,)), xs, mask=mask)
        return jnp.sum(ys**2), (carry, ys)

    params = jax.tree.map(jnp.asarray, interop.from_flax(theirs))
    (their_params, their_xs), (their_carry, their_ys) = jax.grad(their_loss, (0, 1), has_aux=True)(theirs, values)
    (our_params, our_xs), (our_carry, our_ys) = jax.grad(our_loss, (0, 1), has_aux=True)(params, values)
    close = lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)  # noqa: E731
    close(our_ys, their_ys)
    close(our_xs, their_xs)
    jax.tree.map(close, list(our_carry), jax.tree.leaves(their_carry))
    jax.tree.map(close, interop.to_flax(our_params), dict(their_params))


def test_round_trips():
    for kind in ("elman", "lstm", "gru"):
        params = MAKERS[kind](frameworks.H).init(jax.random.key(0), frameworks.D)
        for there, back in (
            (interop.to_torch, interop.from_torch),
            (interop.to_keras, interop.from_keras),
            (interop.to_flax, interop.from_flax),
        ):
            jax.tree.map(np.testing.assert_array_equal, back(there(params)), params)
    before = MAKERS["gru_before"](frameworks.H).init(jax.random.key(0), frameworks.D)
    jax.tree.map(np.testing.assert_array_equal, interop.from_keras(interop.to_keras(before)), before)
    for write in (interop.to_torch, interop.to_flax):
        with pytest.raises(ValueError, match="no GRU that resets before"):
            write(before)
    with pytest.raises(ValueError, match="belong to no simple RNN"):
        interop.from_keras([np.ones((2, 8)), np.ones((4, 8)), np.ones(8)])
    with pytest.raises(ValueError, match="has the parts x"):
        interop.from_flax({"x": {}})
