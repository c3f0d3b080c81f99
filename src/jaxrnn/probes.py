"""Studies that measure at every report of a training run, at a cost that is stated."""

import importlib
import time
from pathlib import Path

import jax
import numpy as np

from jaxrnn import plotting
from jaxrnn.config import Refusal
from jaxrnn.subjects import Result, Subject, sequences

BATCH = 32  # sequences that are measured, the same at every report


class Probes:
    """The probes of a run: `probes/NAME/STEP.npz` in its folder, for every report.

    Args:
      experiment: an `Experiment`; its trainer names the probes.
      folder: the run folder.

    Raises:
      Refusal: if a probe cannot measure such a network or such data.
    """

    def __init__(self, experiment, folder):
        self._folder, self.seconds = Path(folder) / "probes", 0.0
        self._measures = {}
        names = list(experiment.trainer.probes)
        if not names:
            return
        key = jax.random.key(experiment.cfg.seed)
        self._batch = sequences(Subject("probe", experiment, np.array([0]), ()), BATCH, key)
        params = jax.eval_shape(lambda: experiment.net.init(key, experiment.dataset.input_size))
        for name in names:
            probe = _study(name).probe
            try:
                jax.eval_shape(lambda p, b, probe=probe: probe(experiment, p, b), params, self._batch)
            except ValueError as error:
                raise Refusal(f"trainer.probes: {name}: {error}") from error
            self._measures[name] = jax.jit(lambda p, b, probe=probe: probe(experiment, p, b))

    def measure(self, step, params):
        """Measures a network after `step` updates, into a file for each probe."""
        if not self._measures:
            return
        began = time.perf_counter()
        for name, measure in self._measures.items():
            found = jax.device_get(measure(jax.device_get(params), self._batch))
            (self._folder / name).mkdir(parents=True, exist_ok=True)
            np.savez(self._folder / name / f"{step}.npz", **found)
        self.seconds += time.perf_counter() - began


def draw(folder):
    """Draws what the probes of a run found, over its training: {title: figure}."""
    figures = {}
    for place in sorted(path for path in (Path(folder) / "probes").glob("*") if path.is_dir()):
        steps = sorted(int(path.stem) for path in place.glob("*.npz"))
        moments = [dict(np.load(place / f"{step}.npz")) for step in steps]
        arrays = {f"network|{name}": np.stack([moment[name] for moment in moments]) for name in moments[0]}
        figures |= _study(place.name).plot(Result(arrays | {"network|steps": np.array(steps)}, [], []))
    return {f"probe_{title}": figure for title, figure in figures.items()}


def save_figures(folder):
    """Writes the figures of `draw` into the run folder and returns their paths."""
    return [plotting.publish(figure, folder, title) for title, figure in draw(folder).items()]


def _study(name):
    return importlib.import_module(f"jaxrnn.studies.{name}")
