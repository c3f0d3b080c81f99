"""The machine on which a benchmark or a study is measured."""

import os
import platform
from pathlib import Path

from jaxrnn.storage import summaries


def machine():
    """Describes the software and the processor: {"versions", "python", "cores", "processor", "device"}."""
    from importlib.metadata import PackageNotFoundError, version

    environment = summaries.versions()
    for name in ("jaxlib", "numpy", "optax", "torch", "keras", "tensorflow", "dm-haiku", "equinox"):
        try:
            environment["versions"][name] = version(name)
        except PackageNotFoundError:
            continue
    cores = len(os.sched_getaffinity(0))
    return {**environment, "python": platform.python_version(), "cores": cores, "processor": _processor()}


def _processor():
    """Returns the name of the CPU; empty if the system does not provide it."""
    info = Path("/proc/cpuinfo")  # Linux only
    lines = info.read_text().splitlines() if info.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
