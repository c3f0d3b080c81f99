"""Benchmarks at their smallest: what they write, not how fast anything is."""

import csv
import json
from pathlib import Path

import pytest

from jaxrnn import timing
from jaxrnn.benchmarks import launchers, sweep

TRAIN = str(Path(__file__).parents[1] / "scripts" / "train.py")


def test_sides_take_turns():
    calls = []
    sides = {name: lambda name=name: calls.append(name) for name in "ab"}
    seconds = timing.interleaved(sides, 3, prepare=lambda name: calls.append(name.upper()))
    assert "".join(calls) == "AaBb" * 3
    assert [len(times) for times in seconds.values()] == [3, 3]
    assert all(time >= 0 for times in seconds.values() for time in times)


def test_summaries_compare_with_the_first_side():
    first, second = timing.summarised({"ours": [2.0, 1.0, 9.0], "theirs": [30.0, 4.0, 6.0]}, cells=3)
    assert first == {"cells": 3, "side": "ours", "median": 2.0, "best": 1.0, "times_the_first": 1.0}
    assert second == {"cells": 3, "side": "theirs", "median": 6.0, "best": 4.0, "times_the_first": 3.0}


def test_a_benchmark_leaves_its_times_and_the_machine(tmp_path):
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


@pytest.mark.slow
def test_launchers_are_timed_as_whole_commands():
    arguments = ["model.cell.size=2", "trainer.steps=36", "seed=0,1"]
    measured = launchers.benchmark(TRAIN, arguments, ["compiled", "basic"], repeats=1)
    assert [(row["cache"], row["side"]) for row in measured.summary] == [
        (cache, side) for cache in ("cold", "warm") for side in ("compiled", "basic")
    ]
    assert all(row["median"] > 1 for row in measured.summary)
    assert len(launchers.plot(measured)["launchers"].axes) == 2
