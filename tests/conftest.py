"""Two CPU devices and float64 for every test in this process; scripts run in processes of their own."""

import jax
import pytest

jax.config.update("jax_num_cpu_devices", 2)
jax.config.update("jax_disable_most_optimizations", True)  # compiling is most of the time that tests take


def pytest_configure(config):
    """Tests that compile the same program share it, between workers and from one run of the tests to the next."""
    jax.config.update("jax_compilation_cache_dir", str(config.cache.mkdir("jax")))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.3)
    jax.config.update("jax_compilation_cache_max_size", 2**30)


@pytest.fixture(autouse=True)
def x64():
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", True)


@pytest.fixture
def x32():
    jax.config.update("jax_enable_x64", False)
