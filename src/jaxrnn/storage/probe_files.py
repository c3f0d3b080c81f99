"""Measurements of a run's probes: `probes/NAME/STEP.npz` in its folder, one file per report."""

import logging
import time
from pathlib import Path

import jax
import numpy as np

from jaxrnn import atomic, stored_files
from jaxrnn.errors import ConfigError, DamagedError
from jaxrnn.training.batches import draw
from jaxrnn.training.probes import BATCH, measure_of

FOLDER = "probes"


class Probes:
    """Callback that writes the measurements of a run's probes at every report.

    Args:
      probes: {name: `jaxrnn.training.probes.Probe`}.
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
        key = jax.random.key(seed)
        self._batch = draw(task.dataset, BATCH, key)
        params = jax.eval_shape(lambda: task.net.init(key, task.dataset.input_size))
        for name, probe in probes.items():
            measure = measure_of(probe, task)
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


def read(name, probe, task, folder):
    """Reads the measurements of a probe: (steps [S], {name: [S, ...]}). Skips damaged files with a warning.

    Args:
      name, probe: name of the probe, and the `Probe`.
      task, folder: as in `Probes`.

    Returns:
      As above, or None without a measurement.
    """
    params = jax.eval_shape(lambda: task.net.init(jax.random.key(0), task.dataset.input_size))
    expected = jax.eval_shape(measure_of(probe, task), params, draw(task.dataset, BATCH, jax.random.key(0)))
    files = {
        int(path.stem): path for path in atomic.whole(Path(folder) / FOLDER / name, "*.npz") if path.stem.isdecimal()
    }
    by_step = {step: arrays for step in sorted(files) if (arrays := _arrays(files[step], expected)) is not None}
    if not by_step:
        return None
    return np.array(list(by_step)), {key: np.stack([arrays[key] for arrays in by_step.values()]) for key in expected}


def _arrays(path, expected):
    """Reads the arrays that a probe wrote; if the file is damaged, logs a warning and returns None."""
    try:
        return stored_files.read_arrays(path, {name: (leaf.shape, leaf.dtype) for name, leaf in expected.items()})
    except DamagedError as error:
        logging.getLogger(__name__).warning("%s; the figures leave it out", error)
        return None
