"""The files and the commands of docs/extending.md, as a reader would type them, outside the package."""

import json
import os
import re
import shlex
import subprocess
import sys

import numpy as np
import pytest


@pytest.fixture(scope="module")
def place(tmp_path_factory, root):
    """A folder with `mine.py` as the page writes it, a CSV of sound levels, and the program as pip installs it."""
    folder = tmp_path_factory.mktemp("outside")
    blocks = re.findall(r"```python\n(.*?)```", (root / "docs/extending.md").read_text(), re.S)
    (folder / "mine.py").write_text("\n\n".join(block for block in blocks if "import mine" not in block))
    (folder / "jaxrnn").write_text("from jaxrnn.commands.program import main\n\nmain()\n")
    levels = 60 + 5 * np.sin(np.arange(400) / 4)
    (folder / "levels.csv").write_text("hour,level\n" + "".join(f"{t},{v}\n" for t, v in enumerate(levels)))
    return folder


@pytest.fixture
def run(place):
    """A command of the page, with more words -> its output."""

    def ran(line, *more):
        words = shlex.split(line.removeprefix("PYTHONPATH=. jaxrnn "))
        env = {**os.environ, "PYTHONPATH": str(place)}
        command = [sys.executable, str(place / "jaxrnn"), *words, *more]
        done = subprocess.run(command, cwd=place, env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return ran


@pytest.fixture
def lines(root):
    """The commands of the page that hold some words."""
    page = (root / "docs/extending.md").read_text().replace("\\\n", " ")
    commands = re.findall(r"^PYTHONPATH.*$", page, re.M)
    return lambda *words: [line for line in commands if all(word in line for word in words)]


SHORT = ("trainer.steps=72", "trainer.report_every=36")


@pytest.mark.slow
def test_a_cell_alone_and_in_a_compiled_sweep(run, lines, place):
    alone, sweep = lines("mine.cell")
    assert "finished at step 72" in run(alone, *SHORT)
    assert "3 runs together over model.cell.leak" in run(sweep, *SHORT)


@pytest.mark.slow
def test_data_sets_that_are_no_series(run, lines):
    for name in ("mine.echo", "mine.rising"):
        (line,) = lines(name)
        assert "finished at step 72" in run(line, *SHORT)


@pytest.mark.slow
def test_a_data_set_an_unroll_and_a_metric(run, lines, place):
    (data,), (unroll,), (metric,) = lines("mine.dataset"), lines("mine.unroll"), lines("mine.largest_error")
    assert "values generated" in run(data, "trainer.report_every=250")
    assert "finished at step 72" in run(unroll, *SHORT)
    run(metric, *SHORT, "hydra.run.dir=measured")
    metrics = json.loads((place / "measured/summary.json").read_text())["metrics"]
    assert metrics["validation"]["largest"] >= np.sqrt(metrics["validation"]["loss"])
    assert "largest" in (place / "measured/metrics.csv").read_text().splitlines()[0]


@pytest.mark.slow
def test_a_study_of_models_and_of_a_run(run, lines, place):
    models, of_run = lines("mine.study")
    assert "norms.png" in run(models, "seeds=2", "model.cell.size=4", "data.length=22")
    run("PYTHONPATH=. jaxrnn train", *SHORT, "hydra.run.dir=one")
    assert "norms.png" in run(of_run.replace("outputs/...", "one"), "study.scale=2.0")


@pytest.mark.slow
def test_from_python(place):
    """The same objects, handed over as they are."""
    code = """
import jaxrnn, mine
from jaxrnn.data import sine
net, metrics = jaxrnn.rnn(mine.cell(4, leak=0.2), 1), {"largest": mine.largest_error()}
run = jaxrnn.fit(net, mine.dataset("levels.csv"), steps=20, batch_size=4, learning_rate=1e-3, unroll=mine.unroll(),
                 metrics=metrics)
assert run.metrics["test"]["largest"] > 0
assert list(mine.study(run).plot()) == ["norms"]
"""
    subprocess.run([sys.executable, "-c", code], cwd=place, check=True)
