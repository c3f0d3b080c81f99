"""What a training keeps of a run, held to runs whose losses and params are written by hand: no network is trained."""

import csv
import shutil

import jax
import numpy as np
import optax
import pytest

from jaxrnn import nets
from jaxrnn.cells import elman
from jaxrnn.data import sine
from jaxrnn.experiments import fitting
from jaxrnn.experiments.build import Experiment
from jaxrnn.optimizers import as_optimizer
from jaxrnn.storage.checkpoints import Checkpoints
from jaxrnn.storage.run_folders import RunFolder
from jaxrnn.training import Task, Trainer, engine, evaluation
from jaxrnn.training.callbacks import early_stopping
from jaxrnn.training.engine import Engine
from jaxrnn.training.history import report_rows
from jaxrnn.training.loop import Training
from jaxrnn.training.store import Checkpointing, Member
from jaxrnn.training.update import Report, TrainState

REPORT_EVERY = 3


def params_after(step):
    return {"w": np.full(2, float(step))}


def state_after(step):
    return TrainState(np.int32(step), params_after(step), (), (), jax.random.key(0))


def engine_of(report, validation):
    """An engine of one run whose params say how many updates were made.

    Args:
      report: a `Report` with fields [updates].
      validation: the validation loss after every report.
    """

    def advance(states, n):
        step = int(states.step)
        return state_after(step + n), Report(*(np.asarray(column)[None, step : step + n] for column in report))

    def evaluate(split, params):
        return [{"loss": validation[int(params["w"][0]) // REPORT_EVERY - 1]}] if split == "validation" else None

    return Engine(
        runs=1,
        init=lambda: state_after(0),
        advance=advance,
        evaluate=evaluate,
        select=lambda mask, new, old: new if mask[0] else old,
        of_run=lambda tree, number: tree,
        shapes=state_after(0),
        to_device=lambda states, params: (states, params),
        results=lambda params: None,
        to_host=lambda states: states,
        compile_seconds=0.0,
        bytes=0,
    )


def drawn_report(updates, rng):
    values = {name: rng.uniform(0.5, 2.0, updates) for name in Report._fields}
    return Report(**values | {"clipped": rng.integers(0, 2, updates), "counted": np.ones(updates)})


@pytest.fixture
def fit(monkeypatch):
    """(validation losses, training losses, folder, **how) -> the `Run` of a training that measured these."""

    def trained(validation, losses=None, folder=None, **how):
        updates = REPORT_EVERY * len(validation)
        report = drawn_report(updates, np.random.default_rng(0))
        report = report if losses is None else report._replace(loss=np.asarray(losses))
        monkeypatch.setattr(engine, "single", lambda *_: engine_of(report, validation))
        net, tx = nets.rnn(elman.cell(2), 1), as_optimizer(optax.identity())
        task = Task(net, sine.dataset(), tx, Trainer(updates, 1, REPORT_EVERY, "f64"))
        options = {"checkpointing": Checkpointing(), "callbacks": []} | how
        experiment = Experiment({}, task, 0, probes={}, evaluator=evaluation.evaluator(task), **options)
        return fitting.fit(experiment, folder)

    return trained


@pytest.mark.parametrize("runs", [1, 3])
@pytest.mark.parametrize("updates", [1, 4])
@pytest.mark.parametrize("scored", [False, True])
def test_every_column_of_a_report_is_the_one_it_names(runs, updates, scored):
    rng = np.random.default_rng(updates)
    report = Report(*(np.stack(each) for each in zip(*(drawn_report(updates, rng) for _ in range(runs)), strict=True)))
    for run, found in enumerate(report_rows(report, scored)):
        own = Report(*(column[run] for column in report))
        expected = {
            "loss": np.mean(own.loss),
            "grad_norm": np.mean(own.grad_norm),
            "grad_norm_max": np.max(own.grad_norm),
            "clipped": np.mean(own.clipped),
            "update_norm": np.mean(own.update_norm),
            "param_norm": own.param_norm[-1],
        } | ({"solved": np.mean(own.solved)} if scored else {})
        assert found.row == pytest.approx(expected, rel=1e-14)
        assert list(found.row) == list(expected)
        assert (found.updates, found.bad) == (updates, None)


@pytest.mark.parametrize("column", ["loss", "clipped_norm", "update_norm"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_the_first_update_that_is_not_finite_is_named(column, value):
    report = drawn_report(6, np.random.default_rng(0))
    values = getattr(report, column).copy()
    values[[2, 4]] = value
    broken = Report(*(np.asarray(each)[None] for each in report._replace(**{column: values})))
    assert report_rows(broken, False)[0].bad == 2


def test_the_rows_in_the_file_are_those_of_the_reports(fit, tmp_path):
    validation = [3.0, 2.0, 2.5]
    run = fit(validation, folder=tmp_path)
    with open(tmp_path / "metrics.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    report = drawn_report(9, np.random.default_rng(0))
    train = [row for row in rows if row["split"] == "train"]
    assert [float(row["loss"]) for row in rows if row["split"] == "validation"] == validation
    assert [int(row["step"]) for row in train] == [3, 6, 9]
    for name, of in {"grad_norm": np.mean, "grad_norm_max": np.max, "update_norm": np.mean}.items():
        values = getattr(report, name.removesuffix("_max")).reshape(3, 3)
        np.testing.assert_allclose([float(row[name]) for row in train], of(values, axis=1), rtol=1e-14)
    assert [row["loss"] for row in run.history.where(split="validation").rows] == validation


SEQUENCES = [
    [5.0, 4.0, 3.0, 2.0],
    [2.0, 3.0, 4.0, 5.0],
    [3.0, 4.0, 2.0, 2.0, 3.0, 1.0, 5.0, 5.0, 5.0],
    [3.0, 3.0, 3.0, 3.0],
    *np.random.default_rng(0).integers(1, 9, (8, 12)).astype(float).tolist(),
]


@pytest.mark.parametrize("validation", SEQUENCES, ids=str)
@pytest.mark.parametrize("patience", [None, 1, 2, 3])
def test_the_best_params_are_kept_and_patience_counts_reports_since(fit, validation, patience, tmp_path):
    """As a loop over the losses finds them: the first of the lowest, and the first report that is `patience` later."""
    callbacks = [] if patience is None else [early_stopping(patience)]
    run = fit(validation, folder=tmp_path, callbacks=callbacks)
    best, end = 0, len(validation)
    for report, loss in enumerate(validation):
        best = report if loss < validation[best] else best
        if patience is not None and report - best >= patience:
            end = report + 1
            break
    assert (run.step, run.best_step) == (REPORT_EVERY * end, REPORT_EVERY * (best + 1))
    np.testing.assert_array_equal(run.params["w"], params_after(run.best_step)["w"])
    saved = Checkpoints(tmp_path).restore(state_after(0), params_after(0))
    np.testing.assert_array_equal(saved.best["w"], params_after(run.best_step)["w"])
    np.testing.assert_array_equal(saved.state.params["w"], params_after(run.step)["w"])
    assert saved.progress["stale"] == end - 1 - best


@pytest.mark.parametrize("where", ["training", "validation"])
@pytest.mark.parametrize("report", [0, 1, 3])
@pytest.mark.parametrize("seconds", [0.0, 1e9])
def test_a_run_that_diverges_keeps_the_state_before(fit, where, report, seconds, tmp_path):
    """Its checkpoint and its best params are of the report before, and it says where it diverged."""
    validation, losses = [4.0, 3.0, 2.0, 1.0, 0.5], np.ones(15)
    if where == "training":
        losses[3 * report + 1] = np.nan
    else:
        validation[report] = np.inf
    run = fit(validation, losses, tmp_path, checkpointing=Checkpointing(seconds))
    assert (run.status, run.step, run.best_step) == ("diverged", 3 * report, 3 * report)
    assert f"at step {3 * report + (2 if where == 'training' else 3)}" in run.reason
    saved = Checkpoints(tmp_path).restore(state_after(0), params_after(0))
    for params in (run.params, saved.state.params, saved.best):
        np.testing.assert_array_equal(params["w"], params_after(3 * report)["w"])


@pytest.mark.parametrize("seconds", [0.0, 1e9])
@pytest.mark.parametrize("keep_every", [None, 3, 6, 9, 30])
def test_the_checkpoints_of_every_so_many_updates_are_kept_and_the_last(fit, keep_every, seconds, tmp_path):
    fit([1.0] * 8, folder=tmp_path, checkpointing=Checkpointing(seconds, keep_every))
    store = Checkpoints(tmp_path)
    kept = {step for step in range(3, 25, 3) if keep_every and step % keep_every == 0}
    assert store.steps() == sorted({*kept, 24})
    for step in store.steps():
        saved = store.restore(state_after(0), params_after(0), step)
        assert int(saved.state.step) == step
        np.testing.assert_array_equal(saved.state.params["w"], params_after(step)["w"])


@pytest.mark.parametrize("what", ["folder", "file"])
def test_a_checkpoint_that_is_deleted_under_a_run_is_saved_again_at_once_and_told_once(fit, what, tmp_path, caplog):
    """Though the next one would be due in a long time."""
    left, place = [], tmp_path / "checkpoints"

    def delete(progress):
        left.append(Checkpoints(tmp_path).steps())
        if progress.step == 6 and what == "folder":
            shutil.rmtree(place)
        elif progress.step == 6:
            (place / "3.safetensors").unlink()

    fit([1.0] * 6, folder=tmp_path, callbacks=[delete], checkpointing=Checkpointing(1e9))
    assert left == [[], [3], [6], [6], [6], [6]]
    assert Checkpoints(tmp_path).steps() == [18]
    (line,) = caplog.messages
    assert line == (
        f"{tmp_path}/checkpoints: the checkpoint of step 3 was deleted while the run was training; the run saves a new "
        "one now"
    )


def test_the_state_of_the_last_report_is_saved_once(tmp_path):
    """As when another process is lost: what was reported is saved, and no second time."""
    task = Task(nets.rnn(elman.cell(2), 1), sine.dataset(), as_optimizer(optax.identity()), Trainer(9, 1, 3, "f64"))
    store, checkpoints = RunFolder(tmp_path, task), Checkpoints(tmp_path)
    history = store.new_history(Member(0, folder=tmp_path))
    store.save_last_report()  # nothing is reported yet
    assert checkpoints.steps() == []
    for step in (3, 6):
        history.step = step
        training = Training(task, engine_of(None, []), [history], state_after(step), params_after(step))
        store.report(training)
        store.save_last_report()
        assert checkpoints.steps()[-1] == step
        saved = checkpoints.restore(state_after(0), params_after(0))
        assert saved.state.params["w"][0] == saved.best["w"][0] == step
        times = [path.stat().st_mtime_ns for path in (tmp_path / "checkpoints").iterdir()]
        store.save_last_report()
        assert [path.stat().st_mtime_ns for path in (tmp_path / "checkpoints").iterdir()] == times
