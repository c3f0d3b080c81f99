"""Runs in this process: one trace, resuming bit for bit, divergence, early stopping, broken folders."""

import json
import os
import shutil
import signal
from pathlib import Path

import hydra
import jax
import numpy as np
import pytest
from omegaconf import OmegaConf

from jaxrnn import logging, results, runs
from jaxrnn.checkpoint import Checkpoints
from jaxrnn.config import Refusal

CONF = str(Path(__file__).parents[1] / "conf")
SMALL = ["model.cell.size=4", "trainer.steps=60", "trainer.report_every=15", "trainer.checkpoint_seconds=0"]


def configure(*overrides):
    with hydra.initialize_config_dir(CONF, version_base="1.3"):
        cfg = hydra.compose("train", [f"++{o}" if "." in o.split("=")[0] else o for o in (*SMALL, *overrides)])
    OmegaConf.set_struct(cfg, False)
    return cfg


def train(folder, *overrides):
    cfg = configure(*overrides)
    (folder / ".hydra").mkdir(parents=True)
    OmegaConf.save(cfg, folder / ".hydra" / "config.yaml")
    return runs.train(cfg, folder)


def last_arrays(folder):
    """The raw content of the last checkpoint's state."""
    experiment = runs.build(runs.saved_config(folder))
    program = runs.training.program(experiment.net, experiment.dataset, experiment.optimizer, experiment.trainer)
    state = program.init(jax.random.key(0))
    state, best, progress = Checkpoints(folder).restore(state, state.params)
    progress.pop("seconds")
    return (state, best), progress


def test_a_run_leaves_what_the_design_says(tmp_path):
    summary = train(tmp_path, "data.stateful=true")
    assert summary == json.loads((tmp_path / "summary.json").read_text())
    assert summary["status"] == "finished"
    assert summary["steps"] == 60
    assert summary["parameters"] == 4 * 4 * (1 + 4 + 1) + 4 + 1
    assert {"seconds", "compile_seconds", "steps_per_second", "versions", "device"} <= set(summary)
    assert set(summary["versions"]) == {"jax", "flax", "jaxrnn"}
    rows = logging.read(tmp_path)
    assert [(row["step"], row["split"]) for row in rows] == [
        (step, split) for step in (15, 30, 45, 60) for split in ("train", "validation")
    ]
    assert all(row["grad_norm_max"] >= row["grad_norm"] > 0 for row in rows if row["split"] == "train")
    figures = {path.stem for path in (tmp_path / "figures").glob("*.png")}
    assert figures == {"learning_curves", "gradient_norm", "prediction", "generation"}
    best = min((row["loss"], row["step"]) for row in rows if row["split"] == "validation")
    assert summary["best_step"] == best[1]
    assert summary["metrics"]["validation"]["loss"] == pytest.approx(best[0], rel=1e-6)
    loaded = runs.load(tmp_path)
    assert loaded.step == best[1]
    assert results.evaluate(loaded)["validation"]["loss"] == pytest.approx(best[0], rel=1e-6)


def test_a_step_is_traced_once(tmp_path, monkeypatch):
    """Also where the last report is shorter than the others."""
    traces = []
    build = runs.build

    def counting(cfg):
        experiment = build(cfg)
        batch = experiment.dataset.batch
        dataset = experiment.dataset._replace(batch=lambda *args: traces.append(1) or batch(*args))
        return experiment._replace(dataset=dataset)

    monkeypatch.setattr(runs, "build", counting)
    train(tmp_path, "trainer.steps=50")
    assert len(traces) == 1


@pytest.mark.parametrize("data", ["sine", "noisy_cosine"])
def test_resuming_is_bit_for_bit_never_stopping(tmp_path, data, monkeypatch):
    """Stopped after the second report, then resumed, with dropout on: the same metrics, state and best params."""
    options = [f"data={data}", "model.layers=2", "model.dropout=0.2", "model.learned_carry=true"]
    train(tmp_path / "whole", *options)
    build, reports = runs.build, []

    def interrupted(cfg):
        experiment = build(cfg)

        def measure(params, batch):
            reports.append(1)
            if len(reports) == 2:
                os.kill(os.getpid(), signal.SIGTERM)
            return experiment.compiled.measure(params, batch)

        return experiment._replace(compiled=experiment.compiled._replace(measure=measure))

    monkeypatch.setattr(runs, "build", interrupted)
    summary = train(tmp_path / "stopped", *options)
    monkeypatch.undo()
    assert (summary["status"], summary["reason"], summary["steps"]) == ("stopped", "SIGTERM", 30)
    with open(tmp_path / "stopped" / "metrics.csv", "a") as file:
        file.write("45,train,0.1,")  # what a kill leaves behind: rows past the checkpoint, the last one cut off
    summary = runs.resume(tmp_path / "stopped")
    assert (summary["status"], summary["steps"]) == ("finished", 60)
    whole, stopped = ((tmp_path / name / "metrics.csv").read_bytes() for name in ("whole", "stopped"))
    assert whole == stopped
    (a, progress_a), (b, progress_b) = last_arrays(tmp_path / "whole"), last_arrays(tmp_path / "stopped")
    jax.tree.map(np.testing.assert_array_equal, a, b)
    assert progress_a == progress_b


def test_a_finished_run_can_be_trained_further(tmp_path):
    train(tmp_path / "long", "trainer.steps=60")
    train(tmp_path / "short", "trainer.steps=30")
    assert runs.resume(tmp_path / "short", steps=60)["steps"] == 60
    assert runs.saved_config(tmp_path / "short").trainer.steps == 60  # an extension that is cut off goes on too
    with pytest.raises(Refusal, match="holds a run already; go on with it"):
        runs.train(configure(), tmp_path / "short")
    assert (tmp_path / "long" / "metrics.csv").read_bytes() == (tmp_path / "short" / "metrics.csv").read_bytes()
    assert runs.resume(tmp_path / "short", steps=60)["status"] == "finished"  # nothing left to do is no error


def test_divergence_names_the_step_and_keeps_the_last_good_checkpoint(tmp_path):
    summary = train(
        tmp_path,
        "model=elman",
        "model.cell.activation=linear",
        "optimizer=sgd",
        "optimizer.clip_norm=null",
        "optimizer.learning_rate=0.7",
        "data=noisy_cosine",
        "trainer.steps=200",
        "trainer.report_every=1",
    )
    assert summary["status"] == "diverged"
    step = int(summary["reason"].split()[-1])
    rows = [row for row in logging.read(tmp_path) if row["split"] == "train"]
    assert rows[-1]["step"] - 1 < step <= rows[-1]["step"]
    assert all(np.isfinite(row["loss"]) for row in rows[:-1])
    assert summary["steps"] == rows[-1]["step"] - 1 > 0
    (state, best), _ = last_arrays(tmp_path)
    assert state.step == summary["steps"]
    assert all(np.isfinite(a).all() for a in jax.tree.leaves((state.params, best)))
    json.loads((tmp_path / "summary.json").read_text(), parse_constant=lambda name: pytest.fail(name))


def test_early_stopping_keeps_the_best(tmp_path):
    summary = train(tmp_path, "trainer.patience=2", "trainer.steps=3000", "optimizer.learning_rate=0.1")
    assert "trainer.patience=2" in summary["reason"]
    assert summary["steps"] < 3000
    assert summary["best_step"] == summary["steps"] - 30
    before = (tmp_path / "metrics.csv").read_bytes()
    (tmp_path / "summary.json").unlink()  # killed after its last checkpoint
    again = runs.resume(tmp_path)
    assert (again["steps"], again["reason"]) == (summary["steps"], summary["reason"])
    assert (tmp_path / "metrics.csv").read_bytes() == before


def test_a_validation_loss_that_is_not_finite_stops_the_run(tmp_path, monkeypatch):
    build, reports = runs.build, []

    def spoiled(cfg):
        experiment = build(cfg)
        measure = lambda params, batch: reports.append(1) or (0.5 if len(reports) < 3 else np.nan)  # noqa: E731
        return experiment._replace(compiled=experiment.compiled._replace(measure=measure))

    monkeypatch.setattr(runs, "build", spoiled)
    summary = train(tmp_path)
    assert (summary["status"], summary["steps"], summary["best_step"]) == ("diverged", 30, 15)


def test_a_half_written_checkpoint_is_never_loaded(tmp_path):
    train(tmp_path)
    checkpoints = tmp_path / "checkpoints"
    whole, half = checkpoints / "60", checkpoints / "75.orbax-checkpoint-tmp"
    shutil.copytree(whole, half)
    next(half.rglob("manifest.ocdbt")).unlink()
    assert int(last_arrays(tmp_path)[0][0].step) == 60


def test_broken_folders_are_refused(tmp_path):
    with pytest.raises(Refusal, match="no run folder"):
        runs.resume(tmp_path)
    train(tmp_path / "run")
    cfg = runs.saved_config(tmp_path / "run")
    cfg.model.cell.size = 5
    OmegaConf.save(cfg, tmp_path / "run" / ".hydra" / "config.yaml")
    with pytest.raises(Refusal, match=r"broken, or of another version.*is expected"):
        runs.load(tmp_path / "run")
    shutil.rmtree(tmp_path / "run" / "checkpoints")
    with pytest.raises(Refusal, match="no checkpoint yet; go on with"):
        runs.load(tmp_path / "run")
    OmegaConf.save({"seed": 0}, tmp_path / "run" / ".hydra" / "config.yaml")
    with pytest.raises(Refusal, match="it lacks model, data, optimizer, trainer"):
        runs.load(tmp_path / "run")


def test_a_full_disk_loses_nothing_that_was_saved(tmp_path, monkeypatch):
    save, calls = Checkpoints.save, []

    def full(self, *args):
        calls.append(1)
        if len(calls) == 3:
            raise OSError(28, "No space left on device")
        save(self, *args)

    monkeypatch.setattr(Checkpoints, "save", full)
    with pytest.raises(Refusal, match=r"No space left.*go on with python scripts/train.py resume="):
        train(tmp_path / "full")
    monkeypatch.undo()
    assert int(last_arrays(tmp_path / "full")[0][0].step) == 30
    runs.resume(tmp_path / "full")
    train(tmp_path / "whole")
    assert (tmp_path / "full" / "metrics.csv").read_bytes() == (tmp_path / "whole" / "metrics.csv").read_bytes()


def test_generation_is_primed_and_measured(tmp_path):
    train(tmp_path, "trainer.steps=15")
    run = runs.load(tmp_path)
    path, figure, error = results.write_generation(run, prime=20, length=50)
    lines = path.read_text().splitlines()
    assert lines[0] == "index,generated,truth"
    assert len(lines) == 51
    values = np.array([[float(v) for v in line.split(",")] for line in lines[1:]])
    np.testing.assert_allclose(values[:, 2], np.sin(np.arange(36, 86)), atol=1e-6)
    np.testing.assert_allclose(error, np.mean((values[:, 1] - values[:, 2]) ** 2), rtol=1e-6)
    assert figure.is_file()
    with pytest.raises(Refusal, match="prime=37: give 1 to 36"):
        results.generate(run, prime=37)
    with pytest.raises(Refusal, match="length=0: should be greater than 0"):
        results.generate(run, length=0)


def test_a_bidirectional_net_trains_but_does_not_stream(tmp_path):
    options = ("model.bidirectional=concat", "data=noisy_cosine", "trainer.steps=15")
    summary = train(tmp_path, *options)
    assert "generation" not in summary
    assert not (tmp_path / "figures" / "generation.png").exists()
    with pytest.raises(Refusal, match="reads the future"):
        results.generate(runs.load(tmp_path))
    with pytest.raises(Refusal, match=r"data\.stateful=false"):
        runs.build(configure("model.bidirectional=concat", "data=sine"))


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (
            ["model=jordan", "model.bidirectional=concat", "data=cosine"],
            "outputs are 2 wide, the targets of the data 1",
        ),
        (["model.readout=false"], "outputs are 4 wide"),
        (["model=jordan", "model.cell.recurrent_init._target_=jaxrnn.initializers.spectral"], "square matrix"),
        (["model.layers=2", "model.residual=true", "model.bidirectional=concat", "model.cell.size=3"], None),
        (["data=sunspots", "data.validation=0.5", "data.test=0.5"], "leave nothing to train on"),
        (["seed=true"], "seed=True"),
        (["seed=1180591620717411303424"], "seed=1180591620717411303424: should be less than 4294967296"),
        (["trainer.steps=true"], "trainer.steps=True"),
        (["optimizer.learning_rate=inf"], "should be finite"),
        (["model.cell.chrono=1.5"], "should be greater than 2"),
    ],
)
def test_refused_before_anything_compiles(overrides, message):
    if message is None:
        runs.build(configure("data=noisy_cosine", *overrides))
    else:
        with pytest.raises(Refusal, match=message):
            runs.build(configure(*overrides))


def test_numbers_that_mean_the_same_are_taken():
    experiment = runs.build(configure("seed=1e3", "trainer.steps=1e3", "optimizer.clip_norm=1"))
    assert (experiment.cfg.seed, experiment.trainer.steps) == (1000, 1000)
    assert isinstance(experiment.cfg.seed, int)


@pytest.mark.parametrize("precision", ["f32", "bf16", "f64"])
@pytest.mark.parametrize("unroll", ["scan", "chunked"])
def test_precisions_and_unrolls_by_name(tmp_path, precision, unroll):
    summary = train(
        tmp_path, "data=noisy_cosine", f"trainer.precision={precision}", f"trainer.unroll={unroll}", "trainer.steps=15"
    )
    assert np.isfinite(summary["metrics"]["test"]["loss"])
    expected = np.float64 if precision == "f64" else np.float32
    assert all(a.dtype == expected for a in jax.tree.leaves(runs.load(tmp_path).params))
