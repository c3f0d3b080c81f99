"""Cells against the equations of their papers in NumPy, over several steps in float64."""

import importlib
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxrnn.cells
from jaxrnn.lazy import entries
from jaxrnn.unroll import cell_derivatives
from jaxrnn.unroll.cell_derivatives import with_written_derivative
from jaxrnn.unroll.scan import scan

T, B, D, H = 7, 3, 2, 4


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def relu(a):
    return np.maximum(a, 0)


def norm(a, gain, epsilon=1e-5):
    return gain * (a - a.mean(-1, keepdims=True)) / np.sqrt(a.var(-1, keepdims=True) + epsilon)


def split(a, parts):
    return np.split(a, parts, axis=-1)


def perceptron(p, x, h):
    return np.tanh(x @ p.w_x + p.b), ()


def elman(p, x, h, phi=np.tanh):
    return phi(x @ p.w_x + h @ p.w_h + p.b), ()


def jordan(p, x, y):
    return np.tanh(np.tanh(x @ p.w_x + y @ p.w_h + p.b_h) @ p.w_y + p.b_y), ()


def lstm(p, x, c, h):
    i, f, g, o = split(x @ p.w_x + h @ p.w_h + p.b, 4)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), (c,)


def gru(p, x, h):
    (u_r, u_z, u_n), (a_r, a_z, a_n) = split(x @ p.w_x + p.b, 3), split(h @ p.w_h, 3)
    z = sigmoid(u_z + a_z)
    return (1 - z) * np.tanh(u_n + sigmoid(u_r + a_r) * (a_n + p.b_hn)) + z * h, ()


def gru_before(p, x, h):
    (u_r, u_z, u_n), (w_r, w_z, w_n) = split(x @ p.w_x + p.b, 3), split(p.w_h, 3)
    z, r = sigmoid(u_z + h @ w_z), sigmoid(u_r + h @ w_r)
    return (1 - z) * np.tanh(u_n + (r * h) @ w_n) + z * h, ()


def peephole_lstm(p, x, c, h):
    i, f, g, o = split(x @ p.w_x + h @ p.w_h + p.b, 4)
    p_i, p_f, p_o = split(p.p, 3)
    c = sigmoid(f + p_f * c) * c + sigmoid(i + p_i * c) * np.tanh(g)
    return sigmoid(o + p_o * c) * np.tanh(c), (c,)


def coupled_lstm(p, x, c, h):
    f, g, o = split(x @ p.w_x + h @ p.w_h + p.b, 3)
    c = sigmoid(f) * c + (1 - sigmoid(f)) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), (c,)


def layer_norm_lstm(p, x, c, h):
    i, f, g, o = split(norm(x @ p.w_x, p.gain_x) + norm(h @ p.w_h, p.gain_h) + p.b, 4)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(norm(c, p.gain_c) + p.b_c), (c,)


def layer_norm_gru(p, x, h):
    (u_r, u_z, u_n), (a_r, a_z, a_n) = split(norm(x @ p.w_x, p.gain_x) + p.b, 3), split(norm(h @ p.w_h, p.gain_h), 3)
    z = sigmoid(u_z + a_z)
    return (1 - z) * np.tanh(u_n + sigmoid(u_r + a_r) * (a_n + p.b_hn)) + z * h, ()


def mgu(p, x, h):
    (u_f, u_n), (a_f, a_n) = split(x @ p.w_x + p.b, 2), split(h @ p.w_h, 2)
    f = sigmoid(u_f + a_f)
    return (1 - f) * np.tanh(u_n + f * (a_n + p.b_hn)) + f * h, ()


def ugrnn(p, x, h):
    f, n = split(x @ p.w_x + h @ p.w_h + p.b, 2)
    return sigmoid(f) * h + (1 - sigmoid(f)) * np.tanh(n), ()


def minimal_rnn(p, x, h):
    n = np.tanh(x @ p.w_x + p.b_x)
    f = sigmoid(h @ p.w_h + n @ p.w_n + p.b)
    return f * h + (1 - f) * n, ()


def indrnn(p, x, h):
    return relu(x @ p.w_x + p.a * h + p.b), ()


def slstm(p, x, c, n, h):
    """Without the running maximum, because h does not depend on it."""
    i, f, z, o = split(x @ p.w_x + h @ p.w_h + p.b, 4)
    c = sigmoid(f) * c + np.exp(i) * np.tanh(z)
    n = sigmoid(f) * n + np.exp(i)
    return sigmoid(o) * c / n, (c, n)


def diagonal_gru(p, x, h):
    (u_z, u_r, u_n), (a_z, a_r, a_n) = split(x @ p.w_x + p.b, 3), split(p.a, 3)
    z, r = sigmoid(u_z + a_z * h), sigmoid(u_r + a_r * h)
    return (1 - z) * h + z * np.tanh(u_n + a_n * (r * h)), ()


def diagonal_lstm(p, x, c, h):
    (u_f, u_g, u_o), (a_f, a_g, a_o), (p_f, p_o) = split(x @ p.w_x + p.b, 3), split(p.a, 3), split(p.p, 2)
    f = sigmoid(u_f + a_f * h + p_f * c)
    c = f * c + (1 - f) * np.tanh(u_g + a_g * h)
    return sigmoid(u_o + a_o * h + p_o * c) * np.tanh(c), (c,)


def ctrnn(p, x, h):
    return 0.8 * h + 0.2 * np.tanh(x @ p.w_x + h @ p.w_h + p.b), ()


def ctrnn_current(p, x, v, h):
    v = 0.8 * v + 0.2 * (x @ p.w_x + np.tanh(v) @ p.w_h + p.b)
    return np.tanh(v), (v,)


def plrnn(p, x, h):
    return p.a * h + relu(h) @ p.w_h + x @ p.w_x + p.b, ()


def lru(p, x, s, h):
    decay = np.exp(-np.exp(p.nu) + 1j * np.exp(p.theta))
    re, im = split(x @ p.w_x, 2)
    s = decay * s + np.exp(p.gamma) * (re + 1j * im)
    w_re, w_im = np.split(p.w_y, 2)
    return (s @ (w_re + 1j * w_im)).real, (s,)


def min_gru(p, x, h):
    z, n = split(x @ p.w_x + p.b, 2)
    return (1 - sigmoid(z)) * h + sigmoid(z) * n, ()


def min_gru_positive(p, x, h):
    z, n = split(x @ p.w_x + p.b, 2)
    return (1 - sigmoid(z)) * h + sigmoid(z) * np.where(n >= 0, n + 0.5, sigmoid(n)), ()


def min_lstm(p, x, h):
    f, i, n = split(x @ p.w_x + p.b, 3)
    return (sigmoid(f) * h + sigmoid(i) * n) / (sigmoid(f) + sigmoid(i)), ()


def rg_lru(p, x, h):
    v = x @ p.w_x
    r, i = split(sigmoid(v @ p.w_g + p.b), 2)
    a = np.exp(-8 * r * np.log1p(np.exp(p.decay)))
    return a * h + np.sqrt(1 - a**2) * i * v, ()


CASES = {  # the step, arguments of the factory, and dtypes of the states other than h
    "perceptron": (perceptron, {}, []),
    "elman": (elman, {}, []),
    "elman-relu": (partial(elman, phi=relu), {"activation": "relu"}, []),
    "elman-linear": (partial(elman, phi=lambda a: a), {"activation": "linear"}, []),
    "jordan": (jordan, {"output_size": 3, "output_activation": "tanh"}, []),
    "lstm": (lstm, {}, [float]),
    "gru": (gru, {}, []),
    "gru-before": (gru_before, {"reset": "before"}, []),
    "peephole_lstm": (peephole_lstm, {}, [float]),
    "coupled_lstm": (coupled_lstm, {}, [float]),
    "layer_norm_lstm": (layer_norm_lstm, {}, [float]),
    "layer_norm_gru": (layer_norm_gru, {}, []),
    "mgu": (mgu, {}, []),
    "ugrnn": (ugrnn, {}, []),
    "minimal_rnn": (minimal_rnn, {}, []),
    "indrnn": (indrnn, {}, []),
    "slstm": (slstm, {}, [float, float]),
    "diagonal_gru": (diagonal_gru, {}, []),
    "diagonal_lstm": (diagonal_lstm, {}, [float]),
    "ctrnn": (ctrnn, {}, []),
    "ctrnn-current": (ctrnn_current, {"form": "current"}, [float]),
    "plrnn": (plrnn, {}, []),
    "lru": (lru, {}, [complex]),
    "min_gru": (min_gru, {}, []),
    "min_gru-positive": (min_gru_positive, {"candidate": "positive"}, []),
    "min_lstm": (min_lstm, {}, []),
    "rg_lru": (rg_lru, {}, []),
}


def of(name):
    return importlib.import_module(f"jaxrnn.cells.{name.partition('-')[0]}").cell


def test_every_cell_has_its_equations_here():
    assert {name.partition("-")[0] for name in CASES} == set(entries(jaxrnn.cells.__path__[0], "cell"))


@pytest.mark.parametrize("name", CASES)
def test_a_cell_computes_the_equations_of_its_paper(name):
    (step, options, others), rng = CASES[name], np.random.default_rng(0)
    cell = of(name)(H, **options)
    drawn = jax.tree.map(lambda a: a + 0.5 * rng.normal(size=a.shape), cell.init(jax.random.key(0), D))
    params, xs = jax.tree.map(np.asarray, drawn), rng.normal(size=(T, B, D))
    actual = scan(cell, drawn, cell.initial(drawn, (B,)), jnp.asarray(xs))[1]
    h, states = np.zeros((B, cell.size)), [np.zeros((B, H), kind) for kind in others]
    for t in range(T):
        h, states = step(params, xs[t], *states, h)
        np.testing.assert_allclose(actual[t], h, rtol=1e-12, atol=1e-13, err_msg=f"step {t}")


@pytest.mark.parametrize("name", cell_derivatives.COMBINE)
def test_a_derivative_written_by_hand_is_that_of_the_equations(name):
    """The values of a cell's step and its Jacobian by params, carry and input, forwards and backwards."""
    cell = of(name)(H)
    by_hand = with_written_derivative(cell)
    assert cell.step.equations == name
    assert by_hand.step.combine is not cell.step.combine
    key = jax.random.key(0)
    shapes = jax.eval_shape(lambda: (params := cell.init(key, D), cell.initial(params, (B,)), jnp.zeros((B, D))))
    leaves, tree = jax.tree.flatten(shapes)
    keys = jax.random.split(key, len(leaves))
    drawn = tree.unflatten([jax.random.normal(k, a.shape) for k, a in zip(keys, leaves, strict=True)])

    def outcomes(cell, *modes):
        def step(params, carry, x):
            return cell.step(params, carry, cell.project(params, x))

        functions = [mode(step, argnums=(0, 1, 2)) for mode in modes]
        return jax.jit(lambda *inputs: (step(*inputs), [function(*inputs) for function in functions]))(*drawn)

    values, jacobians = outcomes(by_hand, jax.jacfwd, jax.jacrev)
    expected_values, (expected,) = outcomes(cell, jax.jacfwd)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-14), values, expected_values)
    for jacobian in jacobians:
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12), jacobian, expected)
