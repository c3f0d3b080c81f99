"""The loop around the compiled updates: reports, the best params, checkpoints, stopping."""

import contextlib
import signal
import time
from typing import Any, NamedTuple

import jax
import numpy as np

from jaxrnn import logging, training
from jaxrnn.checkpoint import Checkpoints
from jaxrnn.course import Course, digests
from jaxrnn.devices import local
from jaxrnn.probes import Probes
from jaxrnn.training import Report


class Fitted(NamedTuple):
    """What a training run came to.

    Fields:
      best, best_step: the best params and the update after which they were taken.
      step: updates made.
      status, reason: "finished", "stopped" or "diverged", and why, in words, or None.
      seconds, compile_seconds: of the whole run, resumed parts included; of the last compilation.
      steps_per_second: of the compiled updates alone, in this process.
      probe_seconds: that the probes took, in this process.
      together: runs in the compiled program that trained it.
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
    together: int = 1


def fit(experiment, folder, everywhere=False):
    """Trains an experiment in a run folder, from its last checkpoint if it holds one.

    Args:
      experiment: an `Experiment`.
      folder: the run folder, of this process alone.
      everywhere: together with all other processes, which do the same.

    Raises:
      Refusal: if the checkpoint is broken or does not fit the experiment.
      OSError: if something cannot be written.
    """
    with interrupts() as received:
        return _fit(experiment, folder, everywhere, received)


def _fit(experiment, folder, everywhere, received):
    cfg, dataset, trainer = experiment.cfg, experiment.dataset, experiment.trainer
    program = training.program(experiment.net, dataset, experiment.optimizer, trainer, everywhere)
    arrays = jax.device_get(dataset.arrays) if everywhere else dataset.arrays
    probes = Probes(experiment, folder)
    state = program.init(jax.random.key(cfg.seed))
    checkpoints = Checkpoints(folder, trainer.keep_every)
    best, progress = local(state.params), None
    if (restored := checkpoints.restore(state, state.params)) is not None:
        state, best, progress = program.restored(restored[0]), *restored[1:]
    course = Course(folder, experiment, int(state.step), progress)
    first_step, saved_step = course.step, None if restored is None else course.step
    earlier_seconds, began = course.progress["seconds"], time.perf_counter()
    advance = program.advance.lower(state, arrays, np.int32(0)).compile()
    compile_seconds = time.perf_counter() - began
    saved_at, updating = time.perf_counter(), 0.0

    def seconds():
        return earlier_seconds + time.perf_counter() - began

    def save():
        course.progress["seconds"] = seconds()
        checkpoints.save(course.step, local(state), best, course.progress)

    with logging.progress_bar(trainer.steps, course.step) as bar:
        while course.status is None:
            step = course.step
            n = min(trainer.report_every - step % trainer.report_every, trainer.steps - step)
            call = time.perf_counter()
            new_state, report = jax.block_until_ready(advance(state, arrays, np.int32(n)))
            updating += time.perf_counter() - call
            report = Report(*(np.asarray(column)[None, :n] for column in report))
            better = course.take(*digests(report, experiment), _validate(experiment, local(new_state.params)))
            course.flush()
            if course.status == "diverged":  # the state before these updates is the last good one
                break
            state = new_state
            best = local(state.params) if better else best
            probes.measure(course.step, local(state.params))
            bar.set_postfix({name: f"{loss:.3g}" for name, loss in course.losses.items()}, refresh=False)
            bar.update(n)
            kept = trainer.keep_every is not None and course.step % trainer.keep_every == 0
            if saved_step is None or kept or time.perf_counter() - saved_at >= trainer.checkpoint_seconds:
                save()
                saved_step, saved_at = course.step, time.perf_counter()
            if received and course.status is None:
                course.end("stopped", received[0])
        course.flush()
        if saved_step != course.step:
            save()
    return Fitted(
        best=best,
        best_step=course.progress["best_step"],
        step=course.step,
        status=course.status,
        reason=course.reason,
        seconds=seconds(),
        compile_seconds=compile_seconds,
        steps_per_second=(course.step - first_step) / updating if course.step > first_step else None,
        probe_seconds=probes.seconds,
    )


def _validate(experiment, params):
    """The validation loss, and the share of right sequences where the data say it; None without a validation split."""
    if "validation" not in experiment.dataset.splits:
        return None
    validation, compiled = experiment.dataset.splits["validation"], experiment.compiled
    found = {"loss": float(compiled.measure(params, validation))}
    return found if compiled.score is None else found | {"correct": float(compiled.score(params, validation))}


@contextlib.contextmanager
def interrupts():
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
