"""One XLA device per core, programs compiled once a machine, the mesh over which the rows of a batch are shared out."""

import hashlib
import os
from pathlib import Path

import jax
import numpy as np

CACHE_BYTES = 2**30
ROWS = "rows"  # the axis of a mesh over which a batch is shared out


def use_all_cores():
    """Gives the CPU backend one XLA device per core that this process may use; call it before the first array.

    Inside a loop XLA runs elementwise work on one thread, so several cores need several devices.
    """
    usable = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count())  # Linux only
    jax.config.update("jax_num_cpu_devices", len(usable))


def keep_compiled():
    """Keeps compiled programs in the user's cache folder, where the next process on this kind of CPU finds them.

    JAX_COMPILATION_CACHE_DIR chooses another folder, JAX_ENABLE_COMPILATION_CACHE=false keeps none.
    """
    if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
        caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        jax.config.update("jax_compilation_cache_dir", str(caches / "jaxrnn" / _cpu()))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_compilation_cache_max_size", CACHE_BYTES)


def free_memory():
    """Bytes that programs may take on all local devices: what the accelerators report, or what the system has left."""
    reported = [device.memory_stats() for device in jax.local_devices()]
    if all(reported):
        return sum(stats["bytes_limit"] - stats["bytes_in_use"] for stats in reported)
    meminfo = Path("/proc/meminfo")  # Linux only
    lines = meminfo.read_text().splitlines() if meminfo.exists() else []
    available = [int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable")]
    return available[0] if available else os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2


def _cpu():
    """A name for this kind of CPU: a program compiled for one may not run on another that shares the home folder."""
    info = Path("/proc/cpuinfo")  # Linux only
    lines = info.read_text().splitlines() if info.exists() else []
    features = next((line for line in lines if line.startswith(("flags", "Features"))), "")
    return hashlib.sha256(features.encode()).hexdigest()[:12]


def mesh(rows, axis=ROWS):
    """The mesh for `rows` rows of a batch, or as many runs: as many local devices as divide them, along one axis."""
    devices = jax.local_devices()
    used = max(n for n in range(1, len(devices) + 1) if rows % n == 0)
    return jax.sharding.Mesh(np.array(devices[:used]), (axis,))
