"""Similarity of states and of dynamics, where it is known."""

import numpy as np
import pytest

from jaxrnn.dynamics import similarity

RNG = np.random.default_rng(0)


def rotation(n, seed=0):
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(n, n)))[0]


def test_cka_and_procrustes_know_a_rotated_copy_and_a_stranger():
    x = RNG.normal(size=(5000, 6)) * np.arange(1, 7)
    copy = 3 * x @ rotation(6) + 1
    assert similarity.linear_cka(x, copy) == pytest.approx(1, abs=1e-12)
    assert similarity.procrustes(x, copy) == pytest.approx(0, abs=1e-6)
    stranger = RNG.normal(size=(5000, 4))
    assert similarity.linear_cka(x, stranger) < 0.01
    assert similarity.procrustes(x, stranger) > 1.4
    assert similarity.linear_cka(x, x * [1, 1, 1, 1, 1, 3]) < 0.9  # not invariant under any other linear map


@pytest.mark.slow
def test_dsa_of_rotated_copies_is_zero_and_of_rotations_the_difference_of_their_angles():
    """For plane rotations by a and b the angle of DSA is |a - b|, whichever way round."""
    a = RNG.normal(size=(4, 4))
    c = rotation(4, 3)

    def turn(angle):
        return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])

    assert float(similarity.dsa(a[None], (c @ a @ c.T)[None])[0]) < 1e-3
    angles = [(0.3, 0.3), (0.3, 1.0), (0.3, -1.0), (2.0, 0.5)]
    one, two = (np.array([turn(pair[k]) for pair in angles]) for k in (0, 1))
    np.testing.assert_allclose(similarity.dsa(one, two), [0, 0.7, 0.7, 1.5], atol=2e-3)


def test_dynamics_of_a_rotated_system_are_the_same_and_of_another_spectrum_are_not():
    rng = np.random.default_rng(2)

    def simulated(rates, seed):
        states = np.zeros((300, 20, 3))
        states[0] = np.random.default_rng(seed).normal(size=(20, 3))
        for t in range(1, 300):
            states[t] = states[t - 1] * rates + 0.1 * rng.normal(size=(20, 3))
        return states

    one = simulated([0.9, 0.5, 0.1], 0)
    maps = [
        similarity.dynamics_matrix(each, 1, 3)
        for each in (one, one @ rotation(3), simulated([0.9, 0.5, 0.1], 5), simulated([-0.9, 0.95, 0.9], 0))
    ]
    np.testing.assert_allclose(np.sort(np.linalg.eigvals(maps[0]).real), [0.1, 0.5, 0.9], atol=0.05)
    copy, again, other = np.asarray(similarity.dsa(np.array([maps[0]] * 3), np.array(maps[1:])))
    assert copy < 5e-3
    assert again < 0.1
    assert other > 0.5
