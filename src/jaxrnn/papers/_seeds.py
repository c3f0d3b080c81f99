"""Measurements of several random networks in one program."""

import jax
import jax.numpy as jnp
import numpy as np


def over_seeds(measure, seeds, first_key=0):
    """Evaluates measure(key) with `seeds` keys: leaves [seeds, ...]."""
    keys = jax.random.split(jax.random.key(first_key), seeds)
    return jax.device_get(jax.jit(lambda keys: jax.lax.map(measure, keys))(keys))


def over_values_and_seeds(measure, values, seeds):
    """Evaluates measure(value, key) for floats and seeds, with the same keys for each value: [values, seeds, ...]."""
    keys = jax.random.split(jax.random.key(0), seeds)

    def of_value(value):
        return jax.lax.map(lambda key: measure(value, key), keys)

    return np.asarray(jax.jit(lambda values: jax.lax.map(of_value, values))(jnp.asarray(values, float)))
