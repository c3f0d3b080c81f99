"""Initial weights of each cell against its docstring."""

import importlib
import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxrnn import cells
from jaxrnn.lazy import entries
from jaxrnn.unroll.scan import scan

H, MANY = 8, 400
GATES = {  # cell -> (number of gates in the bias, {index of a gate: its initial bias}); other biases are zero
    "lstm": (4, {1: 1.0}),
    "coupled_lstm": (3, {0: 1.0}),
    "peephole_lstm": (4, {1: 1.0}),
    "layer_norm_lstm": (4, {1: 1.0}),
    "slstm": (4, {1: np.linspace(5, 12, H)}),
    "mgu": (2, {0: 1.0}),
    "ugrnn": (2, {0: 1.0}),
    "minimal_rnn": (1, {0: 1.0}),
    "diagonal_gru": (3, {0: -np.linspace(0, 1, H)}),
    "diagonal_lstm": (3, {0: np.linspace(0, 1, H)}),
}


def of(name, size, **options):
    factory = importlib.import_module(f"jaxrnn.cells.{name}").cell
    required = [p.name for p in inspect.signature(factory).parameters.values() if p.default is inspect.Parameter.empty]
    return factory(size, **dict.fromkeys(required[1:], 1), **options)


def drawn(name, size=MANY, **options):
    return of(name, size, **options).init(jax.random.key(0), 1)


@pytest.mark.parametrize("name", entries(cells.__path__[0], "cell"))
def test_biases(name):
    """Zero, or what the paper of the cell says."""
    biases = getattr(drawn(name, H), "b", np.zeros(H))  # jordan and lru have none of this name
    gates, initial = GATES.get(name, (1, {}))
    for number, bias in enumerate(np.split(biases, gates)):
        np.testing.assert_allclose(bias, np.broadcast_to(initial.get(number, 0.0), bias.shape), rtol=1e-12)


@pytest.mark.parametrize(
    ("name", "low", "high"), [("indrnn", -0.7, 0.7), ("plrnn", 0.35, 0.7)]
)  # of U[-most, most] and U[most / 2, most]
def test_diagonal_weights_are_uniform(name, low, high):
    uniform(drawn(name, upper=0.7).a, low, high)


@pytest.mark.parametrize("name", ["diagonal_gru", "diagonal_lstm"])
def test_diagonal_weights_have_variance_four_fifths_of_one_over_h(name):
    np.testing.assert_allclose(np.var(drawn(name).a), 0.8 / MANY, rtol=0.12)


def test_the_moduli_of_an_lru_are_uniform_in_area():
    params = drawn("lru", lower=0.5, upper=0.9, phase=2.0)
    uniform(np.exp(-2 * np.exp(params.nu)), 0.25, 0.81)
    uniform(np.exp(params.theta), 0, 2)


def test_the_decay_of_an_rg_lru_is_uniform_in_area():
    uniform(np.exp(-2 * np.logaddexp(0, drawn("rg_lru", lower=0.5, upper=0.9).decay)), 0.25, 0.81)


def test_the_state_of_an_lru_has_the_variance_of_white_noise_that_is_put_in():
    """The sum of |s_t|^2 after one input is the variance of the state divided by the variance of the noise."""
    cell = of("lru", H, upper=0.8)
    params = cell.init(jax.random.key(0), 1)
    shown = cell.step._replace(read=lambda params, s: s)
    xs = jnp.zeros((120, 1)).at[0].set(1.0)
    states = scan(cell._replace(step=shown), params, cell.initial(params, ()), xs)[1]
    variance = params.w_x[0, :H] ** 2 + params.w_x[0, H:] ** 2
    np.testing.assert_allclose(np.sum(abs(states) ** 2, axis=0), variance, rtol=1e-10)


def uniform(values, low, high):
    """Checks that values fill a range evenly, by their quartiles and ends."""
    np.testing.assert_allclose(np.quantile(values, [0, 0.25, 0.5, 0.75, 1]), np.linspace(low, high, 5),
                               atol=0.07 * (high - low))  # fmt: skip
    assert low <= min(values)
    assert max(values) <= high
