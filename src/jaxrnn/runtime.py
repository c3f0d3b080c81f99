"""Sets the global state of JAX: one XLA device per core, the cache of compiled programs, the link to other processes.

It also makes the meshes of devices that share the rows of a batch or the runs of a sweep. No other module sets global
state of JAX, except `benchmarks/length.py`, which switches the compilation cache off while it measures.
"""

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
from typing import TypeVar

import jax
import numpy as np

from jaxrnn.contracts import Params
from jaxrnn.errors import ConfigError
from jaxrnn.recurrent_weights import recurrent_weights

CACHE_BYTES = 2**30  # size limit of the cache of compiled programs
FRESH_SECONDS = 600.0  # a compiled program that was used more recently is not removed
CLEANING_INTERVAL = 3600.0  # seconds between two cleanings of the cache
JOIN_SECONDS, QUIET_SECONDS = 300.0, 5.0  # limit for all processes to join; wait before a process prints a message
# A recurrent matrix runs on one device if it has at least TOO_LARGE bytes and A_ROW bytes per batch row (see `mesh`).
TOO_LARGE, A_ROW = 2**22, 2**17
ROWS = "rows"  # the mesh axis over which a batch is split
Tree = TypeVar("Tree")  # a pytree of arrays


@functools.cache
def prepare() -> None:
    """Prepares a process for JAX: sets one device per core and the cache of compiled programs.

    Call it before the first array; only the first call in a process has an effect. It also keeps the garbage collector
    from scanning the imported modules and from collecting at exit, which saves a third of a second.

    Raises:
      RuntimeError: if JAX has already made an array.
    """
    use_all_cores()
    keep_compiled()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    atexit.register(gc.freeze)


def processes() -> tuple[int, int]:
    """Returns (index of this process, number of processes) of a computation, read from the environment.

    The variables are JAX_COORDINATOR_ADDRESS (HOST:PORT of the first process), JAX_NUM_PROCESSES and JAX_PROCESS_ID.
    With JAXRNN_CLUSTER=slurm all three values come from Slurm. Without any of them the result is (0, 1).

    Raises:
      ConfigError: if a number is missing or out of range, or the address has no port.
    """
    slurm = _under_slurm()
    if not slurm and "JAX_COORDINATOR_ADDRESS" not in os.environ:
        return 0, 1
    index_name, count_name = ("SLURM_PROCID", "SLURM_NTASKS") if slurm else ("JAX_PROCESS_ID", "JAX_NUM_PROCESSES")
    try:
        index, count = int(os.environ[index_name]), int(os.environ[count_name])
    except (KeyError, ValueError) as error:
        raise ConfigError(f"set {index_name} and {count_name} to numbers in every process's environment") from error
    if not 0 <= index < count:
        raise ConfigError(f"{index_name}={index} must be at least 0 and below {count_name}={count}")
    if not slurm and not re.fullmatch(r".+:\d+", address := os.environ["JAX_COORDINATOR_ADDRESS"]):
        raise ConfigError(f"JAX_COORDINATOR_ADDRESS={address} must be HOST:PORT, a port of the first process's host")
    return index, count


def join_processes(patience: float = JOIN_SECONDS) -> None:
    """Joins the other processes of a computation. Call it before the first array; a single process returns at once.

    Args:
      patience: seconds until all processes must have joined.

    Raises:
      ConfigError: if a process is missing after that time.
    """
    index, count = processes()
    if count == 1 or jax.distributed.is_initialized():
        return
    name, errors = f"process {index + 1} of {count}", []
    joining = threading.Thread(target=_initialize, args=(index, count, patience, errors), daemon=True)
    joining.start()  # JAX waits in C++ code, which handles neither Ctrl-C nor SIGTERM
    joining.join(min(QUIET_SECONDS, patience))
    if joining.is_alive():
        print(f"{name} waits for the others", flush=True)
        joining.join(patience - min(QUIET_SECONDS, patience))
    if joining.is_alive():
        raise ConfigError(
            f"{name}: the others have not joined within {patience:.0f} s; read their output, then start all at once"
        )
    if errors:
        raise errors[0]


def _initialize(index, count, patience, errors):
    limit = round(2 * patience) + 60  # then C++ code aborts; `join_processes` gives up earlier
    try:
        if _under_slurm():
            jax.distributed.initialize(cluster_detection_method="slurm", initialization_timeout=limit)
        else:
            address = os.environ["JAX_COORDINATOR_ADDRESS"]
            jax.distributed.initialize(address, count, index, initialization_timeout=limit)
    except Exception as error:
        errors.append(error)


def _under_slurm():
    return os.environ.get("JAXRNN_CLUSTER") == "slurm"


def local(tree: Tree) -> Tree:
    """Returns this process's copy of arrays that are the same on all devices."""
    if jax.process_count() == 1:
        return tree
    return jax.tree.map(lambda a: a.addressable_data(0) if isinstance(a, jax.Array) else a, tree)


def on_all(arrays: Tree, devices: jax.sharding.Mesh) -> Tree:
    """Puts arrays on every device of a mesh. The devices of a CPU share their memory, so nothing is copied there.

    Args:
      arrays: a pytree, the same in every process.
      devices: the mesh.
    """
    everywhere = jax.sharding.NamedSharding(devices, jax.sharding.PartitionSpec())
    if devices.size == 1:
        return jax.device_put(arrays, everywhere)
    host_arrays = jax.device_get(arrays)
    return jax.tree.map(lambda a: jax.make_array_from_callback(a.shape, everywhere, lambda _: a), host_arrays)


def use_all_cores() -> None:
    """Gives the CPU backend one XLA device per core that this process may use. Call it before the first array.

    Inside a loop XLA runs elementwise operations on one thread, so only several devices use several cores.
    """
    usable = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)  # Linux only
    jax.config.update("jax_num_cpu_devices", len(usable))


def keep_compiled() -> None:
    """Keeps compiled programs in the user's cache folder, for the next process on this kind of CPU.

    JAX_COMPILATION_CACHE_DIR sets another folder, which JAX then manages. JAX_ENABLE_COMPILATION_CACHE=false turns the
    cache off. This module limits the size of our own folder; JAX does not. JAX would read all entries at each write,
    and one entry without the file that stores its last use would stop all writing (jax issue 39880).
    """
    if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
        caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        folder = caches / "jaxrnn" / "compiled" / _cpu()  # earlier versions used another folder with JAX's limit
        jax.config.update("jax_compilation_cache_dir", str(folder))
        jax.config.update("jax_compilation_cache_max_size", -1)
        _clean_hourly(folder)
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)


def _clean_hourly(folder):
    """Limits the cache at most once per hour, since reading 2,000 entries takes up to a tenth of a second."""
    marker = folder / ".looked-after"
    with contextlib.suppress(OSError):  # the cache is missing or read-only
        if folder.is_dir() and not (marker.exists() and time.time() - marker.stat().st_mtime < CLEANING_INTERVAL):
            marker.touch()
            make_room(folder)


def make_room(folder: str | Path, largest: int = CACHE_BYTES, fresh: float = FRESH_SECONDS) -> None:
    """Removes the empty files of a cache and, if it is too large, the files that were not used for the longest time.

    Args:
      folder: folder of the cache.
      largest: limit in bytes; a larger cache is reduced to three quarters of it.
      fresh: seconds; files used more recently stay, since another process may be reading or writing them.
    """
    files = []
    for entry in os.scandir(folder):
        with contextlib.suppress(OSError):  # another process has removed the file
            status = entry.stat()
            files.append((max(status.st_atime, status.st_mtime), status.st_size, entry.path))
    total, before = sum(size for _, size, _ in files), time.time() - fresh
    excess = total - 0.75 * largest if total > largest else 0
    for used, size, path in sorted(files):
        if used < before and (excess > 0 or size == 0):  # a process that is killed while writing leaves empty files
            with contextlib.suppress(OSError):  # another process has removed the file, or the folder is read-only
                os.unlink(path)
                excess -= size


def free_memory() -> int:
    """Returns the free memory in bytes: of all local accelerators, or of the system if they do not report it."""
    reported = [device.memory_stats() for device in jax.local_devices()]
    if all(reported):
        return sum(stats["bytes_limit"] - stats["bytes_in_use"] for stats in reported)
    meminfo = Path("/proc/meminfo")  # Linux only
    lines = meminfo.read_text().splitlines() if meminfo.exists() else []
    available = [int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable")]
    return available[0] if available else os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2


def _cpu():
    """Returns a name for this kind of CPU. A program compiled for one kind may not run on another kind."""
    info = Path("/proc/cpuinfo")  # Linux only
    lines = info.read_text().splitlines() if info.exists() else []
    features = next((line for line in lines if line.startswith(("flags", "Features"))), "")
    return hashlib.sha256(features.encode()).hexdigest()[:12]


def mesh(rows: int, axis: str = ROWS, everywhere: bool = False, params: Params = ()) -> jax.sharding.Mesh:
    """Makes a one-axis mesh of devices for the rows of a batch or the runs of a group.

    The number of devices is the largest that divides the number of rows or runs.

    Args:
      rows: number of rows or runs.
      axis: name of the axis.
      everywhere: True for an equal number of devices of every process, False for only this process's devices.
      params: params of the net, arrays or their shapes. If a recurrent matrix is too large for the cache of a CPU core
        and the rows are few, the mesh has one device: XLA then splits the columns of each product over the cores, and
        each core reads only its part of the matrix at every step.

    Raises:
      ValueError: if the rows cannot be split evenly over all processes.
    """
    processes = jax.process_count() if everywhere else 1
    fits = [n for n in range(1, jax.local_device_count() + 1) if rows % (n * processes) == 0]
    if not fits:
        raise ValueError(f"{rows} rows cannot be split evenly over {processes} processes")
    if not everywhere:
        together = jax.default_backend() == "cpu" and _recurrent_bytes(params) >= max(TOO_LARGE, rows * A_ROW)
        return jax.sharding.Mesh(np.array(jax.local_devices()[: 1 if together else max(fits)]), (axis,))
    devices = [[d for d in jax.devices() if d.process_index == process][: max(fits)] for process in range(processes)]
    return jax.sharding.Mesh(np.array(devices).ravel(), (axis,))


def _recurrent_bytes(params):
    """Returns the size in bytes of the largest `w_h` in params."""
    return max((w.size * w.dtype.itemsize for w in recurrent_weights(params)), default=0)
