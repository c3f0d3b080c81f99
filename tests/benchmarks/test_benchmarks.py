"""Benchmarks at their smallest: what they write, not how fast anything is."""

import csv
import importlib
import json
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from jaxrnn.benchmarks import _timing as timing
from jaxrnn.benchmarks import _training, associative, launchers, sweep
from jaxrnn.benchmarks._worker import Missing, Worker, Workers, clocked, first_time
from jaxrnn.experiments import schema
from jaxrnn.experiments.build import build
from jaxrnn.training import engine

TRAIN = str(Path(__file__).parents[2] / "scripts" / "train.py")


def test_sides_take_turns():
    calls = []
    sides = {name: clocked(lambda name=name: calls.append(name)) for name in "ab"}
    seconds = timing.interleaved(sides, 3)
    assert "".join(calls) == "ab" * 3
    assert [len(times) for times in seconds.values()] == [3, 3]


def test_a_short_call_is_repeated_and_its_time_is_that_of_one():
    calls = []
    seconds = clocked(lambda: calls.append(time.sleep(0.01)), at_least=0.1)()
    assert 2 <= len(calls) <= 10
    assert 0.01 <= seconds < 0.1


def sleeper(seconds):
    if seconds is None:
        raise ImportError("No module named 'sleeper'")
    return lambda: time.sleep(float(os.environ["FACTOR"]) * seconds)


@pytest.mark.slow
def test_sides_elsewhere_are_timed_there_and_missing_ones_are_named():
    makers = {
        "there": partial(Worker, sleeper, 0.02, environment={"FACTOR": "2"}),
        "absent": partial(Worker, sleeper, None),
        "killed": partial(Worker, os._exit, 3),
    }
    seconds, left_out = timing.in_turn(makers, 2)
    assert [len(times) for times in seconds.values()] == [2]
    assert all(0.04 <= value < 0.4 for value in seconds["there"])
    assert left_out == [
        "without absent (ImportError: No module named 'sleeper')",
        "without killed (its process ended with exit code 3)",
    ]
    assert first_time(sleeper, 0.02, environment={"FACTOR": "2"})() >= 0.04


def counter(step):
    if step is None:
        raise ValueError("no step")
    made = os.environ["MADE"] = str(int(os.environ.get("MADE", 0)) + 1)
    return lambda: time.sleep(step * int(made))


@pytest.mark.slow
def test_a_worker_stays_from_one_measurement_to_the_next():
    with Workers() as workers:
        for made in (1, 2):
            assert workers.side("one", counter, 0.3)() >= 0.3 * made  # the second time in the same process
        with pytest.raises(Missing, match="ValueError: no step"):
            workers.side("one", counter, None)
        assert workers.side("one", counter, 0.3)() < 0.6  # in a new one


TINY = {
    "length": ["lengths=[5,9]", "size=2"],
    "parallel": ["lengths=[5,9]", "sizes=[1,2]", "at_least=0"],
    "associative": ["lengths=[5,9]", "size=2", "at_least=0"],
    "online": ["sizes=[2,3]", "length=3", "rules=[scan,uoro,kf_rtrl]", "at_least=0"],
    "gpu_parallel": ["lengths=[5,9000000]", "sizes=[2]", "at_least=0", "memory=0.1"],
    "gpu_sweep": ["runs=[1,2]", "size=2", "steps=20"],
    "gpu_layer": ["shapes=[[2,3,1,4]]", "cells=[lstm,gru]", "baselines=[]", "at_least=0"],
    "layer": ["shapes=[[1,3,1,2],[2,3,1,2]]", "cells=[lstm,jordan]", "baselines=[Flax linen]", "at_least=0"],
    "scale": ["runs=[2]", "steps=[10,20]", "units=[2]", "processes=[2]", "texts=[1]", f"script={TRAIN}"],
    "stream": ["shapes=[[1,1,2]]", "cells=[lstm,gru]", "baselines=[Flax nnx]", "at_least=0"],
    "startup": [
        "imports=[json,nowhere]",
        "run='trainer.steps=36'",
        "after=['report run','evaluate run=none']",
        f"script={TRAIN}",
    ],
    "addition": ["examples=800", "digits=2", "size=2", "goal=0", "epochs=1"],
    "compile": ["lengths=[3]", "shape=[1,1,2]", "baselines=[]", "repeats=1"],
}


@pytest.mark.slow
@pytest.mark.parametrize("name", TINY)
def test_benchmarks_by_their_configurations(name, tmp_path, x32, configure):
    options = [f"benchmark={name}", *(f"benchmark.{option}" for option in ["repeats=1", *TINY[name]])]
    cfg = configure(*options, name="benchmark")
    schema.check(cfg)
    measured = schema.instantiate(cfg.benchmark)
    module = importlib.import_module(cfg.benchmark._target_.rpartition(".")[0])
    timing.write(measured, name, module.plot(measured), tmp_path)
    assert all(row["seconds"] > 0 for row in measured.rows)
    sides = list(dict.fromkeys(row["side"] for row in measured.summary))
    if name == "length":
        assert sides == ["scan", "deferred", "chunked"]
        assert all(row["megabytes"] > 0 and row["compile_seconds"] > 0.01 for row in measured.summary)
    if name in ("associative", "online"):
        assert sides == (["scan", "associative"] if name == "associative" else ["scan", "uoro", "kf_rtrl"])
        assert all(row["megabytes"] >= 0 for row in measured.summary)
    if "parallel" in name:
        assert sides == ["scan", "newton", "newton_diagonal"]
        assert all(row["error"] < 1e-5 for row in measured.summary)
    if name == "gpu_parallel":
        assert "H=2 T=9000000 left out" in measured.findings[-1]
    if name == "gpu_layer":
        assert sides == ["jaxrnn", "jaxrnn scan"]
        assert any("cudnn needs an NVIDIA GPU" in line for line in measured.findings)
    if name == "layer":
        assert sides == ["jaxrnn", "Flax linen", "jaxrnn elman"]
    if name == "stream":
        assert sides == ["jaxrnn", "Flax nnx"]
        assert measured.findings[0].startswith("lstm B=1 D=1 H=2: jaxrnn ")
    if name == "scale":
        assert {"runs", "report of runs", "steps", "units", "processes", "megabytes of text"} <= set(sides)
        assert all(row["seconds"] > 0 and row["megabytes"] > 0 for row in measured.summary)
        exponents = {row["side"]: row["exponent"] for row in measured.summary}
        assert np.isfinite(exponents["steps"])  # of two sizes
        assert np.isnan(exponents["units"])
    if name == "addition":
        assert sides[0] == "jaxrnn"
        assert "0% of the sums exact, jaxrnn" in measured.findings[0]
    if name == "compile":
        assert sides == ["jaxrnn, cold", "jaxrnn, warm"]
    if name == "startup":
        assert sides[:4] == ["trainer.steps=36, cold", "trainer.steps=36, warm", "--help", "report run"]
        assert sides[4:] == ["import jax", "import json"]
        assert "times import jax, budget 0.6" in measured.findings[2]
        assert measured.summary[2]["times_import_jax"] > 0
        assert measured.findings[-2].startswith("without evaluate run=none (error: none is not a run folder")
        assert measured.findings[-1].startswith("without import nowhere (ModuleNotFoundError")


def test_summaries_compare_with_the_first_side():
    first, second = timing.summarised({"ours": [2.0, 1.0, 9.0], "theirs": [30.0, 4.0, 6.0]}, cells=3)
    assert first == {"cells": 3, "side": "ours", "median": 2.0, "best": 1.0, "times_the_first": 1.0}
    assert second == {"cells": 3, "side": "theirs", "median": 6.0, "best": 4.0, "times_the_first": 3.0}


@pytest.mark.slow
def test_a_benchmark_leaves_its_times_and_the_machine(tmp_path, x32):
    measured = sweep.benchmark(runs=[1, 4], size=2, steps=20, repeats=2)
    timing.write(measured, "sweep", sweep.plot(measured), tmp_path)
    with open(tmp_path / "sweep.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["side"] for row in rows] == ["single run"] * 2 + ["1 runs"] * 2 + ["4 runs"] * 2
    assert [row["runs"] for row in measured.summary] == [1, 1, 4]
    for row in measured.summary:
        assert row["runs_per_second"] == pytest.approx(row["runs"] / row["median"])
    assert {"versions", "device", "cores", "python"} <= json.loads((tmp_path / "machine.json").read_text()).keys()
    assert (tmp_path / "figures/sweep.pdf").is_file()


def test_a_training_that_diverges_is_no_time(configure):
    cfg = configure("data=sine", "optimizer=sgd", "optimizer.learning_rate=1e30", "model=elman")
    made = build(cfg)
    with pytest.raises(RuntimeError, match="a run is diverged after 0 updates: loss, gradient or params"):
        _training.side(made.task, engine.single(made.task, made.seed))()


@pytest.mark.slow
def test_launchers_are_timed_as_whole_commands():
    arguments = ["model.cell.size=2", "trainer.steps=36", "seed=0,1"]
    measured = launchers.benchmark(TRAIN, arguments, ["compiled", "basic"], repeats=1)
    assert [(row["cache"], row["side"]) for row in measured.summary] == [
        (cache, side) for cache in ("cold", "warm") for side in ("compiled", "basic")
    ]
    assert all(row["median"] > 1 for row in measured.summary)
    assert len(launchers.plot(measured)["launchers"].axes) == 2


def test_nothing_is_seen_of_what_a_worker_prints(capfd):
    side = Worker(eval, "lambda: __import__('os').system('echo said; echo logged >&2')")
    assert side() > 0
    side.close()
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_no_worker_stays_when_a_signal_ends_the_process(tmp_path, number):
    """Between two times a worker is stopped, so it would not see that nobody waits for it."""
    script = tmp_path / "script.py"
    script.write_text("""
import time
from jaxrnn.benchmarks._worker import Worker
from jaxrnn.experiments.command_line import end_at_signals

if __name__ == "__main__":
    end_at_signals()
    worker = Worker(eval, "lambda: None")
    print(worker._process.pid, flush=True)
    time.sleep(60)
""")
    process = subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    worker = int(process.stdout.readline())
    process.send_signal(number)
    _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors.count("\n")) == (128 + number, 1), errors
    assert not Path(f"/proc/{worker}").exists() or "Z" in Path(f"/proc/{worker}/stat").read_text().split()


def test_a_figure_draws_the_medians_of_each_cell_and_side():
    sides = [(cell, side) for cell in ("lru", "min_gru") for side in associative.UNROLLS]
    summary = [
        {"cell": cell, "side": side, "T": length, "median": place + length / 1000}
        for place, (cell, side) in enumerate(sides)
        for length in (10, 100)
    ]
    figure = associative.plot(timing.Measured([], summary, []))["associative"]
    lines = [(axes.get_title(loc="left") or axes.get_title(), line) for axes in figure.axes for line in axes.lines]
    assert [(cell, line.get_label()) for cell, line in lines] == sides
    for place, (_, line) in enumerate(lines):
        np.testing.assert_allclose(line.get_xydata(), [(10, place + 0.01), (100, place + 0.1)])
