"""Keras computes on JAX in these tests, and in the processes that they start."""

import os

os.environ["KERAS_BACKEND"] = "jax"
