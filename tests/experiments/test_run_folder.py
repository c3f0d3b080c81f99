"""Runs in this process: one trace, resuming bit for bit, divergence, early stopping, broken folders."""

import json
import os
import shutil
import signal

import jax
import numpy as np
import pytest
from omegaconf import OmegaConf

from jaxrnn.errors import ConfigError
from jaxrnn.experiments import artifacts, build, run_folder, saved_config
from jaxrnn.precision import computing
from jaxrnn.storage import metrics_csv, run_folders
from jaxrnn.storage.checkpoints import Checkpoints
from jaxrnn.training.compiled import single_program


@pytest.fixture
def train(configure):
    """(folder, *overrides) -> the summary of a small run in a folder as a script would leave it."""

    def trained(folder, *overrides):
        cfg = configure(*overrides)
        (folder / ".hydra").mkdir(parents=True)
        OmegaConf.save(cfg, folder / ".hydra" / "config.yaml")
        return run_folder.train(cfg, folder)

    return trained


def last_arrays(folder):
    """The raw content of the last checkpoint's state."""
    task = run_folder.saved_experiment(folder).task
    with computing(task.trainer.precision):
        state = single_program(task).init(jax.random.key(0))
    state, best, progress, _ = Checkpoints(folder).restore(state, state.params)
    progress.pop("seconds")
    return (state, best), progress


def changed(monkeypatch, change):
    """Has every experiment that is built changed first."""
    instantiate = build.instantiate
    monkeypatch.setattr(build, "instantiate", lambda cfg: change(instantiate(cfg)))


def test_a_run_leaves_what_the_design_says(tmp_path, train):
    summary = train(tmp_path, "data.stateful=true", "figures=true")
    assert summary == json.loads((tmp_path / "summary.json").read_text())
    assert summary["status"] == "finished"
    assert summary["steps"] == 60
    assert summary["parameters"] == 4 * 4 * (1 + 4 + 1) + 4 + 1
    assert {"seconds", "compile_seconds", "steps_per_second", "versions", "device"} <= set(summary)
    assert set(summary["versions"]) == {"jax", "flax", "jaxrnn"}
    rows = metrics_csv.read(tmp_path)
    assert [(row["step"], row["split"]) for row in rows] == [
        (step, split) for step in (15, 30, 45, 60) for split in ("train", "validation")
    ]
    assert all(row["grad_norm_max"] >= row["grad_norm"] > 0 for row in rows if row["split"] == "train")
    figures = {path.stem for path in (tmp_path / "figures").glob("*.png")}
    assert figures == {"learning_curves", "gradient_norm", "prediction", "generation"}
    best = min((row["loss"], row["step"]) for row in rows if row["split"] == "validation")
    assert summary["best_step"] == best[1]
    assert summary["metrics"]["validation"]["loss"] == pytest.approx(best[0], rel=1e-6)
    loaded = run_folder.load(tmp_path)
    assert loaded.best_step == best[1]
    assert loaded.metrics["validation"]["loss"] == pytest.approx(best[0], rel=1e-6)
    assert loaded.history.rows == rows


def test_a_step_is_traced_once(tmp_path, train, monkeypatch):
    """Also where the last report is shorter than the others."""
    traces = []

    def counting(experiment):
        dataset = experiment.task.dataset
        batch = dataset.train.batch
        train = dataset.train._replace(batch=lambda *args: traces.append(1) or batch(*args))
        counted = dataset._replace(train=train)
        return experiment._replace(task=experiment.task._replace(dataset=counted))

    changed(monkeypatch, counting)
    train(tmp_path, "trainer.steps=50")
    assert len(traces) == 1


@pytest.mark.parametrize("data", ["sine", pytest.param("noisy_cosine", marks=pytest.mark.slow)])
def test_resuming_is_bit_for_bit_never_stopping(tmp_path, train, data, monkeypatch):
    """Stopped after the second report, then resumed, with dropout on: the same metrics, state and best params."""
    options = [f"data={data}", "model.layers=2", "model.dropout=0.2", "model.learned_carry=true"]
    train(tmp_path / "whole", *options)
    reports = []

    def interrupted(experiment):
        def scores(ys, batch, own=experiment.evaluator.scores):
            reports.append(1)
            if len(reports) == 2:
                os.kill(os.getpid(), signal.SIGTERM)
            return own(ys, batch)

        return experiment._replace(evaluator=experiment.evaluator._replace(scores=scores))

    changed(monkeypatch, interrupted)
    summary = train(tmp_path / "stopped", *options)
    monkeypatch.undo()
    assert (summary["status"], summary["reason"], summary["steps"]) == ("stopped", "SIGTERM", 30)
    with open(tmp_path / "stopped" / "metrics.csv", "a") as file:
        file.write("45,train,0.1,")  # what a kill leaves behind: rows past the checkpoint, the last one cut off
    summary = run_folder.resume(tmp_path / "stopped")
    assert (summary["status"], summary["steps"]) == ("finished", 60)
    whole, stopped = ((tmp_path / name / "metrics.csv").read_bytes() for name in ("whole", "stopped"))
    assert whole == stopped
    (a, progress_a), (b, progress_b) = last_arrays(tmp_path / "whole"), last_arrays(tmp_path / "stopped")
    jax.tree.map(np.testing.assert_array_equal, a, b)
    assert progress_a == progress_b


@pytest.mark.slow
def test_a_finished_run_can_be_trained_further(tmp_path, train, configure):
    train(tmp_path / "long", "trainer.steps=60")
    train(tmp_path / "short", "trainer.steps=30")
    assert run_folder.resume(tmp_path / "short", steps=60)["steps"] == 60
    assert saved_config.config(tmp_path / "short").trainer.steps == 60  # an extension that is cut off goes on too
    with pytest.raises(ConfigError, match="already contains a run; choose another"):
        run_folder.train(configure(), tmp_path / "short")
    assert (tmp_path / "long" / "metrics.csv").read_bytes() == (tmp_path / "short" / "metrics.csv").read_bytes()
    assert run_folder.resume(tmp_path / "short", steps=60)["status"] == "finished"  # nothing left to do is no error


def test_divergence_names_the_step_and_keeps_the_last_good_checkpoint(tmp_path, train):
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
    rows = [row for row in metrics_csv.read(tmp_path) if row["split"] == "train"]
    assert rows[-1]["step"] - 1 < step <= rows[-1]["step"]
    assert all(np.isfinite(row["loss"]) for row in rows[:-1])
    assert summary["steps"] == rows[-1]["step"] - 1 > 0
    (state, best), _ = last_arrays(tmp_path)
    assert state.step == summary["steps"]
    assert all(np.isfinite(a).all() for a in jax.tree.leaves((state.params, best)))
    json.loads((tmp_path / "summary.json").read_text(), parse_constant=lambda name: pytest.fail(name))


def test_early_stopping_keeps_the_best(tmp_path, train):
    summary = train(
        tmp_path,
        "callbacks=[early_stopping]",
        "callbacks.early_stopping.patience=2",
        "trainer.steps=3000",
        "optimizer.learning_rate=0.1",
    )
    assert "early_stopping.patience=2" in summary["reason"]
    assert summary["steps"] < 3000
    assert summary["best_step"] == summary["steps"] - 30
    before = (tmp_path / "metrics.csv").read_bytes()
    (tmp_path / "summary.json").unlink()  # killed after its last checkpoint
    again = run_folder.resume(tmp_path)
    assert (again["steps"], again["reason"]) == (summary["steps"], summary["reason"])
    assert (tmp_path / "metrics.csv").read_bytes() == before


def test_a_validation_loss_that_is_not_finite_stops_the_run(tmp_path, train, monkeypatch):
    reports = []

    def spoiled(experiment):
        def scores(ys, batch):
            reports.append(1)
            return {"loss": 0.5 if len(reports) < 3 else np.nan}

        return experiment._replace(evaluator=experiment.evaluator._replace(scores=scores))

    changed(monkeypatch, spoiled)
    summary = train(tmp_path)
    assert (summary["status"], summary["steps"], summary["best_step"]) == ("diverged", 30, 15)


def test_a_half_written_checkpoint_is_never_loaded(tmp_path, train):
    train(tmp_path)
    checkpoints = tmp_path / "checkpoints"
    whole = (checkpoints / "60.safetensors").read_bytes()
    (checkpoints / ".75.1-1.tmp.safetensors").write_bytes(whole[:-100])  # as a process leaves it that is killed
    assert int(last_arrays(tmp_path)[0][0].step) == 60


@pytest.mark.slow
@pytest.mark.share(2)
def test_what_is_being_written_is_neither_drawn_nor_synced(tmp_path, train):
    train(tmp_path, "probes=[gradient_flow]")
    for name in ("probes/gradient_flow/.15.1-1.tmp.npz", ".hydra/.config.1-1.tmp.yaml"):  # links to nothing: each
        (tmp_path / name).symlink_to("gone")  # fails where it is opened, as a file that was just given its name
    run_folders.sync_configuration(tmp_path)
    experiment = run_folder.saved_experiment(tmp_path)
    assert artifacts.probe_figures(experiment.probes, experiment.task, tmp_path)


def test_broken_folders_are_refused(tmp_path, train):
    with pytest.raises(ConfigError, match="not a run folder"):
        run_folder.resume(tmp_path)
    train(tmp_path / "run")
    cfg = saved_config.config(tmp_path / "run")
    cfg.model.cell.size = 5
    OmegaConf.save(cfg, tmp_path / "run" / ".hydra" / "config.yaml")
    with pytest.raises(ConfigError, match=r"of another model: .*: expected .*, found "):
        run_folder.load(tmp_path / "run")
    shutil.rmtree(tmp_path / "run" / "checkpoints")
    with pytest.raises(ConfigError, match="no checkpoint yet; resume"):
        run_folder.load(tmp_path / "run")
    OmegaConf.save({"seed": 0}, tmp_path / "run" / ".hydra" / "config.yaml")
    with pytest.raises(ConfigError, match="it lacks model, data, optimizer, unroll, trainer"):
        run_folder.load(tmp_path / "run")


@pytest.mark.slow
def test_a_full_disk_loses_nothing_that_was_saved(tmp_path, train, monkeypatch):
    save, calls = Checkpoints.save, []

    def full(self, *args):
        calls.append(1)
        if len(calls) == 3:
            raise OSError(28, "No space left on device")
        save(self, *args)

    monkeypatch.setattr(Checkpoints, "save", full)
    with pytest.raises(ConfigError, match=r"No space left.*resume with jaxrnn train resume="):
        train(tmp_path / "full")
    monkeypatch.undo()
    assert int(last_arrays(tmp_path / "full")[0][0].step) == 30
    run_folder.resume(tmp_path / "full")
    train(tmp_path / "whole")
    assert (tmp_path / "full" / "metrics.csv").read_bytes() == (tmp_path / "whole" / "metrics.csv").read_bytes()


def test_generation_is_primed_and_measured(tmp_path, train):
    train(tmp_path, "trainer.steps=15")
    run = run_folder.load(tmp_path)
    path, figure, rmse = artifacts.write_generation(run, prime=20, length=50)
    lines = path.read_text().splitlines()
    assert lines[0] == "index,generated,truth"
    assert len(lines) == 51
    values = np.array([[float(v) for v in line.split(",")] for line in lines[1:]])
    np.testing.assert_allclose(values[:, 2], np.sin(np.arange(36, 86)), atol=1e-6)
    (error,) = rmse.values()
    np.testing.assert_allclose(error, np.sqrt(np.mean((values[:, 1] - values[:, 2]) ** 2)), rtol=1e-6)
    assert figure.is_file()
    with pytest.raises(ConfigError, match="prime=37: give 1 to 36"):
        run.generate(prime=37)
    with pytest.raises(ConfigError, match="length=0: expected a whole number above 0"):
        run.generate(0)


@pytest.mark.slow
def test_a_bidirectional_net_trains_but_does_not_stream(tmp_path, train, configure):
    options = ("model.bidirectional=concat", "data=sunspots", "data.target=last", "trainer.steps=15")
    summary = train(tmp_path, *options, "figures=true")
    assert "generation" not in summary
    assert not (tmp_path / "figures" / "generation.png").exists()
    with pytest.raises(ConfigError, match="reads the future"):
        run_folder.load(tmp_path).generate()
    with pytest.raises(ConfigError, match=r"data\.stateful=false"):
        build.build(configure("model.bidirectional=concat", "data=sine"))
    with pytest.raises(ConfigError, match=r"the values that it must predict.*data\.target=last"):
        build.build(configure("model.bidirectional=concat", "data=sunspots"))


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (
            ["model=jordan", "model.bidirectional=concat", "data=cosine"],
            "outputs are 2 wide, but the data set needs 1",
        ),
        (["model.readout=false"], "outputs are 4 wide"),
        (["model=jordan", "model.cell.recurrent_init._target_=jaxrnn.initializers.spectral"], "square matrix"),
        (["data=adding", "model.layers=2", "model.residual=true", "model.bidirectional=concat"], None),
        (["model.dropout=0.2"], "acts between layers"),
        (
            ["model.attention=luong"],
            "model.attention=luong needs a decoder: use data whose answers have their own length",
        ),
        (["model.embedding=8"], "model.embedding=8 needs data whose inputs are symbols, but these are values: leave"),
        (["model.tied_embedding=true"], "model.tied_embedding=true needs data whose inputs are symbols"),
        (["data=addition", "model.tied_embedding=true"], "model.tied_embedding=true is not available in an encoder-de"),
        (["data=addition", "model=jordan"], "model.readout=false is not available in an encoder-decoder: leave"),
        (["data=addition", "model.atention=luong"], "model.atention: .* has no such option; nearest: attention"),
        (["model.scheduled_sampling=0.5"], "needs a decoder"),
        (["data=sunspots", "data.validation=0.5", "data.test=0.5"], "leave nothing to train on"),
        (["seed=true"], "seed=True"),
        (["seed=1180591620717411303424"], "seed=1180591620717411303424: should be less than 4294967296"),
        (["trainer.steps=true"], "trainer.steps=True"),
        (["optimizer.learning_rate=inf"], "should be finite"),
        (["model.cell.chrono=1.5"], "should be greater than 2"),
    ],
)
@pytest.mark.sample(6, 2)
def test_refused_before_anything_compiles(configure, overrides, message):
    if message is None:
        build.build(configure("data=noisy_cosine", *overrides))
    else:
        with pytest.raises(ConfigError, match=message):
            build.build(configure(*overrides))


@pytest.mark.parametrize(("data", "kind"), [("sine", "values"), ("language", "symbols"), ("addition", "pairs")])
@pytest.mark.parametrize("target", ["jaxrnn.nets.rnn", "jaxrnn.rnn"])
@pytest.mark.sample(1, 2)
def test_the_data_choose_the_factory_of_the_net(configure, data, kind, target):
    """Options of the other factories may be set to their defaults, as a comparison does."""
    defaults = ["model.attention=null", "model.embedding=null", "model.tied_embedding=false", "model.readout=true"]
    cfg = configure(f"data={data}", f"model._target_={target}", "model.scheduled_sampling=0", *defaults)
    net = build.build(cfg).task.net
    assert (net.decoding is not None) == (kind == "pairs")
    assert (net.vocabulary is not None) == (kind != "values")
    assert cfg.model._target_ == target
    assert "attention" in cfg.model


def test_numbers_that_mean_the_same_are_taken(configure):
    experiment = build.build(configure("seed=1e3", "trainer.steps=1e3", "optimizer.clip_norm=1"))
    assert (experiment.seed, experiment.task.trainer.steps) == (1000, 1000)
    assert isinstance(experiment.cfg.seed, int)


@pytest.mark.slow
@pytest.mark.parametrize(("precision", "unroll"), [("f32", "chunked"), ("bf16", "scan"), ("f64", "deferred")])
def test_precisions_and_unrolls_by_name(tmp_path, train, precision, unroll):
    summary = train(
        tmp_path, "data=noisy_cosine", f"trainer.precision={precision}", f"unroll={unroll}", "trainer.steps=15"
    )
    assert np.isfinite(summary["metrics"]["test"]["loss"])
    expected = np.float64 if precision == "f64" else np.float32
    assert all(a.dtype == expected for a in jax.tree.leaves(run_folder.load(tmp_path).params))


def test_a_series_without_splits_is_built(configure):
    from jaxrnn.experiments.build import build

    assert build(configure("data=sunspots", "data.validation=0", "data.test=0")).task.dataset.splits == {}
