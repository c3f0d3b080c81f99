"""Probes: studies of one network that measure at every report of a training run, at a cost that is stated."""

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

BATCH = 32  # sequences that are measured, the same at every report
FOLDER = "probes"  # in a run folder: probes/NAME/STEP.npz


class Probe(NamedTuple):
    """What a probe is made of; `jaxrnn.studies.gradient_flow.probe()` and `gates.probe()` are two.

    Fields:
      measure: (task, params, Batch) -> {name: array}, traceable.
      plot: (steps [S], {name: [S, ...]}) -> {title: figure}.
    """

    measure: Callable[..., Any]
    plot: Callable[..., Any]


class Probes:
    """The probes of a run, a callback: writes `probes/NAME/STEP.npz` into the run folder at every report.

    Args:
      probes: {name: `Probe`}.
      task: the `Task` of the run.
      seed: of the sequences that are measured.
      folder: the run folder.

    Fields:
      seconds: that measuring took.

    Raises:
      ConfigError: if a probe cannot measure such a network or such data.
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
            found = jax.device_get(measure(jax.device_get(progress.params), self._batch))
            self._folder.mkdir(exist_ok=True)
            (self._folder / name).mkdir(exist_ok=True)
            with atomic.aside(self._folder / name / f"{progress.step}.npz") as other:
                np.savez(other, **found)
        self.seconds += time.perf_counter() - began


def figures(probes, task, folder):
    """The figures of what the probes of a run measured: {title: figure}; a damaged file is named and left out.

    Args:
      probes, task, folder: as of `Probes`.
    """
    found = {}
    for name, probe in probes.items():
        params = jax.eval_shape(lambda: task.net.init(jax.random.key(0), task.dataset.input_size))
        expected = jax.eval_shape(_measure(probe, task), params, draw(task.dataset, BATCH, jax.random.key(0)))
        files = {int(path.stem): path for path in atomic.whole(Path(folder) / FOLDER / name, "*.npz")
                 if path.stem.isdecimal()}  # fmt: skip
        found_at = {step: arrays for step in sorted(files) if (arrays := _read(files[step], expected)) is not None}
        if found_at:
            arrays = {key: np.stack([each[key] for each in found_at.values()]) for key in expected}
            found |= probe.plot(np.array(list(found_at)), arrays)
    return {f"probe_{title}": figure for title, figure in found.items()}


def _measure(probe, task):
    """(params, Batch) -> {name: array} of a probe on a task."""
    plain = task.net.plain
    if plain is None:
        return lambda params, batch: probe.measure(task, params, batch)
    return lambda params, batch: probe.measure(task._replace(net=plain.net), plain.weights(params), batch)


def _read(path, expected):
    """The arrays that a probe wrote; None, with a warning that names the file, where it holds others."""
    try:
        return stored_files.read_arrays(path, {name: (leaf.shape, leaf.dtype) for name, leaf in expected.items()})
    except DamagedError as error:
        logging.getLogger(__name__).warning("%s; its figures are drawn without it", error)
        return None
