"""What is global in JAX, set here and nowhere else: one XLA device a core, the cache of compiled programs, other
processes; and the mesh over which rows or runs are shared out."""

import atexit
import contextlib
import functools
import gc
import hashlib
import os
import re
import threading
import time
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jaxrnn.errors import ConfigError
from jaxrnn.jax_internals import coordination_apart

CACHE_BYTES, FRESH = 2**30, 600.0  # of compiled programs, and seconds in which one that was used is not removed
HOUR = 3600.0  # seconds between two looks at their folder
JOINING, QUIET = 300.0, 5.0  # seconds until all processes must have joined, and until one says that it waits
TOO_LARGE, A_ROW = 2**22, 2**17  # bytes of a recurrent matrix that no core's own cache holds, and these per row
ROWS = "rows"  # the axis of a mesh over which a batch is shared out


@functools.cache
def prepare() -> None:
    """Prepares a process before its first array: one device a core, the cache of compiled programs.

    The garbage collector no longer walks through the imported modules, and it collects nothing when the process ends:
    that saves a third of a second. Only the first call in a process does anything.

    Raises:
      RuntimeError: if JAX has made an array already.
    """
    use_all_cores()
    keep_compiled()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    atexit.register(gc.freeze)


def processes() -> Any:
    """(number of this process, how many there are) of a computation of several, as the environment names them.

    JAX_COORDINATOR_ADDRESS is HOST:PORT of the first one, JAX_NUM_PROCESSES how many they are and JAX_PROCESS_ID the
    number of this one; under Slurm JAXRNN_CLUSTER=slurm takes all three from Slurm.

    Raises:
      ConfigError: if a number is missing or too large, or the address names no port.
    """
    slurm = _under_slurm()
    if not slurm and "JAX_COORDINATOR_ADDRESS" not in os.environ:
        return 0, 1
    number, count = ("SLURM_PROCID", "SLURM_NTASKS") if slurm else ("JAX_PROCESS_ID", "JAX_NUM_PROCESSES")
    try:
        found = int(os.environ[number]), int(os.environ[count])
    except (KeyError, ValueError) as error:
        raise ConfigError(f"several processes need numbers in {number} and {count} of the environment") from error
    if not 0 <= found[0] < found[1]:
        raise ConfigError(f"{number}={found[0]} must be at least 0 and below {count}={found[1]}")
    if not slurm and not re.fullmatch(r".+:\d+", address := os.environ["JAX_COORDINATOR_ADDRESS"]):
        raise ConfigError(f"JAX_COORDINATOR_ADDRESS={address} must be HOST:PORT, a port of the first process's host")
    return found


def join_processes(patience: Any = JOINING) -> Any:
    """Joins the other processes of a computation, before the first array; alone it does nothing.

    Args:
      patience: seconds until all must have joined.

    Raises:
      ConfigError: if they have not.
    """
    index, count = processes()
    if count == 1 or jax.distributed.is_initialized():
        return
    who, errors = f"process {index + 1} of {count}", []
    joining = threading.Thread(target=_initialize, args=(index, count, patience, errors), daemon=True)
    joining.start()  # JAX waits in C++ code, where neither Ctrl-C nor SIGTERM is heard
    joining.join(min(QUIET, patience))
    if joining.is_alive():
        print(f"{who} waits for the others", flush=True)
        joining.join(patience - min(QUIET, patience))
    if joining.is_alive():
        raise ConfigError(
            f"{who}: the others have not joined within {patience:.0f} s; see what they say, then start all together"
        )
    if errors:
        raise errors[0]


def _initialize(index, count, patience, errors):
    limit = round(2 * patience) + 60  # after it C++ code aborts; `join_processes` has given up by then
    try:
        with coordination_apart():
            if _under_slurm():
                jax.distributed.initialize(cluster_detection_method="slurm", initialization_timeout=limit)
            else:
                address = os.environ["JAX_COORDINATOR_ADDRESS"]
                jax.distributed.initialize(address, count, index, initialization_timeout=limit)
    except Exception as error:
        errors.append(error)


def _under_slurm():
    return os.environ.get("JAXRNN_CLUSTER") == "slurm"


def local(tree: Any) -> Any:
    """What this process holds of arrays that are the same on all devices."""
    return tree if jax.process_count() == 1 else jax.tree.map(lambda a: a.addressable_data(0), tree)


def on_all(arrays: Any, devices: Any) -> Any:
    """Arrays on every device of a mesh, where the devices of a CPU share one memory: nothing is copied there.

    Args:
      arrays: a pytree, the same in every process.
      devices: a `jax.sharding.Mesh`.
    """
    everywhere = jax.sharding.NamedSharding(devices, jax.sharding.PartitionSpec())
    if devices.size == 1:
        return jax.device_put(arrays, everywhere)
    held = jax.device_get(arrays)
    return jax.tree.map(lambda a: jax.make_array_from_callback(a.shape, everywhere, lambda _: a), held)


def use_all_cores() -> None:
    """Gives the CPU backend one XLA device per core that this process may use; call it before the first array.

    Inside a loop XLA runs elementwise work on one thread, so several cores need several devices.
    """
    usable = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count())  # Linux only
    jax.config.update("jax_num_cpu_devices", len(usable))


def keep_compiled() -> None:
    """Keeps compiled programs in the user's cache folder, where the next process on this kind of CPU finds them.

    JAX_COMPILATION_CACHE_DIR chooses another folder, which is left to JAX, JAX_ENABLE_COMPILATION_CACHE=false keeps
    none. The limit of our own folder is kept here: with one of JAX's, every entry that is written looks at all others,
    and one without the file of its last use stops all writing (jax issue 39880).
    """
    if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
        caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        folder = caches / "jaxrnn" / "compiled" / _cpu()  # earlier versions used another one, with JAX's limit
        jax.config.update("jax_compilation_cache_dir", str(folder))
        jax.config.update("jax_compilation_cache_max_size", -1)
        _look_after(folder)
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)


def _look_after(folder):
    """Makes room in the cache once an hour: to look at 2,000 files takes up to a tenth of a second."""
    looked = folder / ".looked-after"
    with contextlib.suppress(OSError):  # there is no cache yet, or it is read-only
        if folder.is_dir() and not (looked.exists() and time.time() - looked.stat().st_mtime < HOUR):
            looked.touch()
            make_room(folder)


def make_room(folder: Any, largest: Any = CACHE_BYTES, fresh: Any = FRESH) -> None:
    """Removes the files of a cache that were not used for longest, where they take too much, and empty ones.

    Args:
      folder: of the cache.
      largest: bytes that it may take; where it takes more, a quarter of them is made free.
      fresh: seconds; a file that was used since then stays, for another process may be writing or reading it.
    """
    files = []
    for entry in os.scandir(folder):
        with contextlib.suppress(OSError):  # another process has removed it
            found = entry.stat()
            files.append((max(found.st_atime, found.st_mtime), found.st_size, entry.path))
    total, before = sum(size for _, size, _ in files), time.time() - fresh
    excess = total - 0.75 * largest if total > largest else 0
    for used, size, path in sorted(files):
        if used < before and (excess > 0 or size == 0):  # a process that is killed in the writing leaves empty ones
            with contextlib.suppress(OSError):  # as above, or the folder is read-only
                os.unlink(path)
                excess -= size


def free_memory() -> Any:
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


def mesh(rows: Any, axis: Any = ROWS, everywhere: Any = False, params: Any = ()) -> Any:
    """The mesh for `rows` rows of a batch, or as many runs: as many local devices as divide them, along one axis.

    Args:
      rows: of the batch.
      axis: its name.
      everywhere: as many devices of every process, instead of this one's alone.
      params: of the net, arrays or their shapes. Where a recurrent matrix of theirs is too large for the cache of a
        CPU's core and the rows are few, one device computes: XLA shares out every product's columns over the cores,
        and each reads its part of the matrix at every step instead of all.

    Raises:
      ValueError: if the rows cannot be shared out over all processes.
    """
    processes = jax.process_count() if everywhere else 1
    fits = [n for n in range(1, jax.local_device_count() + 1) if rows % (n * processes) == 0]
    if not fits:
        raise ValueError(f"{rows} rows cannot be shared out over {processes} processes")
    if not everywhere:
        together = jax.default_backend() == "cpu" and _recurrent_bytes(params) >= max(TOO_LARGE, rows * A_ROW)
        return jax.sharding.Mesh(np.array(jax.local_devices()[: 1 if together else max(fits)]), (axis,))
    own = [[d for d in jax.devices() if d.process_index == process][: max(fits)] for process in range(processes)]
    return jax.sharding.Mesh(np.array(own).ravel(), (axis,))


def _recurrent_bytes(params):
    """Of the largest `w_h` among params."""
    named = [leaf for path, leaf in jax.tree.leaves_with_path(params) if getattr(path[-1], "name", "") == "w_h"]
    return max((leaf.size * leaf.dtype.itemsize for leaf in named), default=0)
