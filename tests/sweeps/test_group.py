"""Runs trained together against the same runs alone: which can be, what they leave behind, how they end."""

import os
import time
from pathlib import Path

import numpy as np
import pytest
from omegaconf import OmegaConf

from jaxrnn import atomic
from jaxrnn.errors import ConfigError
from jaxrnn.experiments import run_folder, schema
from jaxrnn.storage import metrics_csv, summaries
from jaxrnn.storage.checkpoints import Checkpoints
from jaxrnn.sweeps import grouping, schedule
from jaxrnn.sweeps.group import Sweep, train_group
from jaxrnn.sweeps.halving import Options
from jaxrnn.sweeps.job import Job
from jaxrnn.training import history, loop

# Every kind of float that reaches traced code, with two values that lead to different runs.
FLOATS = {
    "optimizer.learning_rate": (1e-3, 3e-2),
    "optimizer.clip_norm": (0.01, 1.0),
    "optimizer.weight_decay": (0.0, 0.5),
    "optimizer.rule.b1": (0.5, 0.9),
    "model.cell.forget_bias": (0.0, 3.0),
    "model.cell.recurrent_init.gain": (0.5, 1.5),
    "model.dropout": (0.1, 0.5),
    "model.recurrent_dropout": (0.1, 0.5),
    "data.noise": (0.01, 0.3),
}
NOISY = ["data=noisy_cosine", "trainer.batch_size=2"]
SPECIAL = {
    "optimizer.weight_decay": ["optimizer.weight_decay=0.0"],
    "model.dropout": ["model.layers=2"],
    "model.cell.recurrent_init.gain": ["model.cell.recurrent_init._target_=jaxrnn.initializers.orthogonal"],
}


@pytest.fixture
def checked(configure):
    def made(*overrides):
        cfg = configure("trainer.precision=f64", *overrides)
        schema.prepare(cfg)
        return cfg

    return made


def jobs_of(folder, cfgs):
    """Jobs as a launcher makes them, their folders written."""
    jobs = [Job(number, cfg, Path(folder) / str(number)) for number, cfg in enumerate(cfgs)]
    for job in jobs:
        (job.folder / ".hydra").mkdir(parents=True, exist_ok=True)
        OmegaConf.save(job.cfg, job.folder / ".hydra" / "config.yaml")
    return jobs


SOME = ["optimizer.learning_rate", "model.cell.forget_bias", "data.noise"]  # of the optimizer, the model and the data


@pytest.mark.slow
@pytest.mark.parametrize("names", [SOME, pytest.param(list(FLOATS), marks=pytest.mark.slow)], ids=["some", "all"])
def test_floats_of_all_kinds_vary_inside_a_program(tmp_path, names, checked, numbers):
    together_as_alone(tmp_path, names, checked, numbers)


@pytest.mark.parametrize("name", FLOATS)
@pytest.mark.sample(1, 1)
def test_every_float_varies_inside_a_program(tmp_path, name, checked, numbers):
    together_as_alone(tmp_path, [name], checked, numbers)


def together_as_alone(tmp_path, names, checked, numbers):
    """50 updates together are the same runs alone; in float64, since chaos doubles rounding errors again and again."""
    options = [*NOISY, "trainer.steps=50", "trainer.report_every=10", *(o for n in names for o in SPECIAL.get(n, []))]
    cfgs = [checked(*options, *(f"{n}={FLOATS[n][seed]}" for n in names), f"seed={seed}") for seed in range(2)]
    plan = grouping.plan(cfgs)
    assert [set(group.names) for group in plan.groups] == [set(names)]
    jobs = jobs_of(tmp_path / "together", cfgs)
    summaries = schedule.train(jobs, tmp_path / "together")
    assert not (tmp_path / "together" / schedule.GROUPS).exists()
    for job in jobs:
        alone = jobs_of(tmp_path / "alone", cfgs)[job.number].folder
        expected = run_folder.train_one_of_many(job.cfg, alone)
        np.testing.assert_allclose(numbers(job.folder), numbers(alone), rtol=1e-9)
        np.testing.assert_allclose(
            summaries[job.number]["generation"]["mean_squared_error"],
            expected["generation"]["mean_squared_error"],
            rtol=1e-8,
        )
        assert summaries[job.number].keys() == expected.keys()
    assert abs(numbers(jobs[0].folder)[-1] - numbers(jobs[1].folder)[-1]) > 1e-6


@pytest.mark.slow
def test_fifty_updates_in_float32_are_close(tmp_path, checked, numbers):
    """The rule by which the launchers agree in float32: to 1e-5 over 50 updates, before chaos doubles the rounding."""
    options = ["data=sine", "model.cell.size=16", "trainer.precision=f32", "trainer.steps=50"]
    options += ["trainer.report_every=10"]
    rates = (1e-4, 1e-2)
    cfgs = [checked(*options, f"optimizer.learning_rate={rate}", f"seed={seed}") for seed, rate in enumerate(rates)]
    jobs = jobs_of(tmp_path, cfgs)
    schedule.train(jobs, tmp_path)
    for job in jobs:
        alone = tmp_path / "alone" / str(job.number)
        run_folder.train_one_of_many(job.cfg, alone)
        np.testing.assert_allclose(numbers(job.folder), numbers(alone), rtol=1e-5)


@pytest.mark.slow
def test_what_cannot_vary_splits_and_says_why(checked):
    cells, sizes = ("model=lstm", "model=gru"), (2, 3)
    cfgs = [
        checked(cell, f"model.cell.size={size}", f"seed={seed}", f"optimizer.learning_rate={rate}")
        for cell in cells
        for size in sizes
        for seed in range(2)
        for rate in (1e-4, 1e-3, 3e-3)
    ]
    plan = grouping.plan(cfgs)
    assert [len(group.settings) for group in plan.groups] == [6] * 4
    assert all(group.names == ("optimizer.learning_rate",) for group in plan.groups)
    text = "\n".join(plan.lines())
    assert "24 runs, 4 compiled groups" in text
    assert (
        "group 3: 6 runs together over seed, optimizer.learning_rate; model.cell._target_=gru, model.cell.size=2"
        in text
    )
    assert "model.cell.size (not a float)" in text

    def reason(name, *values, **more):
        options = [*NOISY, *more.get("options", [])]
        plan = grouping.plan([checked(*options, f"{name}={value}") for value in values])
        assert len(plan.groups) == len(values)
        return plan.reasons[name]

    assert reason("data.step", 0.2, 0.3).startswith("the data depend on it")
    assert reason("checkpoints.seconds", 1.0, 2.0) == "no compiled code reads it"
    assert reason("optimizer.clip_norm", "null", 1.0) == "not a float"
    flossing = [*NOISY, "regularizer=flossing"]
    traced = grouping.plan([checked(*flossing, f"regularizer.weight={weight}") for weight in (0.5, 1.0)])
    assert len(traced.groups) == 1


@pytest.mark.slow
def test_runs_of_a_group_are_whole_run_folders(tmp_path, checked):
    cfgs = [checked("data=sine", f"seed={seed}", "figures=true", "checkpoints.keep_every=30") for seed in range(3)]
    jobs = jobs_of(tmp_path, cfgs)
    summaries = schedule.train(jobs, tmp_path)
    assert {summary["together"] for summary in summaries.values()} == {3}
    alone = jobs_of(tmp_path / "alone", cfgs)[1].folder
    run_folder.train(cfgs[1], alone)
    files = [{str(path.relative_to(f)) for path in f.glob("*/*.png")} for f in (jobs[1].folder, alone)]
    assert files[0] == files[1]
    assert Checkpoints(jobs[1].folder).steps() == Checkpoints(alone).steps() == [30, 60]
    run = run_folder.load(jobs[1].folder)
    assert run.best_step == run_folder.load(alone).best_step
    more = [run_folder.resume(folder, 90)["metrics"]["validation"]["loss"] for folder in (jobs[1].folder, alone)]
    assert more[0] == pytest.approx(more[1], rel=1e-9)


@pytest.mark.slow
def test_a_diverging_run_hurts_no_other(tmp_path, checked):
    rates = (1e-3, 1e200, 1e-2)
    cfgs = [checked("data=sine", "optimizer.clip_norm=null", f"optimizer.learning_rate={rate}") for rate in rates]
    summaries = schedule.train(jobs_of(tmp_path, cfgs), tmp_path)
    assert [summaries[number]["status"] for number in range(3)] == ["finished", "diverged", "finished"]
    alone = run_folder.train(cfgs[1], tmp_path / "alone")
    assert {key: summaries[1][key] for key in ("reason", "steps")} == {key: alone[key] for key in ("reason", "steps")}
    for number in (0, 2):
        expected = run_folder.train(cfgs[number], tmp_path / f"alone{number}")["metrics"]["validation"]["loss"]
        assert summaries[number]["metrics"]["validation"]["loss"] == pytest.approx(expected, rel=1e-9)


@pytest.mark.slow
def test_patience_and_halving_end_runs_early(tmp_path, checked):
    cfgs = [checked("data=sine", f"seed={seed}", "trainer.steps=120") for seed in range(8)]
    options = Options(halve_after=15)
    assert options.cuts(120) == [15, 30, 60]
    summaries = schedule.train(jobs_of(tmp_path / "halved", cfgs), tmp_path / "halved", options)
    ended = sorted((summary["steps"], summary["status"]) for summary in summaries.values())
    assert ended == [(15, "pruned")] * 4 + [(30, "pruned")] * 2 + [(60, "pruned"), (120, "finished")]
    at_cut = {
        n: metrics_csv.table(tmp_path / "halved" / str(n)).where(split="validation").rows[-1]["loss"] for n in range(8)
    }
    first_cut = [n for n in range(8) if summaries[n]["steps"] == 15]
    went_on = [
        next(r["loss"] for r in metrics_csv.read(tmp_path / "halved" / str(n)) if r["split"] == "validation")
        for n in range(8)
        if n not in first_cut
    ]
    assert min(at_cut[n] for n in first_cut) >= max(went_on)
    assert "rank 5 of 8 after 15 updates" in {summary["reason"] for summary in summaries.values()}
    again = schedule.train(jobs_of(tmp_path / "halved", cfgs), tmp_path / "halved", options)
    assert again == summaries  # nothing is left to do
    patient = [
        checked(
            "data=sine",
            f"seed={s}",
            "callbacks=[early_stopping]",
            "callbacks.early_stopping.patience=1",
            "optimizer.learning_rate=0.3",
        )
        for s in range(3)
    ]
    summaries = schedule.train(jobs_of(tmp_path / "patient", patient), tmp_path / "patient")
    for number, cfg in enumerate(patient):
        alone = run_folder.train(cfg, tmp_path / f"alone{number}")
        assert [summaries[number][key] for key in ("steps", "reason")] == [alone[key] for key in ("steps", "reason")]


@pytest.mark.slow
def test_a_cut_is_made_once(tmp_path, monkeypatch, checked):
    """Killed while the folders of the runs that a cut ended are written: the same runs end, and no other."""
    cfgs = [checked("data=sine", f"seed={seed}", "checkpoints.seconds=1000") for seed in range(8)]
    options = Options(halve_after=30)
    whole = schedule.train(jobs_of(tmp_path / "whole", cfgs), tmp_path / "whole", options)
    write, calls = summaries.write, []

    def write_and_die(folder, content):
        calls.append(folder)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return write(folder, content)

    monkeypatch.setattr(summaries, "write", write_and_die)
    with pytest.raises(KeyboardInterrupt):
        schedule.train(jobs_of(tmp_path / "cut", cfgs), tmp_path / "cut", options)
    monkeypatch.undo()
    resumed = schedule.train(jobs_of(tmp_path / "cut", cfgs), tmp_path / "cut", options)
    for number in range(8):
        for key in ("status", "reason", "steps", "metrics"):
            assert resumed[number][key] == whole[number][key]


@pytest.mark.slow
def test_a_full_disk_loses_nothing_that_was_saved(tmp_path, monkeypatch, checked):
    cfgs = [checked("data=sine", f"seed={seed}", "trainer.steps=90") for seed in range(3)]
    whole = schedule.train(jobs_of(tmp_path / "whole", cfgs), tmp_path / "whole")
    save, calls = Checkpoints.save, []

    def save_until_full(self, step, *content):
        calls.append(step)
        if len(calls) == 3:
            raise OSError(28, "No space left on device")
        save(self, step, *content)

    monkeypatch.setattr(Checkpoints, "save", save_until_full)
    with pytest.raises(ConfigError, match="No space left on device; what was saved stays: make room and give the same"):
        schedule.train(jobs_of(tmp_path / "full", cfgs), tmp_path / "full")
    monkeypatch.undo()
    resumed = schedule.train(jobs_of(tmp_path / "full", cfgs), tmp_path / "full")
    assert len(calls) == 3
    for number in range(3):
        assert whole[number]["metrics"] == resumed[number]["metrics"]
        files = [(tmp_path / name / str(number) / "metrics.csv").read_bytes() for name in ("whole", "full")]
        assert files[0] == files[1]


@pytest.mark.slow
def test_programs_of_a_few_runs_each_give_the_same(tmp_path, checked, numbers):
    cfgs = [checked("data=sine", f"seed={seed}") for seed in range(5)]
    few = schedule.train(jobs_of(tmp_path / "few", cfgs), tmp_path / "few", Options(max_runs=2))
    schedule.train(jobs_of(tmp_path / "many", cfgs), tmp_path / "many")
    assert [few[n]["together"] for n in range(5)] == [2, 2, 2, 2, 1]
    for number in range(5):
        np.testing.assert_allclose(numbers(tmp_path / f"few/{number}"), numbers(tmp_path / f"many/{number}"), rtol=1e-9)


@pytest.mark.slow
def test_an_interrupted_group_goes_on_bit_for_bit(tmp_path, monkeypatch, checked):
    cfgs = [checked("data=sine", f"seed={seed}", "trainer.steps=90") for seed in range(3)]
    whole = schedule.train(jobs_of(tmp_path / "whole", cfgs), tmp_path / "whole")

    class Killed(Exception):
        pass

    report_rows, calls = history.report_rows, []

    def rows_and_die(*arguments):
        calls.append(arguments)
        if len(calls) == 4:
            raise Killed
        return report_rows(*arguments)

    monkeypatch.setattr(loop, "report_rows", rows_and_die)
    with pytest.raises(Killed):
        schedule.train(jobs_of(tmp_path / "cut", cfgs), tmp_path / "cut")
    calls.extend([()] * 10)
    resumed = schedule.train(jobs_of(tmp_path / "cut", cfgs), tmp_path / "cut")
    assert len(calls) == 4 + 10 + 3  # the first three reports were saved
    for number in range(3):
        assert whole[number]["metrics"] == resumed[number]["metrics"]
        files = [(tmp_path / name / str(number) / "metrics.csv").read_bytes() for name in ("whole", "cut")]
        assert files[0] == files[1]


def test_a_run_that_cannot_be_trained_says_why_and_hurts_no_other(tmp_path, checked):
    cfgs = [checked("data=sine", f"trainer.batch_size={size}") for size in (1, 100)]
    found = schedule.train(jobs_of(tmp_path, cfgs), tmp_path)
    assert found[0]["status"] == "finished"
    assert found[1]["status"] == "failed"
    assert "trainer.batch_size=100 is larger than the data" in found[1]["reason"]
    assert summaries.read(tmp_path / "1") == found[1]


@pytest.mark.slow
def test_a_sweep_goes_on_where_a_summary_is_damaged(tmp_path, checked):
    cfgs = [checked("data=sine", f"seed={seed}") for seed in range(2)]
    whole = schedule.train(jobs_of(tmp_path, cfgs), tmp_path)
    jobs = jobs_of(tmp_path, cfgs)
    (jobs[1].folder / "summary.json").write_text("{")
    again = schedule.train(jobs, tmp_path)
    assert again[0] == summaries.read(jobs[0].folder)
    losses = [found[1]["metrics"]["test"]["loss"] for found in (whole, again)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-9)
    assert summaries.read(jobs[1].folder)["status"] == "finished"


@pytest.mark.costly
@pytest.mark.parametrize("runs", [1, 2])
def test_the_disk_has_a_runs_configuration_before_its_checkpoint(tmp_path, checked, monkeypatch, runs):
    log, own_sync, own_replace = [], atomic.sync, os.replace
    monkeypatch.setattr(atomic, "sync", lambda path: (log.append(("sync", Path(path))), own_sync(path)))
    monkeypatch.setattr(os, "replace", lambda old, new: (log.append(("name", Path(new))), own_replace(old, new)))
    cfgs = [checked("trainer.steps=20", "trainer.report_every=10", f"seed={seed}") for seed in range(runs)]
    jobs = [Job(number, cfg, tmp_path / str(number)) for number, cfg in enumerate(cfgs)]

    def prepare():  # more slowly than the runs train
        time.sleep(1)
        jobs_of(tmp_path, cfgs)

    schedule.train(jobs, tmp_path, prepare=prepare)
    for job in jobs:
        named = log.index(("name", job.folder / "checkpoints" / "20.safetensors"))
        assert ("sync", job.folder / ".hydra" / "config.yaml") in log[:named]
        assert ("sync", job.folder / ".hydra") in log[:named]
        assert ("sync", job.folder) in log[:named]
        assert ("sync", job.folder / "checkpoints") in log[named:]


@pytest.mark.slow
def test_a_group_checkpoint_that_is_deleted_is_saved_again_at_once_and_told_once(tmp_path, checked, caplog):
    """Though the next one would be due in a long time."""
    options = [*NOISY, "trainer.steps=40", "trainer.report_every=10", "checkpoints.seconds=1e9"]
    cfgs = [checked(*options, f"seed={seed}") for seed in range(2)]
    jobs = dict(enumerate(jobs_of(tmp_path, cfgs)))
    [group] = grouping.plan(cfgs).groups
    folder, steps = tmp_path / "group", []

    def delete(updates, histories):
        steps.append(Checkpoints(folder).steps())
        for file in (folder / "checkpoints").glob("*.safetensors"):
            if len(steps) == 2:
                file.unlink()

    sweep = Sweep(tmp_path, Options(halve_after=10, halve_factor=4), watch=delete)  # the cut at step 10 is saved
    list(train_group(group, jobs, sweep, folder))
    assert steps == [[], [10], [20], [20]]
    assert len([message for message in caplog.messages if "was deleted while" in message]) == 1
