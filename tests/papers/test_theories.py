"""The equations of wide random networks against networks in NumPy: weights redrawn each step, derivatives by hand."""

import numpy as np
import pytest

from jaxrnn.papers import _mean_field, gilboa_2019

UNITS, STEPS = 400, 60


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def matrix(rng, scale):
    return scale * rng.standard_normal((UNITS, UNITS)) / np.sqrt(UNITS)


def growth(step, *state):
    """Mean of ln |d'|^2 / |d|^2 over the second half of the steps; the derivative has its length again each step."""
    values = []
    for _ in range(STEPS):
        state, ratio = step(*state)
        values.append(np.log(ratio))
    return np.mean(values[STEPS // 2 :])


@pytest.mark.parametrize(("s", "noise"), [(0.8, 0.1), (1.5, 0.3), (3.0, 0.5)])
def test_tanh_units(s, noise):
    rng = np.random.default_rng(1)

    def step(h, d):
        w = matrix(rng, s)
        after = np.tanh(w @ h + noise * rng.standard_normal(UNITS))
        changed = (1 - after**2) * (w @ d)
        ratio = np.sum(changed**2) / np.sum(d**2)
        return (after, changed / np.sqrt(ratio)), ratio

    measured = growth(step, np.zeros(UNITS), rng.standard_normal(UNITS))
    np.testing.assert_allclose(_mean_field.tanh_theory(s, noise), measured, atol=0.06)


@pytest.mark.parametrize(("s", "bias", "noise"), [(1.0, 0.0, 1.0), (3.0, 0.0, 1.0), (6.0, 1.0, 2.0)])
def test_the_minimal_rnn(s, bias, noise):
    rng = np.random.default_rng(2)

    def step(h, d):
        n, w = np.tanh(noise * rng.standard_normal(UNITS)), matrix(rng, s)
        f = sigmoid(w @ h + matrix(rng, 1.0) @ n + bias)
        changed = f * d + (h - n) * f * (1 - f) * (w @ d)
        ratio = np.sum(changed**2) / np.sum(d**2)
        return (f * h + (1 - f) * n, changed / np.sqrt(ratio)), ratio

    measured = growth(step, np.zeros(UNITS), rng.standard_normal(UNITS))
    np.testing.assert_allclose(_mean_field.minimal_theory(s, bias, noise), measured, atol=0.06)


@pytest.mark.parametrize(("s", "bias", "noise"), [(1.0, 0.0, 0.5), (4.0, 0.0, 0.5), (4.0, 1.0, 1.0)])
def test_the_lstm(s, bias, noise):
    rng = np.random.default_rng(3)

    def step(h, c, dh, dc):
        weights = [matrix(rng, s) for _ in range(4)]
        drive = [w @ h + noise * rng.standard_normal(UNITS) for w in weights]
        changes = [w @ dh for w in weights]
        i, f, o = sigmoid(drive[0]), sigmoid(drive[1] + bias), sigmoid(drive[2])
        g = np.tanh(drive[3])
        new_c = f * c + i * g
        new_dc = f * dc + c * f * (1 - f) * changes[1] + g * i * (1 - i) * changes[0] + i * (1 - g**2) * changes[3]
        t = np.tanh(new_c)
        new_dh = o * (1 - t**2) * new_dc + o * (1 - o) * t * changes[2]
        ratio = np.sum(new_dc**2) / np.sum(dc**2)
        return (o * t, new_c, new_dh / np.sqrt(ratio), new_dc / np.sqrt(ratio)), ratio

    zeros, start = np.zeros(UNITS), rng.standard_normal((2, UNITS))
    measured = growth(step, zeros, zeros, *start)
    np.testing.assert_allclose(gilboa_2019._theory(s, bias, noise), measured, atol=0.06)
