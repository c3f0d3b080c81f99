"""Recurrent networks in JAX: cells as pure functions, unrolled, trained and studied as one compiled program."""

__version__ = "0.1.0"
