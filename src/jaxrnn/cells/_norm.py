"""Layer normalisation inside cells."""

import jax
import jax.numpy as jnp


def layer_norm(a, gain, epsilon):
    """gain * (a - mean) / sqrt(variance + epsilon) over the last axis (Ba, Kiros & Hinton 2016, eq. 4)."""
    centred = a - jnp.mean(a, axis=-1, keepdims=True)
    return gain * centred * jax.lax.rsqrt(jnp.mean(centred**2, axis=-1, keepdims=True) + epsilon)
