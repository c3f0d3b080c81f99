"""The Python of the pages runs as it stands, every block in a process of its own."""

import os
import re
import subprocess
import sys

import pytest

PAGES = ["README.md", "docs/applications.md", "docs/library.md", "docs/studies.md"]
ELSEWHERE = ["docs/coming_from/pytorch.md", "docs/coming_from/keras.md", "docs/coming_from/flax.md"]
RUN = """
import jaxrnn

jaxrnn.fit(jaxrnn.experiment("model=gru", "data=sine", "trainer.steps=72", "model.cell.size=4"), folder="outputs/...")
"""


def blocks(root, page):
    return re.findall(r"```python\n(.*?)```", (root / page).read_text(), re.S)


def ran(code, folder):
    environment = {**os.environ, "MPLBACKEND": "agg", "KERAS_BACKEND": "jax"}
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_blocks_run(root, tmp_path, page):
    found = blocks(root, page)
    assert found
    for block in found:
        ran((RUN if "outputs/..." in block else "") + block, tmp_path)


@pytest.mark.oracle
@pytest.mark.parametrize("page", ELSEWHERE)
def test_the_ten_lines_of_both_libraries_run(root, tmp_path, page):
    found = blocks(root, page)
    assert len(found) >= 3  # theirs, ours, a model brought over and back, and a cookbook
    for number, block in enumerate(found):
        ran(block, tmp_path)
        assert number > 2 or len([line for line in block.splitlines() if line.strip()]) <= 22
