"""Beam search against all answers there are, draws against their probabilities."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from scipy import stats

from jaxrnn import losses, nets
from jaxrnn.cells import gru
from jaxrnn.nets import beam, draws
from jaxrnn.precision import computing

K, LENGTH, B = 3, 4, 2


@pytest.fixture(scope="module")
def model():
    net = nets.symbol_rnn(gru.cell(5), K, vocabulary_size=K + 1)
    with computing("f64"):  # also where the first test of a process asks for it
        params = jax.jit(lambda: jax.tree.map(lambda a: 3 * a, net.init(jax.random.key(4), 1)))()
    return net, params


def all_answers(net, params, carry, first, end):
    """{answer: log p} of one sequence, every answer up to its end symbol or of LENGTH symbols."""
    found = {}
    log_probs = jax.jit(lambda inputs: jax.nn.log_softmax(net.apply(params, carry, inputs)[1][:, 0]))
    for symbols in itertools.product(range(K), repeat=LENGTH):
        cut = symbols[: symbols.index(end) + 1] if end in symbols else symbols
        if cut in found:
            continue
        log_p = np.asarray(log_probs(np.array([first, *cut[:-1]])[:, None, None]))
        found[cut] = float(sum(log_p[t, symbol] for t, symbol in enumerate(cut)))
    return found


@pytest.mark.parametrize("penalty", [pytest.param(0.0, marks=pytest.mark.slow), 0.8])
def test_beam_search_is_exhaustive_search_where_it_is_wide_enough(model, penalty):
    net, params = model
    first = jnp.array([[3.0], [1.0]])
    found = jax.jit(lambda p: beam.search(net, p, net.initial(p, (B,)), first, LENGTH, 81, 0, penalty))(params)
    found = jax.device_get(found)
    for b in range(B):
        known = all_answers(net, params, net.initial(params, (1,)), float(first[b, 0]), end=0)
        ranked = sorted(known.items(), key=lambda item: -item[1] / ((5 + len(item[0])) / 6) ** penalty)
        for place, (symbols, log_p) in enumerate(ranked):
            length = int(found.lengths[place, b])
            assert tuple(found.symbols[place, b, :length].tolist()) == symbols
            assert not found.symbols[place, b, length:].any()
            assert found.log_probs[place, b] == pytest.approx(log_p, rel=1e-9)
        assert not np.isfinite(found.log_probs[len(ranked) :, b]).any()


def test_a_beam_of_one_is_greedy(model):
    net, params = model
    carry, first = net.initial(params, (B,)), jnp.array([[3.0], [1.0]])
    found = beam.search(net, params, carry, first, LENGTH, 1, end=None)
    said = nets.decode.sample(net, params, carry, first, LENGTH, draws.greedy)[1]
    np.testing.assert_array_equal(found.symbols[0].T, said[..., 0])


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [0.4, 0.3, 0.2, 0.1]),
        ({"temperature": 0.5}, np.array([16, 9, 4, 1]) / 30),
        ({"top_k": 2}, [4 / 7, 3 / 7, 0, 0]),
        ({"top_p": 0.6}, [4 / 7, 3 / 7, 0, 0]),
        ({"top_p": 0.71}, [4 / 9, 3 / 9, 2 / 9, 0]),
        ({"top_k": 10, "top_p": 1.0}, [0.4, 0.3, 0.2, 0.1]),
    ],
    ids=str,
)
def test_frequencies_of_draws_pass_a_chi_squared_test(options, expected):
    logits = jnp.log(jnp.array([0.2, 0.4, 0.1, 0.3]))[None]
    order, count = [1, 3, 0, 2], 20000
    drawn = draws.categorical(**options)(jax.random.key(0), jnp.broadcast_to(logits, (count, 4)))
    frequencies = np.bincount(np.asarray(drawn).ravel(), minlength=4)[order]
    possible = np.asarray(expected) > 0
    assert not frequencies[~possible].any()
    assert stats.chisquare(frequencies[possible], count * np.asarray(expected)[possible]).pvalue > 1e-3


@pytest.mark.parametrize("temperature", [1e-3, 1e-38, 1e-45, 5e-324])
@pytest.mark.parametrize("others", [{}, {"top_k": 2}, {"top_p": 0.9}], ids=str)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.sample(8, 2)
def test_a_temperature_close_to_zero_chooses_as_greedy_does(temperature, others, dtype):
    logits = 50 * jax.random.normal(jax.random.key(1), (200, 7)).astype(dtype)
    drawn = draws.categorical(temperature, **others)(jax.random.key(0), logits)
    np.testing.assert_array_equal(drawn, draws.greedy(None, logits))


@pytest.mark.parametrize("wrong", [{"temperature": 0.0}, {"top_k": 0}, {"top_p": 1.5}], ids=str)
def test_what_cannot_be_drawn_is_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        draws.categorical(**wrong)


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5])
def test_label_smoothing_is_the_cross_entropy_with_smoothed_labels(smoothing):
    logits = jax.random.normal(jax.random.key(3), (4, 2, 5))
    labels = jax.random.randint(jax.random.key(4), (4, 2, 1), 0, 5)
    expected = optax.softmax_cross_entropy(logits, optax.smooth_labels(jax.nn.one_hot(labels[..., 0], 5), smoothing))
    np.testing.assert_allclose(losses.smoothed_cross_entropy(smoothing)(logits, labels), expected, rtol=1e-12)
