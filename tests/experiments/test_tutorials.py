"""Every model on every data set, and the tutorials' runs, from the command line as in the README."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow


def train(folder, *arguments):
    command = [sys.executable, str(ROOT / "scripts" / "train.py"), f"hydra.run.dir={folder}", *arguments]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=900)
    assert result.returncode == 0, result.stderr
    with open(folder / "metrics.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    return json.loads((folder / "summary.json").read_text()), rows


@pytest.mark.share(4)
@pytest.mark.parametrize("data", ["sine", "cosine", "noisy_cosine", "sunspots"])
@pytest.mark.parametrize("model", ["elman", "jordan", "lstm", "gru"])
def test_every_pair_beats_the_trivial_predictor(tmp_path, model, data):
    summary, rows = train(tmp_path, f"model={model}", f"data={data}")
    assert summary["status"] == "finished"
    assert all(np.isfinite(float(row["loss"])) for row in rows)
    for split in ("validation", "test"):
        assert summary["metrics"][split]["loss"] < summary["metrics"][split]["baseline"]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_sine_lstm_goes_on_by_itself(tmp_path, seed):
    summary, _ = train(tmp_path, "experiment=sine_lstm", f"seed={seed}")
    assert summary["steps"] == 36000
    assert (summary["generation"]["prime"], summary["generation"]["length"]) == (36, 36)
    assert summary["generation"]["mean_squared_error"] < 0.01


def test_noisy_cosine_elman_predicts_the_clean_curve(tmp_path):
    summary, _ = train(tmp_path, "experiment=noisy_cosine_elman")
    assert summary["steps"] == 100000
    assert summary["metrics"]["test"]["loss"] < 0.05 * summary["metrics"]["test"]["baseline"]


def test_cosine_elman_explodes_as_published(tmp_path):
    _, rows = train(tmp_path, "experiment=cosine_elman")
    losses = [float(row["loss"]) for row in rows if row["split"] == "train"]
    assert max(losses) > 150
    assert losses[-1] > 1  # and does not come back


def test_cosine_elman_cured(tmp_path):
    summary, rows = train(tmp_path, "experiment=cosine_elman_cured")
    losses = [float(row["loss"]) for row in rows if row["split"] == "train"]
    assert max(losses) < 10
    assert summary["metrics"]["validation"]["loss"] < 1e-6
    assert summary["generation"]["mean_squared_error"] < 1e-3


def test_exploding_elman_learns_nothing_without_clipping_and_learns_with_it(tmp_path):
    for name in ("free", "clipped"):
        (tmp_path / name).mkdir()
    summary, rows = train(tmp_path / "free", "experiment=exploding_elman")
    assert summary["metrics"]["validation"]["loss"] > 0.95 * summary["metrics"]["validation"]["baseline"]
    if summary["status"] == "finished":  # its largest values are so close to infinity that rounding decides
        assert any(note.startswith("the gradient exploded: the updates up to step") for note in summary["notes"])
    norms = [float(row["grad_norm_max"]) for row in rows if row["split"] == "train"]
    assert norms[0] > 1e6  # the second update's, after the first one threw it off
    summary, _ = train(tmp_path / "clipped", "experiment=exploding_elman", "optimizer.clip_norm=3")
    assert summary["status"] == "finished"
    assert summary["metrics"]["validation"]["loss"] < 0.2 * summary["metrics"]["validation"]["baseline"]
