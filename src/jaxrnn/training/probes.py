"""Probes: studies of one network that measure at every report of a training run, at a cost that is stated."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from jaxrnn import atomic
from jaxrnn.errors import ConfigError
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
        plain = task.net.plain
        for name, probe in probes.items():

            def measure(params, batch, probe=probe):
                if plain is None:
                    return probe.measure(task, params, batch)
                return probe.measure(task._replace(net=plain.net), plain.weights(params), batch)

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


def figures(probes, folder):
    """What the probes of a run found over its training: {title: figure}."""
    found = {}
    for name, probe in probes.items():
        place = Path(folder) / FOLDER / name
        if steps := sorted(int(path.stem) for path in atomic.whole(place, "*.npz")):
            found_at = [dict(np.load(place / f"{step}.npz")) for step in steps]
            arrays = {key: np.stack([each[key] for each in found_at]) for key in found_at[0]}
            found |= probe.plot(np.array(steps), arrays)
    return {f"probe_{title}": figure for title, figure in found.items()}
