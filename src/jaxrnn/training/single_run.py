"""Training one network: a task, a seed, perhaps a run folder -> a `Run`."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from jaxrnn.arguments import described, dotted
from jaxrnn.errors import ConfigError
from jaxrnn.precision import computing
from jaxrnn.runtime import local
from jaxrnn.training import compatibility, evaluation, history, identity, records
from jaxrnn.training.callbacks import Progress
from jaxrnn.training.checkpoints import Checkpointing, Checkpoints
from jaxrnn.training.engine import single
from jaxrnn.training.loop import Clock, Training, interrupts, stop_when, train
from jaxrnn.training.probes import Probes
from jaxrnn.training.run import Run
from jaxrnn.training.update import Task


def fit(task: Task, seed: int = 0, folder: str | Path | None = None, *,
        checkpointing: Checkpointing = Checkpointing(), callbacks: Sequence[Callable[..., Any]] = (),
        probes: Any = None, evaluator: Any = None, tensorboard: Any = False, peers: Any = None,
        description: Any = None) -> Run:  # fmt: skip
    """Trains a network; with a folder the same call goes on where it was cut off.

    Ctrl-C and SIGTERM end the run at its next report, as "stopped".

    Args:
      task: a `Task`.
      seed: of all that the run draws.
      folder: the run folder, of this process alone; None to keep nothing on disk.
      checkpointing: a `Checkpointing`.
      callbacks: functions of a `Progress` (see `jaxrnn.training.callbacks`).
      probes: {name: `Probe`}, which need a folder; None for none.
      evaluator: the task's `Evaluator`, to share its programs; None to make one.
      tensorboard: whether to write the metrics for TensorBoard too.
      peers: has `kept`, which is called where another of the processes that train together, all by this call, is lost;
        None to train alone.
      description: {name: value} of the configuration, which checkpoints note; None without one.

    Returns:
      A `Run`.

    Raises:
      ConfigError: if the parts do not fit each other, the checkpoint in the folder is damaged or of another task, or a
        probe cannot measure.
      OSError: if something cannot be written.
    """
    with computing(task.trainer.precision):
        compatibility.check(task, checkpointing, callbacks, probes)
        return fit_checked(task, seed, folder, checkpointing=checkpointing, callbacks=callbacks, probes=probes,
                           evaluator=evaluator, tensorboard=tensorboard, peers=peers,
                           description=description)  # fmt: skip


def fit_checked(task, seed, folder, *, checkpointing, callbacks, probes, evaluator=None, tensorboard=False, peers=None,
                description=None):  # fmt: skip
    """`fit` of what `compatibility.check` has let pass."""
    evaluator = evaluation.evaluator(task) if evaluator is None else evaluator
    probing = Probes(probes, task, seed, folder) if probes else None
    own = settings(task, seed, description)
    if folder is not None and description is None:
        own["program"] = identity.of_program(task)
    began = time.perf_counter()
    with interrupts() as received:
        engine = single(task, seed, evaluator, peers is not None)
        store = None if folder is None else Checkpoints(folder, checkpointing.keep_every, history.Progress)
        training = _begun(task, engine, own, folder, store, tensorboard, began)
        first, saving = training.rows[0].step, None if store is None else _Saving(store, checkpointing, training)
        if peers and saving:
            peers.kept = saving.save_kept
        hooks = [called([*callbacks, *([probing] if probing else [])], seed, folder), stop_when(received)]
        with records.progress_bar(task.trainer.steps, first) as bar:
            for _ in train(training, [*hooks, _shown(bar), *([saving] if saving else [])]):
                pass
        if saving:
            saving.finish()
    return _run(task, seed, folder, engine, training, evaluator, probing)


def _run(task, seed, folder, engine, training, evaluator, probing):
    """The `Run` that a training came to."""
    own, clock = training.rows[0], training.clock
    return Run(
        task,
        engine.of_run(training.best, 0),
        own.progress["best_step"],
        own.step,
        own.table,
        seed=seed,
        status=own.status,
        reason=own.reason,
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
    """The hook that calls the callbacks of a single run at its reports."""

    def hook(training):
        for row, run in training.reported.items():
            call(callbacks, training, row, run, seed, folder)

    return hook


def call(callbacks, training, row, run, seed, folder):
    """Calls the callbacks of one run at a report, and ends it where one returns why."""
    if not callbacks:
        return
    params = training.params(row)
    progress = Progress(run.step, run.losses, run.progress["stale"], run, params, training.task, seed, folder)
    for callback in callbacks:
        reason = callback(progress)
        if reason is not None and not isinstance(reason, str):
            raise ConfigError(
                f"callbacks: {dotted(callback)} returned {described(reason)}, expected None to go on or a str, "
                "the reason to stop"
            )
        if reason is not None and run.status is None:
            run.end_early(reason)


def settings(task, seed, description=None):
    """What a checkpoint notes of a run (see `identity`), so that another one does not go on with it; a run may be
    trained further."""
    trainer = {name: value for name, value in task.trainer._asdict().items() if name != "steps"}
    data = identity.of_data(task.dataset)
    return {"seed": int(seed), **trainer, "data": data, "configuration": description, "program": None}


def _begun(task, engine, own, folder, store, tensorboard, began):
    """The training as it was at the last checkpoint, or before the first update."""
    states = engine.init()
    step, progress, best, rows = 0, None, local(states.params), ""
    if store is not None and (restored := store.restore(states, states.params)) is not None:
        states, best, progress, tables = restored
        identity.check(progress["settings"], own, folder)
        step, rows = int(states.step), records.saved_text(tables, records.FILE, folder)
        states, best = engine.place(states, best)
    if folder is None:
        run = history.History(task.trainer.steps)
    else:
        run = history.in_folder(folder, task.trainer, tuple(task.measured), tensorboard, step, progress, rows)
    run.progress["settings"] = own
    return Training(task, engine, [run], states, best, Clock(run.progress["seconds"], began))


class _Saving:
    """The hook that takes the checkpoints of a single run."""

    def __init__(self, store, checkpointing, training):
        self._store, self._every, self._training = store, checkpointing, training
        self._run = training.rows[0]
        self._step = self._run.step if store.steps() else None
        self._at, self._kept = time.perf_counter(), None

    def __call__(self, training):
        self._run.flush()
        self._kept = (self._run.step, training.states, training.best, {**self._run.progress}, self._run.text())
        keep_every, step = self._every.keep_every, self._run.step
        kept = keep_every is not None and step % keep_every == 0
        lost = self._store.is_lost()
        due = self._step is None or lost or kept or time.perf_counter() - self._at >= self._every.seconds
        if due and self._run.status != "diverged":  # the state before is saved at the end
            self._save()

    def finish(self):
        self._run.flush()
        if self._step != self._run.step:
            self._save()

    def save_kept(self):
        """Saves what the last report left, whatever the training is doing now."""
        if self._kept is not None and self._kept[0] != self._step and self._run.status != "diverged":
            step, states, best, progress, text = self._kept
            self._store.save(step, local(states), best, progress, {records.FILE: text})

    def _save(self):
        training, run = self._training, self._run
        run.progress["seconds"] = training.clock.seconds()
        self._store.save(run.step, local(training.states), training.best, run.progress, {records.FILE: run.text()})
        self._step, self._at = run.step, time.perf_counter()


def _shown(bar):
    def hook(training):
        for run in training.reported.values():
            bar.set_postfix({name: f"{loss:.3g}" for name, loss in run.losses.items()}, refresh=False)
            bar.update(run.step - bar.n)

    return hook
