"""One XLA device per core, and the mesh over which the rows of a batch are shared out."""

import os

import jax
import numpy as np

ROWS = "rows"  # the axis of a mesh over which a batch is shared out


def use_all_cores():
    """Gives the CPU backend one XLA device per core that this process may use; call it before the first array.

    Inside a loop XLA runs elementwise work on one thread, so several cores need several devices.
    """
    usable = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count())  # Linux only
    jax.config.update("jax_num_cpu_devices", len(usable))


def mesh(rows, axis=ROWS):
    """The mesh for `rows` rows of a batch, or as many runs: as many local devices as divide them, along one axis."""
    devices = jax.local_devices()
    used = max(n for n in range(1, len(devices) + 1) if rows % n == 0)
    return jax.sharding.Mesh(np.array(devices[:used]), (axis,))
