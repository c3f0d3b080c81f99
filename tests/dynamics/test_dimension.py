"""Dimension, time constants and memory against systems whose values are known."""

import numpy as np
import pytest

from jaxrnn.dynamics import dimension


def test_participation_ratio_of_a_gaussian_with_a_known_spectrum():
    spectrum = np.array([4.0, 2.0, 1.0, 0.5])
    rotation = np.linalg.qr(np.random.default_rng(0).normal(size=(4, 4)))[0]
    states = np.random.default_rng(1).normal(size=(200_000, 4)) * np.sqrt(spectrum) @ rotation
    found = dimension.variances(states)
    np.testing.assert_allclose(found, spectrum, rtol=0.02)
    assert dimension.participation_ratio(found) == pytest.approx(7.5**2 / 21.25, rel=0.02)
    assert dimension.participation_ratio(np.ones(5)) == pytest.approx(5)
    assert np.isnan(dimension.participation_ratio(np.zeros(3)))


def test_time_constants_of_autoregressions():
    """x_t = a x_{t-1} + noise has the autocorrelation a^k: 1/e after -1 / ln a steps."""
    rng, rates = np.random.default_rng(0), np.array([0.5, 0.9, 0.97])
    states = np.zeros((4000, 32, 3))
    for t in range(1, len(states)):
        states[t] = rates * states[t - 1] + rng.normal(size=(32, 3))
    np.testing.assert_allclose(dimension.time_constants(states), -1 / np.log(rates), rtol=0.06)
    assert np.isnan(dimension.time_constants(np.ones((10, 2, 1))))


def test_memory_capacity_of_a_linear_network_is_its_size():
    """Jaeger 2001, theorem: a linear network whose states span their space remembers n steps in all."""
    n, rng = 8, np.random.default_rng(0)
    inputs = rng.uniform(-1, 1, 6000)
    w = 0.9 * np.linalg.qr(rng.normal(size=(n, n)))[0]
    v, states = rng.normal(size=n), np.zeros((6000, n))
    for t in range(6000):
        states[t] = w @ states[t - 1] + v * inputs[t]
    found = dimension.memory_capacity(inputs, states, 100)
    assert found.sum() == pytest.approx(n, rel=0.02)
    shift = np.eye(n, k=-1)  # a delay line remembers the last n inputs exactly, and nothing else
    for t in range(6000):
        states[t] = shift @ states[t - 1] + np.eye(n)[0] * inputs[t]
    found = dimension.memory_capacity(inputs, states, 20)
    np.testing.assert_allclose(found[:n], 1, atol=1e-12)
    assert found[n:].max() < 0.01


def test_the_autocorrelation_of_short_records_is_not_biased():
    """Each lag is a mean over its own pairs of steps, which are fewer for longer lags."""
    states = np.random.default_rng(0).normal(size=(14, 3, 40)).cumsum(axis=0)
    centred = states - states.mean(axis=(0, 1))
    expected = np.full(40, np.nan)
    for unit in range(40):
        own = [np.mean(centred[lag:, :, unit] * centred[: 14 - lag, :, unit]) for lag in range(14)]
        relative = np.array(own) / own[0]
        if (below := np.flatnonzero(relative < np.exp(-1))).size:
            at = below[0]
            expected[unit] = np.interp(-np.exp(-1), -relative[at - 1 : at + 1], [at - 1, at])
    assert np.isfinite(expected).sum() > 20
    np.testing.assert_allclose(dimension.time_constants(states), expected, rtol=1e-9)
