"""What the hostile tests share: how much of them is drawn, by which seed.

`pytest -m hostile` draws a share; `JAXRNN_HOSTILE=all pytest -m hostile` runs all, JAXRNN_HOSTILE_SEED=N draws by
another seed.
"""

import os

import numpy as np
import pytest


def pytest_collection_modifyitems(items):
    for item in items:
        if "hostile" in item.path.parts:
            item.add_marker(pytest.mark.hostile)


@pytest.fixture(scope="session")
def seed():
    """The seed of what is drawn, said where a test fails."""
    found = int(os.environ.get("JAXRNN_HOSTILE_SEED", 1))
    print(f"JAXRNN_HOSTILE_SEED={found}")
    return found


@pytest.fixture(scope="session")
def share():
    """(all, drawn) -> how many."""
    return lambda every, drawn: every if os.environ.get("JAXRNN_HOSTILE") == "all" else drawn


@pytest.fixture
def rng(seed, request):
    return np.random.default_rng([seed, *request.node.name.encode()])


@pytest.fixture(scope="session")
def clean():
    """A finished process -> nothing; refuses a stack trace, and an error of other than one line."""

    def check(result, statuses=(0, 2)):
        said = f"{' '.join(map(str, result.args))}\n{result.stderr}"
        assert "Traceback" not in result.stderr, said
        assert "Warning" not in result.stderr, said
        assert result.returncode in statuses, f"status {result.returncode}: {said}"
        if result.returncode == 2:
            lines = [line for line in result.stderr.splitlines() if line.strip()]
            assert len(lines) == 1, said
            assert lines[0].startswith("error: "), said

    return check
