"""A trained network: its params and history, what it predicts and generates, computed once."""

import html
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from jaxrnn.errors import ConfigError
from jaxrnn.metrics import better
from jaxrnn.plotting import forecasts
from jaxrnn.plotting import runs as plotting
from jaxrnn.plotting.notebooks import Figures
from jaxrnn.plotting.style import page
from jaxrnn.precision import in_own_precision
from jaxrnn.table import Table
from jaxrnn.training import evaluation, records
from jaxrnn.training.notes import notes, worse_than_trivial
from jaxrnn.training.priming import generates, generation_error, primed
from jaxrnn.training.update import Task
from jaxrnn.types import Dataset, Net, Params
from jaxrnn.windows import Windows

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PATHS = 500  # of a fan


class Run:
    """A trained network, from `fit` or from a run folder.

    Fields:
      task: the `Task` that it was trained on; `net` and `dataset` are its.
      seed: of all that the run drew.
      params: the best params, by validation loss; the last ones without a validation split.
      best_step: the update after which they were taken.
      step: updates made.
      status, reason: "finished", "stopped", "diverged" or "pruned", and why, in words; None for a run that was loaded.
      history: a `Table`, a row a report and split, the columns of `metrics.csv`.
      folder: the run folder, or None.
      cfg: its configuration; None for a run of objects made in Python.
      timing: {"seconds", "compile_seconds", "steps_per_second", "probe_seconds", "together"}, as in `summary.json`.
      evaluator: the task's `Evaluator`, to share its programs.
    """

    def __init__(
        self,
        task: Task,
        params: Params,
        best_step: int,
        step: int,
        history: Table,
        *,
        seed: int = 0,
        status: str | None = None,
        reason: str | None = None,
        folder: str | Path | None = None,
        cfg: Any = None,
        timing: dict[str, Any] | None = None,
        evaluator: Any = None,
    ):
        self.task: Task = task
        self.seed: int = seed
        self.params: Params = params
        self.best_step: int = best_step
        self.step: int = step
        self.history: Table = history
        self.status: str | None = status
        self.reason: str | None = reason
        self.folder: Path | None = folder
        self.cfg: Any = cfg
        self.timing: dict[str, Any] = timing or {}
        self.evaluator: Any = evaluation.evaluator(task) if evaluator is None else evaluator
        self._predicted, self._generated = {}, {}

    @property
    def net(self) -> Net:
        return self.task.net

    @property
    def dataset(self) -> Dataset:
        return self.task.dataset

    @in_own_precision
    def predict(self, split: str) -> jax.Array:
        """The one-step predictions ys [T, B, K] of a split of the data, each sequence from a fresh carry; of windows of
        a series those of the last step, [1, B, K].

        Raises:
          ConfigError: if the data have no such split.
        """
        if split not in self.dataset.splits:
            raise ConfigError(f"the data have no split {split}; there are {', '.join(self.dataset.splits) or 'none'}")
        if split not in self._predicted:
            self._predicted[split] = self.evaluator.predict(self.params, self.dataset.splits[split])
        return self._predicted[split]

    @cached_property
    @in_own_precision
    def metrics(self) -> dict[str, dict[str, float]]:
        """{split: {"loss", "baseline", "correct" where the data say it, and further metrics}}.

        The loss is in the network's units, a mean squared error for a forecast; the baseline is the loss of the
        trivial predictor.
        """
        return {name: self._scores(name, batch) for name, batch in self.dataset.splits.items()}

    def _scores(self, split, batch):
        found = self.evaluator.scores(self.predict(split), batch)
        return {"loss": found.pop("loss"), "baseline": self.evaluator.baseline(batch), **found}

    @in_own_precision
    def generate(
        self, length: int | None = None, prime: int | None = None, start: int | str | None = None
    ) -> np.ndarray:
        """Primes the network on true values and lets it go on by itself: step by step, reading the medians of what it
        says; or at once, where its outputs reach more steps ahead than one.

        Args:
          length: number of values; None for as many as the prime, as far as the truth is known, or the horizon.
          prime: number of true values; None for twice the window, or all there are for a stateful data set.
          start: index of the first value; None for the series' handover.

        Returns:
          [length, V], in the network's units; `dataset.series.in_source_units` turns them into the source's.

        Raises:
          ConfigError: if the data are no series, the network reads the future or columns that are known up to now
            alone, or prime, length or start do not fit.
        """
        given = primed(self.task, prime, length, start)
        if given[:3] not in self._generated:
            self._generated[given[:3]] = np.asarray(self.evaluator.generate(self.params, given))
        return self._generated[given[:3]]

    @in_own_precision
    def paths(
        self,
        count: int = 200,
        length: int | None = None,
        prime: int | None = None,
        start: int | str | None = None,
        seed: int = 0,
    ) -> np.ndarray:
        """Ways in which the series may go on, drawn from the distribution of each step, given what was drawn before it;
        independently of each other where the outputs reach more steps ahead than one.

        Args:
          count: paths.
          length, prime, start: as in `generate`; errors as there.
          seed: of the draws.

        Returns:
          [length, count, V], in the network's units.
        """
        return np.asarray(self.evaluator.paths(self.params, primed(self.task, prime, length, start), count, seed))

    @in_own_precision
    def keep(self, metrics: Any, generated: Any = None) -> None:
        """Hands over what was computed elsewhere: `metrics`, and what `generate()` would give."""
        self.metrics = metrics
        if generated is not None:
            self._generated[primed(self.task)[:3]] = generated

    @in_own_precision
    def plot(self, width: float | None = None) -> Figures:
        """{title: figure}, so many inches wide, 7 unless told otherwise: learning curves, gradient norm; the
        prediction of the test split and the generated values where the data are a series. In a notebook they are
        shown."""
        with page(width):
            return self._figures()

    def _figures(self):
        dataset, series = self.dataset, self.dataset.series
        baseline = self.metrics["validation"]["baseline"] if "validation" in dataset.splits else None
        rows = self.history.rows
        figures = Figures(
            learning_curves=plotting.learning_curves(rows, dataset.loss_name, dataset.trivial_name, baseline),
            gradient_norm=plotting.gradient_norm(rows, self.task.optimizer.clip_norm),
        )
        if series is not None and "test" in dataset.splits:
            ys, batch = np.asarray(self.predict("test")), dataset.splits["test"]
            ys = ys[0] if isinstance(batch.xs, Windows) else ys[np.asarray(batch.weights) > 0]  # those of one sequence
            figures["prediction"] = forecasts.prediction(series, dataset.distribution, ys)
        if generates(self.task):
            figures["generation"] = self.plot_generation()
        return figures

    @in_own_precision
    def plot_generation(
        self, length: int | None = None, prime: int | None = None, start: int | str | None = None, seed: int = 0
    ) -> "Figure":
        """The figure of what `generate` gives, with a fan of `paths` where the outputs are a distribution."""
        given, series = primed(self.task, prime, length, start), self.dataset.series
        paths = None
        if self.dataset.distribution.size > 1:
            paths = self.paths(PATHS, length, prime, start, seed)
        return forecasts.generation(series, given.start, given.prime, self.generate(length, prime, start), paths)

    @in_own_precision
    def summary(self) -> dict[str, Any]:
        """What `summary.json` says of the run."""
        stopped = self.status == "stopped"
        train = self.history.where(split="train").rows
        columns = (*records.COLUMNS[2:], *self.task.measured)  # without step and split
        last = {name: train[-1].get(name) for name in columns} if train else None
        warnings = [] if stopped else worse_than_trivial(self.metrics, self.dataset.trivial_name)
        content = {
            "status": self.status,
            "reason": self.reason,
            "notes": [*self.dataset.notes, *notes(self.history), *warnings],
            "steps": self.step,
            "best_step": self.best_step,
            "baseline": self.dataset.trivial_name,
            "better": {name: better(metric) for name, metric in self.task.measured.items()},
            "metrics": {"train": last, **({} if stopped else self.metrics)},
            **({} if self.dataset.buckets is None else {"padding": self.dataset.buckets.padding}),
            **self.timing,
            "parameters": sum(leaf.size for leaf in jax.tree.leaves(self.params)),
            **records.versions(),
        }
        if generates(self.task) and not stopped:
            prime, length, *_ = primed(self.task)
            error = generation_error(self.dataset, self.generate())
            content["generation"] = {"prime": prime, "length": length, "mean_squared_error": error}
        return content

    def _repr_html_(self):
        table = Table({"split": name, **values} for name, values in self.metrics.items())
        return f"<p>{html.escape(repr(self))}</p>{table._repr_html_()}{self.plot()._repr_html_()}"

    def __repr__(self) -> str:
        return f"Run at step {self.step}, {self.status or 'loaded'}; the best params are those of step {self.best_step}"
