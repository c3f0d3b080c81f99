"""Trains one network: a task, a seed and an optional run folder -> a `Run`."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from jaxrnn.arguments import described, dotted
from jaxrnn.errors import ConfigError
from jaxrnn.precision import computing
from jaxrnn.runtime import local
from jaxrnn.training import compatibility, evaluation, fingerprint, history, metrics_csv
from jaxrnn.training.callbacks import Progress
from jaxrnn.training.checkpoints import Checkpointing, Checkpoints
from jaxrnn.training.engine import single
from jaxrnn.training.loop import Clock, Training, interrupts, stop_when, train
from jaxrnn.training.probes import Probes
from jaxrnn.training.run import Run
from jaxrnn.training.update import Task


def fit(
    task: Task,
    seed: int = 0,
    folder: str | Path | None = None,
    *,
    checkpointing: Checkpointing = Checkpointing(),
    callbacks: Sequence[Callable[..., Any]] = (),
    probes: Any = None,
    evaluator: Any = None,
    tensorboard: Any = False,
    peers: Any = None,
    description: Any = None,
) -> Run:
    """Trains a network and returns its `Run`. With a folder, the same call resumes an interrupted run.

    Ctrl-C and SIGTERM end the run at its next report, as "stopped".

    Args:
      task: a `Task`.
      seed: seed of the params and of every later draw.
      folder: the run folder, which no other process may use; None to keep nothing on disk.
      checkpointing: a `Checkpointing`.
      callbacks: functions of a `Progress` (see `jaxrnn.training.callbacks`).
      probes: {name: `Probe`}, which need a folder; None for no probes.
      evaluator: the task's `Evaluator`, to reuse its compiled functions; None to build one.
      tensorboard: whether to write the metrics for TensorBoard too.
      peers: None to train in one process. If several processes train together, an object on which this call sets the
        attribute `kept`, a function that saves the last report. It must call `kept` if another process is lost.
      description: {name: value} of the configuration, stored in checkpoints; None without a configuration.

    Raises:
      ConfigError: if the parts do not fit each other, the checkpoint in the folder is damaged or belongs to another
        task, or a probe cannot measure.
      OSError: if a file cannot be written.
    """
    with computing(task.trainer.precision):
        compatibility.check(task, checkpointing, callbacks, probes)
        return fit_checked(
            task,
            seed,
            folder,
            checkpointing=checkpointing,
            callbacks=callbacks,
            probes=probes,
            evaluator=evaluator,
            tensorboard=tensorboard,
            peers=peers,
            description=description,
        )


def fit_checked(
    task,
    seed,
    folder,
    *,
    checkpointing,
    callbacks,
    probes,
    evaluator=None,
    tensorboard=False,
    peers=None,
    description=None,
):
    """`fit` without the checks of `compatibility.check`, which the caller has made."""
    evaluator = evaluation.evaluator(task) if evaluator is None else evaluator
    probing = Probes(probes, task, seed, folder) if probes else None
    run_settings = settings(task, seed, description)
    if folder is not None and description is None:
        run_settings["program"] = fingerprint.of_program(task)
    began = time.perf_counter()
    with interrupts() as received:
        engine = single(task, seed, evaluator, peers is not None)
        checkpoints = None if folder is None else Checkpoints(folder, checkpointing.keep_every, history.Progress)
        training = _restore_or_initialise(task, engine, run_settings, folder, checkpoints, tensorboard, began)
        first_step = training.rows[0].step
        saving = None if checkpoints is None else _Saving(checkpoints, checkpointing, training)
        if peers and saving:
            peers.kept = saving.save_last_report
        hooks = [called([*callbacks, *([probing] if probing else [])], seed, folder), stop_when(received)]
        with metrics_csv.progress_bar(task.trainer.steps, first_step) as bar:
            for _ in train(training, [*hooks, _bar_hook(bar), *([saving] if saving else [])]):
                pass
        if saving:
            saving.finish()
    return _build_run(task, seed, folder, engine, training, evaluator, probing)


def _build_run(task, seed, folder, engine, training, evaluator, probing):
    """Builds the `Run` of a training that has ended."""
    history, clock = training.rows[0], training.clock
    return Run(
        task,
        engine.of_run(training.best, 0),
        history.progress["best_step"],
        history.step,
        history.table,
        seed=seed,
        status=history.status,
        reason=history.reason,
        folder=folder,
        timing={
            "seconds": clock.seconds(),
            "compile_seconds": engine.compile_seconds,
            "steps_per_second": clock.steps_per_second(),
            "probe_seconds": probing.seconds if probing else 0.0,
            "together": 1,
        },
        evaluator=evaluator,
    )


def called(callbacks, seed, folder):
    """Returns the hook that calls the callbacks of a single run at its reports."""

    def hook(training):
        for row, run in training.reported.items():
            call(callbacks, training, row, run, seed, folder)

    return hook


def call(callbacks, training, row, run, seed, folder):
    """Calls the callbacks of one run at a report; a callback ends the run by returning the reason."""
    if not callbacks:
        return
    params = training.params(row)
    progress = Progress(run.step, run.losses, run.progress["stale"], run, params, training.task, seed, folder)
    for callback in callbacks:
        reason = callback(progress)
        if reason is not None and not isinstance(reason, str):
            raise ConfigError(
                f"callbacks: {dotted(callback)} returned {described(reason)}, expected None to continue or a string "
                "that says why the run stops"
            )
        if reason is not None and run.status is None:
            run.end_early(reason)


def settings(task, seed, description=None):
    """Builds the settings of a run that its checkpoints store, so that no other run resumes from them.

    See `jaxrnn.training.fingerprint`. The number of updates is not among them: a run may be trained longer.
    """
    trainer = {name: value for name, value in task.trainer._asdict().items() if name != "steps"}
    data = fingerprint.of_data(task.dataset)
    return {"seed": int(seed), **trainer, "data": data, "configuration": description, "program": None}


def _restore_or_initialise(task, engine, run_settings, folder, checkpoints, tensorboard, began):
    """Returns the training at its last checkpoint, or before the first update."""
    states = engine.init()
    step, progress, best, rows = 0, None, local(states.params), ""
    if checkpoints is not None and (restored := checkpoints.restore(states, states.params)) is not None:
        states, best, progress, tables = restored
        fingerprint.check(progress["settings"], run_settings, folder)
        step, rows = int(states.step), metrics_csv.saved_text(tables, metrics_csv.FILE, folder)
        states, best = engine.to_device(states, best)
    if folder is None:
        run = history.History(task.trainer.steps)
    else:
        run = history.in_folder(folder, task.trainer, tuple(task.measured), tensorboard, step, progress, rows)
    run.progress["settings"] = run_settings
    return Training(task, engine, [run], states, best, Clock(run.progress["seconds"], began))


class _Saving:
    """Hook that saves the checkpoints of a single run."""

    def __init__(self, checkpoints, checkpointing, training):
        self._checkpoints, self._checkpointing, self._training = checkpoints, checkpointing, training
        self._run = training.rows[0]
        self._saved_step = self._run.step if checkpoints.steps() else None
        self._saved_at, self._last_report = time.perf_counter(), None

    def __call__(self, training):
        self._run.flush()
        self._last_report = (self._run.step, training.states, training.best, {**self._run.progress}, self._run.text())
        keep_every, step = self._checkpointing.keep_every, self._run.step
        is_permanent = keep_every is not None and step % keep_every == 0
        is_lost = self._checkpoints.is_lost()
        is_late = time.perf_counter() - self._saved_at >= self._checkpointing.seconds
        is_due = self._saved_step is None or is_lost or is_permanent or is_late
        if is_due and self._run.status != "diverged":  # `finish` saves the last state before it diverged
            self._save()

    def finish(self):
        self._run.flush()
        if self._saved_step != self._run.step:
            self._save()

    def save_last_report(self):
        """Saves the state of the last report; safe to call from another thread while the training runs."""
        if self._last_report is None or self._run.status == "diverged":
            return
        step, states, best, progress, text = self._last_report
        if step != self._saved_step:
            self._checkpoints.save(step, local(states), best, progress, {metrics_csv.FILE: text})

    def _save(self):
        training, run = self._training, self._run
        run.progress["seconds"] = training.clock.seconds()
        tables = {metrics_csv.FILE: run.text()}
        self._checkpoints.save(run.step, local(training.states), training.best, run.progress, tables)
        self._saved_step, self._saved_at = run.step, time.perf_counter()


def _bar_hook(bar):
    def hook(training):
        for run in training.reported.values():
            bar.set_postfix({name: f"{loss:.3g}" for name, loss in run.losses.items()}, refresh=False)
            bar.update(run.step - bar.n)

    return hook
