"""A trained network: its params, its history, its predictions and generated values, each computed once."""

import html
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxrnn.errors import ConfigError
from jaxrnn.experiments import predicting, run_figures, run_summary, saving, scoring
from jaxrnn.plotting import forecasts
from jaxrnn.plotting.notebooks import Figures
from jaxrnn.plotting.style import page
from jaxrnn.precision import in_own_precision
from jaxrnn.table import Table
from jaxrnn.training import evaluation
from jaxrnn.training.priming import generation_inputs
from jaxrnn.training.results import Results
from jaxrnn.training.update import Task
from jaxrnn.types import Dataset, Net, Params

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PATHS = 500  # paths per fan chart


class Run:
    """A trained network, from `fit` or from a run folder.

    Fields:
      task: the `Task` that it was trained on; `net` and `dataset` are the task's.
      seed: seed of the params and of every later draw.
      params: the params with the best validation loss; the last ones without a validation split.
      best_step: number of updates that led to these params.
      step: number of updates made.
      status, reason: "finished", "stopped", "diverged" or "pruned", and the reason; None for a run that was loaded.
      history: a `Table` with the columns of `metrics.csv`, one row per report and split.
      folder: the run folder, or None.
      cfg: its configuration; None for a run that was set up in Python.
      timing: {"seconds", "compile_seconds", "steps_per_second", "probe_seconds", "together"}, as in `summary.json`.
      evaluator: the task's `Evaluator`, to reuse its compiled functions.
      objects: {"net", "dataset", "loss"} as they were passed to `fit`; empty for other runs.
      trackers: the open trackers that record the training.
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
        self.folder: Path | None = None if folder is None else Path(folder)
        self.cfg: Any = cfg
        self.timing: dict[str, Any] = timing or {}
        self.evaluator: Any = evaluation.evaluator(task) if evaluator is None else evaluator
        self.objects: dict[str, Any] = {}
        self.trackers: Sequence[Any] = ()
        self._predicted, self._generated = {}, {}

    @property
    def net(self) -> Net:
        return self.task.net

    @property
    def dataset(self) -> Dataset:
        return self.task.dataset

    @in_own_precision
    def predict(self, x: Any, series: str | None = None, past_covariates: Any = None,
                future_covariates: Any = None, times: Any = None) -> Any:  # fmt: skip
        """Predicts for new inputs, each sequence from an initial carry, or returns the outputs of a split.

        - An array [T, D] or [B, T, D], or a list of arrays [T_n, D], in the source's units: returns values [..., T, K]
          in the source's units, or labels [..., T]. For data with one target per sequence, returns [..., K] or [...].
          A series may be [T]; its predictions are the values after each step, [T, V], or [T, h, V] if h > 1.
        - A DataFrame: returns the same for the columns that the run was trained on, its covariates included.
        - A text or a list of texts: returns the label, the list of labels, the answer, or the text continued.
        - The name of a split: returns the outputs ys [T, B, K] of its sequences, in the network's units; for windows of
          a series [1, B, K], the predictions after the last step of each window.

        Args:
          x: the inputs.
          series: the series whose scale x has, if the network learned several (`data.series_by`).
          past_covariates, future_covariates: [T, P] and [T + F, Q], if the network reads any, with F at least the
            horizon; one for each sequence of x. A DataFrame x may hold them, the future ones in rows at its end too.
          times: [T], dates, if the network reads a calendar and x is not a DataFrame with the times.

        Raises:
          ConfigError: if x does not fit the run's data set.
        """
        splits = self.dataset.splits
        if not isinstance(x, str) or x not in splits:
            if isinstance(x, str) and self.dataset.symbols.question is None:
                raise ConfigError(f"split={x}: the data set has no such split; it has {', '.join(splits) or 'none'}")
            covariates = {"past_covariates": past_covariates, "future_covariates": future_covariates, "times": times}
            return predicting.predict(self, x, series, **covariates)
        if x not in self._predicted:
            self._predicted[x] = self.evaluator.predict(self.params, splits[x])
        return self._predicted[x]

    @in_own_precision
    def evaluate(self, x: Any, y: Any = None, **covariates: Any) -> dict[str, Any]:
        """Scores the network on other data, by the loss and the metrics of the run's data set.

        Args:
          x: a `Dataset` in the units of the run's; a series [T] or [T, V], or a DataFrame, in the source's units, whose
            targets are its own later values; or sequences as in `predict`, with y.
          y: the targets of sequences: values in the source's units, or classes, one each or one per step.
          covariates: those of a series, as in `predict`.

        Returns:
          {metric: value}; for a `Dataset` {split: {metric: value}}.

        Raises:
          ConfigError: if the data do not fit the run's data set.
        """
        return scoring.evaluate(self, x, y, **covariates)

    def save(self, folder: str | Path) -> None:
        """Saves the run in a new run folder, which `jaxrnn.load(folder)` reads.

        If code of your own made the net or the data set, loading requires them: `jaxrnn.load(folder, net, dataset)`.

        Raises:
          ConfigError: if the folder contains a run, or another process holds its lock.
          OSError: if a file cannot be written.
        """
        saving.save(self, folder)

    @cached_property
    @in_own_precision
    def metrics(self) -> dict[str, dict[str, float]]:
        """Metrics by split: {split: {"loss", "baseline", "solved" if the data set defines it, and further metrics}}.

        The loss is in the network's units, a mean squared error for a forecast. The baseline is the loss of the
        trivial predictor.
        """
        splits = self.dataset.splits
        return {name: self._scores(name, self.evaluator.scores(self.predict(name), splits[name])) for name in splits}

    def _scores(self, split, scores):
        """Adds the loss of the trivial predictor to the scores of a split."""
        return {"loss": scores["loss"], "baseline": self.evaluator.baseline(self.dataset.splits[split]), **scores}

    @in_own_precision
    def generate(
        self, length: int | None = None, prime: int | None = None, start: int | str | None = None
    ) -> np.ndarray:
        """Primes the network on true values, then lets it continue the series by itself.

        A network with horizon 1 runs freely: step by step, it reads its own medians as inputs. A network with a longer
        horizon predicts all values at once.

        Args:
          length: number of values. None means the horizon if it is above 1. Otherwise it means as many values as the
            prime has, limited to the known true values if there are any.
          prime: number of true values; None for twice the window, or for all of them if the data set is stateful.
          start: index of the first generated value; None for the series' handover.

        Returns:
          [length, V], in the network's units; `dataset.series.in_source_units` converts them to the source's.

        Raises:
          ConfigError: if the data set is not a time series, the network reads the future or columns that are known
            only up to now, or prime, length or start do not fit.
        """
        inputs = generation_inputs(self.task, prime, length, start)
        if inputs[:3] not in self._generated:
            self._generated[inputs[:3]] = np.asarray(self.evaluator.generate(self.params, inputs))
        return self._generated[inputs[:3]]

    @in_own_precision
    def paths(self, count: int = 200, length: int | None = None, prime: int | None = None,
              start: int | str | None = None, seed: int = 0) -> np.ndarray:  # fmt: skip
        """Draws possible continuations of the series, in the network's units.

        With horizon 1 each step is drawn from its distribution given the steps drawn before it. With a longer horizon
        the steps are drawn independently of each other.

        Args:
          count: number of paths.
          length, prime, start: as in `generate`, with the same errors.
          seed: seed of the draws.

        Returns:
          [length, count, V].
        """
        inputs = generation_inputs(self.task, prime, length, start)
        return np.asarray(self.evaluator.paths(self.params, inputs, count, seed))

    @in_own_precision
    def keep(self, results: Results) -> None:
        """Stores `Results` that the run's engine has computed, so that they are not computed again."""
        self.metrics = {name: self._scores(name, scores) for name, scores in results.metrics.items()}
        if results.generated is not None:
            self._generated[generation_inputs(self.task)[:3]] = results.generated

    @in_own_precision
    def plot(self, width: float | None = None) -> Figures:
        """Draws {title: figure}: the learning curves and the gradient norm; for a time series also its test part and
        the generated values. A notebook shows them.

        Args:
          width: width of the figures in inches; None for 7.
        """
        with page(width):
            return run_figures.figures(self)

    @in_own_precision
    def plot_generation(
        self, length: int | None = None, prime: int | None = None, start: int | str | None = None, seed: int = 0
    ) -> "Figure":
        """Draws the result of `generate`, with a fan of `paths` (same arguments) if the outputs are a distribution."""
        inputs = generation_inputs(self.task, prime, length, start)
        series: Any = self.dataset.series  # not None: `generation_inputs` refuses other data
        paths = self.paths(PATHS, length, prime, start, seed) if series.distribution.size > 1 else None
        return forecasts.generation(series, inputs.start, inputs.prime, self.generate(length, prime, start), paths)

    @in_own_precision
    def summary(self) -> dict[str, Any]:
        """Builds the content of `summary.json`, without the configuration and the versions."""
        return run_summary.content(self)

    def _repr_html_(self):
        table = Table({"split": name, **values} for name, values in self.metrics.items())
        return f"<p>{html.escape(repr(self))}</p>{table._repr_html_()}{self.plot()._repr_html_()}"

    def __repr__(self) -> str:
        return f"Run at step {self.step}, {self.status or 'loaded'}; the best params are from step {self.best_step}"
