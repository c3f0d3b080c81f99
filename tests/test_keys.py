"""PRNG keys of sequences and steps: each part of a net draws its own numbers."""

import jax
import numpy as np
import pytest

from jaxrnn import keys

SEQUENCES = 3


def data(key):
    return np.asarray(jax.random.key_data(key))


@pytest.mark.parametrize("number", [0, 1, 7])
def test_the_keys_of_a_part_are_those_of_jax_fold_in(number):
    sequence = jax.random.split(jax.random.key(0), SEQUENCES)
    step = jax.random.split(jax.random.key(1), SEQUENCES)
    folded = keys.fold_in(keys.StepKeys(sequence, step), number)
    for kind, before in (("sequence", sequence), ("step", step)):
        expected = np.stack([data(jax.random.fold_in(before[index], number)) for index in range(SEQUENCES)])
        np.testing.assert_array_equal(data(getattr(folded, kind)), expected)
        np.testing.assert_array_equal(data(keys.fold_in(before, number)), expected)
    assert keys.fold_in(None, number) is None


def test_values_of_a_sequence_and_of_a_step_have_different_keys():
    sequence, step = (jax.random.split(jax.random.key(seed), SEQUENCES) for seed in (0, 1))
    both = keys.StepKeys(sequence, step)
    np.testing.assert_array_equal(data(keys.per_sequence(both)), data(sequence))
    np.testing.assert_array_equal(data(keys.per_step(both)), data(step))
    np.testing.assert_array_equal(data(keys.per_sequence(step)), data(step))
    np.testing.assert_array_equal(data(keys.per_step(sequence)), data(sequence))


def test_the_keys_of_a_step_depend_on_the_step_and_keep_those_of_the_sequences():
    sequence = jax.random.split(jax.random.key(0), SEQUENCES)
    at = keys.at_step(sequence, 5)
    np.testing.assert_array_equal(data(at.sequence), data(sequence))
    expected = [data(jax.random.fold_in(jax.random.fold_in(key, 0), 5)) for key in sequence]
    np.testing.assert_array_equal(data(at.step), np.stack(expected))
    assert keys.at_step(None, 5) is None
