"""Two CPU devices and float64 for every test in this process; scripts run in processes of their own."""

import contextlib
import gc
import os
import shutil
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest

jax.config.update("jax_num_cpu_devices", 2)
jax.config.update("jax_disable_most_optimizations", True)  # compiling is most of the time that tests take
# With one LLVM module per program, and without fused kernels, compiling takes less than half the time. XLA ends a
# process that gives it a flag it does not know, as jaxlib 0.12 does not know the second one.
FLAGS = ["--xla_cpu_parallel_codegen_split_count=1"]
FLAGS += ["--xla_cpu_use_fusion_emitters=false"] if jax.__version_info__ < (0, 11) else []
os.environ["XLA_FLAGS"] = " ".join([os.environ.get("XLA_FLAGS", ""), *FLAGS])

ROOT = Path(__file__).parents[1]
LARGE = 4 * 2**30  # bytes of a worker from which on it gives up its compiled programs


def pytest_configure(config):
    """Tests that compile the same program share it, between workers and from one run of the tests to the next."""
    cache = config.cache.mkdir("jax")
    if not hasattr(config, "workerinput") and not cache.is_symlink():  # what a link leads to is shared with others
        with contextlib.suppress(FileNotFoundError):  # another run of the tests may remove a file in the meantime
            if sum(file.stat().st_size for file in cache.iterdir()) > 2**30:
                shutil.rmtree(cache)  # JAX's own limit costs more than it saves: every entry then looks at all others
    jax.config.update("jax_compilation_cache_dir", str(cache))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)


@pytest.hookimpl(tryfirst=True)  # before pytest looks at `-m`
def pytest_collection_modifyitems(config, items):
    _sample(items)
    _take_shares(config, items)


def _sample(items):
    """Marks all but n evenly spaced members of a family marked `sample(n, share)` as slow, to run in shares.

    Of the tests marked `costly` every third is plain. With JAXRNN_DAY=N other members are plain every day, so that all
    take their turn.
    """
    families, day = {}, int(os.environ.get("JAXRNN_DAY", 0))
    for item in items:
        if item.get_closest_marker("sample") and not any(item.get_closest_marker(m) for m in ("slow", "oracle")):
            families.setdefault((item.path, item.originalname), []).append(item)
    for members in families.values():
        count, share = members[0].get_closest_marker("sample").args
        spaced = [round((place + 0.5) * len(members) / count - 0.5) for place in range(count)]
        plain = {(place + day) % len(members) for place in spaced}
        for place, item in enumerate(members):
            if place not in plain:
                item.add_marker(pytest.mark.slow)
                item.add_marker(pytest.mark.share(share))
    costly = [item for item in items if item.get_closest_marker("costly") and not item.get_closest_marker("slow")]
    for place, item in enumerate(costly):
        if (place + day) % 3:
            item.add_marker(pytest.mark.slow)


def _take_shares(config, items):
    """With JAXRNN_DAY=N, runs one in n tests of a family marked `share(n)`, another one per day; without it all."""
    if (day := os.environ.get("JAXRNN_DAY")) is None:
        return
    seen, left_out = {}, []
    for item in items:
        if (mark := item.get_closest_marker("share")) is not None:
            seen[item.originalname] = place = seen.get(item.originalname, -1) + 1
            if (place + int(day)) % mark.args[0]:
                left_out.append(item)
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in set(left_out)]


@pytest.fixture(autouse=True, scope="module")
def memory():
    """Compiled programs leave a process that has become large: of two workers each would take 10 GB."""
    yield
    resident = Path("/proc/self/statm")  # Linux only
    if resident.exists() and int(resident.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") > LARGE:
        jax.clear_caches()
        gc.collect()


@pytest.fixture(autouse=True)
def x64():
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", True)


@pytest.fixture
def x32():
    jax.config.update("jax_enable_x64", False)


@pytest.fixture(scope="session")
def root():
    """The root of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def configure():
    """(*overrides, name="train", small=True) -> the configuration, of a small run unless told otherwise."""
    from jaxrnn.experiments.compose import compose

    small = [
        "model.cell.size=4",
        "trainer.steps=60",
        "trainer.report_every=15",
        "checkpoints.seconds=0",
        "figures=false",  # drawing takes longer than training
    ]

    def configured(*overrides, name="train"):
        return compose(name, [*(small if name == "train" else []), *overrides])

    return configured


@pytest.fixture(scope="session")
def numbers():
    """Run folder -> all numbers of its `metrics.csv`."""
    from jaxrnn.storage import metrics_csv

    def found(folder):
        return np.array(
            [v for row in metrics_csv.read(folder) for k, v in row.items() if k != "split" and v is not None]
        )

    return found


@pytest.fixture(scope="session")
def command():
    """(script, *arguments) -> the command as a list."""
    return lambda script, *arguments: [sys.executable, str(ROOT / "scripts" / f"{script}.py"), *arguments]


@pytest.fixture(scope="session")
def call(command):
    """(folder, script, *arguments, **environment) -> the finished process."""

    def run(cwd, script, *arguments, **environment):
        env = {**os.environ, **environment}
        words = command(script, *arguments)
        return subprocess.run(words, cwd=cwd, env=env, capture_output=True, text=True, timeout=300)

    return run
