"""Probes: studies of one network that measure it at every report of its training, and report their cost."""

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from jaxrnn import atomic, stored_files
from jaxrnn.errors import ConfigError, DamagedError
from jaxrnn.training.batches import draw

BATCH = 32  # sequences that a probe measures, the same at every report
FOLDER = "probes"  # in the run folder: probes/NAME/STEP.npz


class Probe(NamedTuple):
    """A measurement and its figures, such as `jaxrnn.studies.gradient_flow.probe()` and `gates.probe()`.

    Fields:
      measure: (task, params, Batch) -> {name: array}, traceable.
      plot: (steps [S], {name: [S, ...]}) -> {title: figure}.
    """

    measure: Callable[..., Any]
    plot: Callable[..., Any]


class Probes:
    """Callback that writes the measurements of a run's probes to `probes/NAME/STEP.npz` at every report.

    Args:
      probes: {name: `Probe`}.
      task: the `Task` of the run.
      seed: seed that selects the measured sequences.
      folder: the run folder.

    Fields:
      seconds: seconds spent on measuring.

    Raises:
      ConfigError: if a probe cannot measure this network or this data set.
    """

    def __init__(self, probes, task, seed, folder):
        self._folder, self.seconds = Path(folder) / FOLDER, 0.0
        self._measures = {}
        if not probes:
            return
        key = jax.random.key(seed)
        self._batch = draw(task.dataset, BATCH, key)
        params = jax.eval_shape(lambda: task.net.init(key, task.dataset.input_size))
        for name, probe in probes.items():
            measure = _measure(probe, task)
            try:
                jax.eval_shape(measure, params, self._batch)
            except ValueError as error:
                raise ConfigError(f"probes.{name}: {error}") from error
            self._measures[name] = jax.jit(measure)

    def __call__(self, progress):
        began = time.perf_counter()
        for name, measure in self._measures.items():
            arrays = jax.device_get(measure(jax.device_get(progress.params), self._batch))
            self._folder.mkdir(exist_ok=True)
            (self._folder / name).mkdir(exist_ok=True)
            with atomic.aside(self._folder / name / f"{progress.step}.npz") as temporary_path:
                np.savez(temporary_path, **arrays)
        self.seconds += time.perf_counter() - began


def figures(probes, task, folder):
    """Draws the measurements of a run's probes: {title: figure}. Damaged files are skipped with a warning.

    Args:
      probes, task, folder: as in `Probes`.
    """
    drawn = {}
    for name, probe in probes.items():
        params = jax.eval_shape(lambda: task.net.init(jax.random.key(0), task.dataset.input_size))
        expected = jax.eval_shape(_measure(probe, task), params, draw(task.dataset, BATCH, jax.random.key(0)))
        files = {
            int(path.stem): path
            for path in atomic.whole(Path(folder) / FOLDER / name, "*.npz")
            if path.stem.isdecimal()
        }
        by_step = {step: arrays for step in sorted(files) if (arrays := _read(files[step], expected)) is not None}
        if by_step:
            stacked = {key: np.stack([arrays[key] for arrays in by_step.values()]) for key in expected}
            drawn |= probe.plot(np.array(list(by_step)), stacked)
    return {f"probe_{title}": figure for title, figure in drawn.items()}


def _measure(probe, task):
    """Returns the function (params, Batch) -> {name: array} of a probe on a task."""
    plain = task.net.explicit_weights
    if plain is None:
        return lambda params, batch: probe.measure(task, params, batch)
    return lambda params, batch: probe.measure(task._replace(net=plain.net), plain.weights(params), batch)


def _read(path, expected):
    """Reads the arrays that a probe wrote; if the file is damaged, logs a warning and returns None."""
    try:
        return stored_files.read_arrays(path, {name: (leaf.shape, leaf.dtype) for name, leaf in expected.items()})
    except DamagedError as error:
        logging.getLogger(__name__).warning("%s; the figures leave it out", error)
        return None
