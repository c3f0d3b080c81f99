"""The convolution in time against NumPy: `np.convolve` of the valid steps of each sequence, feature by feature."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxrnn
from jaxrnn import nets
from jaxrnn.cells import gru
from jaxrnn.dynamics import taps
from jaxrnn.errors import ConfigError
from jaxrnn.nets import decode

T, B, D, F = 7, 4, 3, 2
RNG = np.random.default_rng(0)
MASK = np.stack([np.arange(T) < T, np.arange(T) < 3, np.arange(T) % 2 == 1, np.arange(T) < 0], axis=1)
RESET = np.zeros((T, B), bool)
RESET[[2, 5, 3, 4], [0, 0, 1, 2]] = True  # at valid and at invalid steps


def convolved(x, w, b):
    """The outputs [T, F] of one whole sequence [T, D], by `np.convolve`."""
    return np.stack(
        [b[f] + sum(np.convolve(x[:, d], w[::-1, d, f])[: len(x)] for d in range(D)) for f in range(F)], axis=1
    )


def expected(xs, w, b, mask, reset, phi):
    """The outputs [T, B, F]: every stretch between resets is convolved alone, without its invalid steps."""
    ys = np.zeros((T, B, F))
    for row in range(B):
        for steps in np.split(np.arange(T), np.flatnonzero(reset[:, row])):
            valid = steps[mask[steps, row]]
            if len(valid):
                ys[valid, row] = phi(convolved(xs[valid, row], w, b))
    return ys


def made(kernel, activation="linear"):
    net = nets.convolution(F, kernel, activation)
    params = net.init(jax.random.key(0), D)._replace(b=jnp.asarray(RNG.normal(size=F)))
    return net, params


@pytest.mark.parametrize(("masked", "resets"), [(False, False), (True, True)])
@pytest.mark.parametrize("kernel", [1, 3, 9])
def test_outputs_are_the_convolution_of_the_valid_steps(kernel, masked, resets):
    net, params = made(kernel, "tanh")
    xs, w, b = RNG.normal(size=(T, B, D)), np.asarray(params.w), np.asarray(params.b)
    assert params.w.dtype == jnp.float64
    mask, reset = MASK if masked else np.ones((T, B), bool), RESET if resets else np.zeros((T, B), bool)
    options = {"mask": jnp.asarray(mask) if masked else None, "reset": jnp.asarray(reset) if resets else None}
    unread = np.where(mask[..., None], xs, np.nan)
    ys = jax.jit(net.apply)(params, net.initial(params, (B,)), jnp.asarray(unread), **options)[1]
    np.testing.assert_allclose(ys, expected(xs, w, b, mask, reset, np.tanh), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kernel", [1, 4])
def test_pieces_of_a_sequence_and_single_steps_give_the_outputs_of_the_whole(kernel):
    net, params = made(kernel)
    apply = jax.jit(net.apply)
    xs, mask, reset = jnp.asarray(RNG.normal(size=(T, B, D))), jnp.asarray(MASK), jnp.asarray(RESET)
    carry = net.initial(params, (B,))
    whole_carry, whole = apply(params, carry, xs, mask=mask, reset=reset)
    for cuts in ([3, 4], [0, 3, 3], range(1, T)):
        ys, part_carry = [], carry
        for steps in np.split(np.arange(T), cuts):
            part_carry, part = apply(params, part_carry, xs[steps], mask=mask[steps], reset=reset[steps])
            ys.append(part)
        np.testing.assert_allclose(np.concatenate(ys), whole, atol=1e-12)
        np.testing.assert_allclose(part_carry.xs, whole_carry.xs, atol=1e-12)


def test_a_network_with_a_convolution_runs_step_by_step_and_without_batch_axes():
    net = jaxrnn.rnn(gru.cell(4), 1, frontend="conv", frontend_features=3, frontend_kernel=2)
    params, xs = net.init(jax.random.key(0), 1), jnp.asarray(RNG.normal(size=(5, 1)))
    carry, whole = net.apply(params, net.initial(params, ()), xs)
    streamed, stream_carry = [], net.initial(params, ())
    for x in xs:
        stream_carry, y = decode.step(net, params, stream_carry, x)
        streamed.append(y)
    np.testing.assert_allclose(np.stack(streamed), whole, atol=1e-6)
    assert jax.tree.map(jnp.shape, carry) == jax.tree.map(jnp.shape, stream_carry)


def test_a_wrong_carry_or_width_is_named():
    net, params = made(3)
    with pytest.raises(ValueError, match="expected D = 3"):
        net.apply(params, net.initial(params, (B,)), jnp.zeros((T, B, D + 1)))
    with pytest.raises(ValueError, match=r"carry: expected shape \(4, 2, 3\), got \(5, 2, 3\)"):
        net.apply(params, net.initial(params, (B + 1,)), jnp.zeros((T, B, D)))
    with pytest.raises(ValueError, match="carry: expected LastInputs, got an array"):
        net.apply(params, jnp.zeros((B, 2, D)), jnp.zeros((T, B, D)))


def test_the_layers_behind_a_convolution_are_observed():
    """Their recorded carries are those of single steps."""
    net = jaxrnn.rnn(gru.cell(4), 1, frontend="conv", frontend_features=3, frontend_kernel=2)
    params, xs = net.init(jax.random.key(0), D), jnp.asarray(RNG.normal(size=(T, B, D)))
    carry = net.initial(params, (B,))
    (layer,) = jax.jit(lambda: taps.observe(net, params, carry, xs)[2])()
    streamed, states = carry, []
    for x in xs:
        streamed, _ = decode.step(net, params, streamed, x)
        states.append(streamed[1].h)
    np.testing.assert_allclose(layer.carries.h, np.stack(states), atol=1e-6)


def test_options_of_a_frontend_that_is_not_there_are_refused():
    with pytest.raises(ConfigError, match=r"model\.frontend_kernel=3 needs model\.frontend=conv"):
        jaxrnn.experiment("data=vowels", "model.frontend_kernel=3")
    with pytest.raises(ConfigError, match=r"model\.frontend=conv is not available in an encoder-decoder"):
        jaxrnn.experiment("data=addition", "model.frontend=conv")


@pytest.mark.slow
@pytest.mark.parametrize("data", ["vowels", "language", "sine"])
def test_kinds_of_data_train_behind_a_convolution(data, tmp_path):
    """One label per sequence of values or symbols, padded in buckets; and a series that is continued."""
    sizes = ["model.cell.size=4", "trainer.steps=2", "trainer.report_every=2"]
    run = jaxrnn.fit(jaxrnn.experiment(f"data={data}", "model.frontend=conv", *sizes))
    assert np.isfinite(run.metrics["test"]["loss"])
    if data == "sine":
        assert np.isfinite(run.generate(5)).all()
