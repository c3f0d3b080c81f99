"""Intervals and tests against values worked out by hand."""

import numpy as np
import pytest

from jaxrnn import statistics


def test_the_bootstrap_interval_covers_the_median_as_often_as_it_says():
    rng = np.random.default_rng(0)
    found = [statistics.median(rng.normal(size=21)) for _ in range(400)]
    covered = np.mean([low <= 0 <= high for _, low, high in found])
    assert 0.85 < covered < 0.96


def test_medians_keep_the_other_axes_and_one_network_is_its_own_interval():
    values = np.arange(24.0).reshape(2, 3, 4)
    middle, low, high = statistics.median(values, axis=1)
    np.testing.assert_array_equal(middle, values[:, 1])
    assert (low <= middle).all()
    assert (high >= middle).all()
    np.testing.assert_array_equal(low, values[:, 0])
    np.testing.assert_array_equal(statistics.median(values[:, :1], axis=1), [values[:, 0]] * 3)


def test_share_is_wilsons_interval():
    """Wilson 1927, eq. for 3 of 10 at 90 %, z = 1.6449."""
    z, n, p = 1.6448536, 10, 0.3
    centre, half = p + z**2 / 2 / n, z * np.sqrt(p * (1 - p) / n + z**2 / 4 / n**2)
    expected = 0.3, (centre - half) / (1 + z**2 / n), (centre + half) / (1 + z**2 / n)
    np.testing.assert_allclose(statistics.share(3, 10), expected, rtol=1e-6)
    assert statistics.share(0, 10)[1:] == pytest.approx((0, 0.2129), abs=1e-4)


def test_paired_permutations_are_counted():
    """Of 2^n signs only two give a difference as large as one with all differences of one sign."""
    a = np.array([1.0, 2.0, 4.0, 8.0])
    assert statistics.paired(a + 1, a) == pytest.approx(2 / 16)
    assert statistics.paired(a, a + [1, -1, 1, -1]) == pytest.approx(1.0)
    assert np.isnan(statistics.paired(a[:1], a[:1]))
    assert np.isnan(statistics.paired(a, np.full(4, np.nan)))
