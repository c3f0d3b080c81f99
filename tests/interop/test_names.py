"""State dicts and params by name: numbers in names decide the order, and what names leave open is refused by name."""

import numpy as np
import pytest
from flax import linen

from jaxrnn import interop
from jaxrnn.interop._names import in_order

RNG = np.random.default_rng(0)
GATES = {"RNN": 1, "LSTM": 4, "GRU": 3}


def layer(kind, inputs, size, suffix, bias=True):
    rows = GATES[kind] * size
    arrays = {
        f"weight_ih{suffix}": RNG.normal(size=(rows, inputs)),
        f"weight_hh{suffix}": RNG.normal(size=(rows, size)),
    }
    return arrays | ({f"bias_{side}{suffix}": RNG.normal(size=rows) for side in ("ih", "hh")} if bias else {})


def stacked(kind="LSTM", layers=12, size=4):
    return {name: a for n in range(layers) for name, a in layer(kind, size, size, f"_l{n}").items()}


def applied(state, xs):
    net, params = interop.from_torch(state)
    return np.asarray(net.apply(params, net.initial(params, xs.shape[1:2]), xs)[1])


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["lstm_10", "lstm_2", "lstm"], ["lstm", "lstm_2", "lstm_10"]),
        (["a.10.rnn", "a.9.rnn"], ["a.9.rnn", "a.10.rnn"]),
        (["mine_1/lstm", "mine/lstm_1", "mine/lstm"], ["mine/lstm", "mine/lstm_1", "mine_1/lstm"]),
        (["RNN_10", "RNN_9"], ["RNN_9", "RNN_10"]),
        (["encoder", "decoder"], None),
        (["lstm1", "lstm_1"], None),
        (["lstm", "gru_1"], None),
    ],
)
def test_numbers_decide_the_order_of_names(names, expected):
    assert in_order(names) == in_order(names[::-1]) == expected


@pytest.mark.parametrize("kind", GATES)
@pytest.mark.parametrize("place", ["", "layers.{}."])
@pytest.mark.sample(1, 3)
def test_the_number_of_a_layer_decides_and_not_the_order_of_the_dict(kind, place):
    """Twelve layers, of one module or of a module each: by name l10 comes before l2."""
    state = {}
    for n in range(12):
        own = layer(kind, 4, 4, f"_l{0 if place else n}")
        state |= {place.format(n) + name: a for name, a in own.items()}
    xs = RNG.normal(size=(3, 2, 4))
    expected = applied(state, xs)
    for order in (reversed(state), sorted(state), sorted(state, key=lambda name: name[::-1])):
        np.testing.assert_array_equal(applied({name: state[name] for name in order}, xs), expected)
    _, params = interop.from_torch(dict(reversed(state.items())))
    for n, part in enumerate(params):
        np.testing.assert_array_equal(part.w_h.T, state[f"{place.format(n)}weight_hh_l{0 if place else n}"])


@pytest.mark.parametrize(("embedding", "readout"), [
    ("embedding", "readout"), ("encoder.embed", "decoder"), ("0", "2"), ("word_embeddings", "x"), ("x", "lm_head"),
])  # fmt: skip
def test_an_embedding_and_a_linear_of_one_shape_are_told_apart_by_their_names(embedding, readout):
    first, last = RNG.normal(size=(7, 4)), RNG.normal(size=(7, 4))
    prefix = "1." if embedding == "0" else ""
    layers = {prefix + name: a for name, a in layer("GRU", 4, 4, "_l0").items()}
    state = {f"{embedding}.weight": first} | layers | {f"{readout}.weight": last}
    for order in (state, reversed(state), sorted(state)):
        _, params = interop.from_torch({name: state[name] for name in order})
        np.testing.assert_array_equal(params[0].w, first)
        np.testing.assert_array_equal(params[-1].w, last.T)


def removed(state, *names):
    return {name: a for name, a in state.items() if name not in names}


def renamed(state, old, *new):
    return removed(state, old) | {name: state[old] for name in new}


TWO, BOTH = stacked(layers=2), stacked(layers=2) | layer("LSTM", 4, 4, "_l1_reverse")
HEAD = {"readout.weight": RNG.normal(size=(2, 4)), "readout.bias": np.zeros(2)}
SQUARE = {"a.weight": np.eye(4), "b.weight": np.eye(4)}


@pytest.mark.parametrize(
    ("state", "told"),
    [
        (removed(TWO, "bias_ih_l0"), "bias_ih_l0 is missing"),
        (removed(TWO, "bias_ih_l0", "bias_hh_l0"), "bias_ih_l0 is missing"),
        (removed(TWO, "weight_hh_l1"), "weight_hh_l1 is missing"),
        (removed(TWO, "weight_ih_l0"), "weight_ih_l0 is missing"),
        (removed(TWO, *[name for name in TWO if name.endswith("l0")]), "weight_ih_l0 is missing"),
        (BOTH, "weight_ih_l0_reverse is missing"),
        (renamed(TWO, "weight_hh_l0", "weight_hh_l0_g", "weight_hh_l0_v"), "weight_hh_l0_g is a part of a repara"),
        (
            renamed(TWO, "weight_hh_l0", *(f"parametrizations.weight_hh_l0.original{n}" for n in (0, 1))),
            r"parametrizations\.weight_hh_l0\.original0 is a part of a repara",
        ),
        (renamed(TWO, "weight_ih_l1", "weight_ih_l1_orig", "weight_ih_l1_mask"), "weight_ih_l1_mask is a part"),
        (renamed(TWO | HEAD, "readout.weight", "readout.weight_g", "readout.weight_v"), r"readout\.weight_g is a part"),
        (removed(TWO | HEAD, "readout.weight"), r"unexpected names in the state_dict: readout\.bias"),
        (TWO | HEAD | {"steps": np.zeros(())}, "unexpected names in the state_dict: steps"),
        (TWO | {"norm.weight": np.ones(4)}, r"norm\.weight of shape \(4,\)"),
        (TWO | HEAD | {"second.weight": np.eye(3)}, r"second\.weight of shape \(3, 3\)"),
        (TWO | SQUARE, r"a\.weight \(4, 4\) and b\.weight \(4, 4\) may each be"),
        (TWO | {"a.weight": np.eye(4)}, r"a\.weight \(4, 4\) may each be an embedding or a readout"),
        (
            {f"{word}.{name}": a for word in ("encoder", "decoder") for name, a in stacked(layers=1).items()},
            r"do not define the order of decoder\., encoder\.",
        ),
        (TWO | {"weight_hh_l1": np.zeros((16, 5))}, r"weight_hh_l1 of shape \(16, 5\)"),
        (TWO | {"bias_hh_l1": np.zeros(4)}, r"bias_hh_l1 has the shape \(4,\): expected \(16,\) to fit weight_hh_l1"),
        (TWO | layer("LSTM", 5, 4, "_l1"), "recurrent layer 2 takes 5 inputs"),
        ({"1.weight": np.eye(4)} | {f"{n}.{k}": a for n in (0, 2) for k, a in stacked(layers=1).items()}, r"1\.weight"),
    ],
)
def test_what_names_do_not_say_is_refused_in_one_line_that_names_them(state, told):
    for order in (state, dict(reversed(state.items()))):
        with pytest.raises(ValueError, match=told) as error:
            interop.from_torch(order)
        assert "\n" not in str(error.value)


class Text:
    shape = (16, 4)


@pytest.mark.parametrize(
    ("read", "source", "told"),
    [
        (interop.from_torch, TWO | {"weight_hh_l0": "text"}, "weight_hh_l0 of shape"),
        (interop.from_torch, TWO | {"weight_hh_l0": Text()}, "weight_hh_l0: expected an array of numbers"),
        (interop.from_torch, TWO | {"weight_hh_l0": None}, "weight_hh_l0 of shape"),
        (interop.from_torch, TWO | {"weight_hh_l0": np.zeros((0, 0))}, r"weight_hh_l0 of shape \(0, 0\)"),
        (interop.from_torch, TWO | {"weight_ih_l0": np.zeros(16)}, "weight_ih_l0 is missing or has no rows"),
        (interop.from_torch, TWO | {f"weight_hh_l{10**30}": np.zeros((16, 4))}, "weight_ih_l2 is missing"),
        (interop.from_torch, {1: np.zeros(3)}, "names"),
        (interop.from_haiku, {"lstm": 3}, "expected the params of a Haiku function"),
        (interop.from_haiku, {"gru": {"w_i": np.zeros(3), "w_h": np.zeros(4), "b": np.zeros(2)}}, "columns"),
        (interop.from_haiku, {"gru": {"w_i": "a", "w_h": "b", "b": "c"}}, "w_i: expected an array of numbers"),
        (interop.from_haiku, {"gru": {"w_i": np.eye(3), "w_h": np.eye(3), "b": np.zeros(9)}}, "w_h has the shape"),
        (interop.from_haiku, {"a/linear": {"w": np.zeros((2, 3, 4)), "b": np.zeros(4)}}, "no LSTM, GRU or VanillaRNN"),
        (interop.from_equinox, [()], "unexpected tuple of 0"),
    ],
)
def test_damaged_params_are_refused_in_one_line(read, source, told):
    with pytest.raises(ValueError, match=told) as error:
        read(source)
    assert "\n" not in str(error.value)


def test_damaged_models_of_flax_are_refused():
    endless = []
    endless.append(endless)
    with pytest.raises(ValueError, match="nested too deeply"):
        interop.from_nnx(endless)
    cell = linen.GRUCell(4)
    for variables in (None, "text", [1]):
        with pytest.raises(ValueError, match="expected the variables of each module, a dict"):
            interop.from_linen(cell if variables is None else [cell], variables)
    with pytest.raises(ValueError, match="expected variables for 2 modules, found 1"):
        interop.from_linen([cell, cell], [{}])
    with pytest.raises(ValueError, match=r"from_linen: i\{gate\}/kernel is missing"):
        interop.from_linen(cell, {"params": {}})
