"""The loop around the compiled updates: reports, the best params, checkpoints, stopping."""

import contextlib
import signal
import time
from typing import Any, NamedTuple

import jax
import numpy as np

from jaxrnn import logging, training
from jaxrnn.checkpoint import Checkpoints
from jaxrnn.probes import Probes


class Fitted(NamedTuple):
    """What a training run came to.

    Fields:
      best, best_step: the best params and the update after which they were taken.
      step: updates made.
      status, reason: "finished", "stopped" or "diverged", and why, in words, or None.
      seconds, compile_seconds: of the whole run, resumed parts included; of the last compilation.
      steps_per_second: of the compiled updates alone, in this process.
      probe_seconds: that the probes took, in this process.
    """

    best: Any
    best_step: int
    step: int
    status: str
    reason: str | None
    seconds: float
    compile_seconds: float
    steps_per_second: float | None
    probe_seconds: float


def fit(experiment, folder):
    """Trains an experiment in a run folder, from its last checkpoint if it holds one.

    Raises:
      Refusal: if the checkpoint is broken or does not fit the experiment.
      OSError: if something cannot be written.
    """
    with _interrupts() as interrupts:
        return _fit(experiment, folder, interrupts)


def _fit(experiment, folder, interrupts):
    cfg, dataset, trainer = experiment.cfg, experiment.dataset, experiment.trainer
    program = training.program(experiment.net, dataset, experiment.optimizer, trainer)
    probes = Probes(experiment, folder)
    state = program.init(jax.random.key(cfg.seed))
    checkpoints = Checkpoints(folder, trainer.keep_every)
    best = state.params
    progress = {"best_loss": None, "best_step": 0, "stale": 0, "seconds": 0.0}
    if (restored := checkpoints.restore(state, state.params)) is not None:
        state, best, progress = restored
    step, saved_step = int(state.step), None if restored is None else int(state.step)
    earlier_seconds, began = progress["seconds"], time.perf_counter()
    advance = program.advance.lower(state, dataset.arrays, np.int32(0)).compile()
    compile_seconds = time.perf_counter() - began
    saved_at, updating, first_step = time.perf_counter(), 0.0, step
    status, reason = "finished", None

    def exhausted():
        return trainer.patience is not None and progress["stale"] >= trainer.patience

    def save():
        progress["seconds"] = earlier_seconds + time.perf_counter() - began
        checkpoints.save(state, best, progress)

    with logging.Metrics(folder, step) as metrics, logging.progress_bar(trainer.steps, step) as bar:
        while step < trainer.steps and not exhausted():
            n = min(trainer.report_every - step % trainer.report_every, trainer.steps - step)
            call = time.perf_counter()
            new_state, report = jax.block_until_ready(advance(state, dataset.arrays, np.int32(n)))
            updating += time.perf_counter() - call
            report = training.Report(*(np.asarray(column)[:n] for column in report))
            train_row = _row(report, dataset.correct is not None)
            metrics.write(step=step + n, split="train", **train_row)
            losses, bad = {"loss": train_row["loss"]}, _first_not_finite(report)
            if bad is None and "validation" in dataset.splits:
                validation = dataset.splits["validation"]
                losses["validation"] = float(experiment.compiled.measure(new_state.params, validation))
                score = experiment.compiled.score
                right = {} if score is None else {"correct": float(score(new_state.params, validation))}
                metrics.write(step=step + n, split="validation", loss=losses["validation"], **right)
                bad = None if np.isfinite(losses["validation"]) else n - 1
            if bad is not None:  # the state before these updates is the last good one
                status, reason = "diverged", f"loss, gradient or params are no longer finite at step {step + bad + 1}"
                break
            state, step = new_state, step + n
            probes.measure(step, state.params)
            bar.set_postfix({name: f"{loss:.3g}" for name, loss in losses.items()}, refresh=False)
            loss = losses.get("validation")  # without one the last params are the best
            if loss is None or progress["best_loss"] is None or loss < progress["best_loss"]:
                best, progress = state.params, progress | {"best_loss": loss, "best_step": step, "stale": 0}
            else:
                progress["stale"] += 1
            bar.update(n)
            kept = trainer.keep_every is not None and step % trainer.keep_every == 0
            if saved_step is None or kept or time.perf_counter() - saved_at >= trainer.checkpoint_seconds:
                save()
                saved_step, saved_at = step, time.perf_counter()
            if interrupts:
                status, reason = "stopped", interrupts[0]
                break
        if status == "finished" and exhausted():
            reason = f"no better validation loss in trainer.patience={trainer.patience} reports"
        if saved_step != step:
            save()
    return Fitted(
        best=best,
        best_step=progress["best_step"],
        step=step,
        status=status,
        reason=reason,
        seconds=earlier_seconds + time.perf_counter() - began,
        compile_seconds=compile_seconds,
        steps_per_second=(step - first_step) / updating if step > first_step else None,
        probe_seconds=probes.seconds,
    )


def _row(report, scored):
    """The columns of `metrics.csv` for the updates of a report."""
    row = {
        "loss": float(report.loss.mean()),
        "grad_norm": float(report.grad_norm.mean()),
        "grad_norm_max": float(report.grad_norm.max()),
        "clipped": float(report.clipped.mean()),
        "update_norm": float(report.update_norm.mean()),
        "param_norm": float(report.param_norm[-1]),
    }
    return row | {"correct": float(report.correct.mean())} if scored else row


def _first_not_finite(report):
    finite = np.isfinite(report.loss) & np.isfinite(report.grad_norm) & np.isfinite(report.param_norm)
    return None if finite.all() else int(np.argmin(finite))


@contextlib.contextmanager
def _interrupts():
    """Ctrl-C and SIGTERM as entries of a list, read between two reports; a second one ends the process at once."""
    received = []

    def note(number, frame):
        received.append(signal.Signals(number).name)
        signal.signal(number, previous[number])

    previous = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
