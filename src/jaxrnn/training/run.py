"""A trained network: its params and history, what it predicts and generates, computed once."""

from functools import cached_property

import jax
import jax.numpy as jnp
import numpy as np

from jaxrnn.errors import ConfigError
from jaxrnn.metrics import better
from jaxrnn.plotting import runs as plotting
from jaxrnn.plotting.style import Figures, page
from jaxrnn.training import evaluation, records


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

    def __init__(self, task, params, best_step, step, history, *, seed=0, status=None, reason=None, folder=None,
                 cfg=None, timing=None, evaluator=None):  # fmt: skip
        self.task, self.seed, self.params, self.best_step, self.step = task, seed, params, best_step, step
        self.history, self.status, self.reason = history, status, reason
        self.folder, self.cfg, self.timing = folder, cfg, timing or {}
        self.evaluator = evaluation.evaluator(task) if evaluator is None else evaluator
        self._predicted, self._generated = {}, {}

    @property
    def net(self):
        return self.task.net

    @property
    def dataset(self):
        return self.task.dataset

    def predict(self, split):
        """The one-step predictions ys [T, B, K] of a split of the data, each sequence from a fresh carry.

        Raises:
          ConfigError: if the data have no such split.
        """
        if split not in self.dataset.splits:
            raise ConfigError(f"the data have no split {split}; there are {', '.join(self.dataset.splits) or 'none'}")
        if split not in self._predicted:
            self._predicted[split] = self.evaluator.predict(self.params, self.dataset.splits[split])
        return self._predicted[split]

    @cached_property
    def metrics(self):
        """{split: {"loss", "baseline", "correct" where the data say it, and further metrics}}.

        The loss is in the network's units, a mean squared error for a forecast; the baseline is the loss of the
        trivial predictor.
        """
        return {name: self._scores(name, batch) for name, batch in self.dataset.splits.items()}

    def _scores(self, split, batch):
        found = self.evaluator.scores(self.predict(split), batch)
        return {"loss": found.pop("loss"), "baseline": self.evaluator.baseline(batch), **found}

    def generate(self, length=None, prime=None):
        """Primes the network on true values up to the series' handover and lets it run on its own output.

        Args:
          length: number of values generated; None for as many as the prime, as far as the truth is known.
          prime: number of true values; None for twice the window, or all there are for a stateful data set.

        Returns:
          ys [length, K], in the network's units; `dataset.series.in_source_units` turns them into the source's.

        Raises:
          ConfigError: if the data are no series, the network reads the future, or prime or length do not fit.
        """
        prime, length, xs = primed(self.task, prime, length)
        if (prime, length) not in self._generated:
            self._generated[prime, length] = np.asarray(self.evaluator.generate(self.params, xs, length))
        return self._generated[prime, length]

    def keep(self, metrics, generated=None):
        """Hands over what was computed elsewhere: `metrics`, and what `generate()` would give."""
        self.metrics = metrics
        if generated is not None:
            self._generated[primed(self.task)[:2]] = generated

    def plot(self, width=None):
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
            weights = np.asarray(dataset.splits["test"].weights)
            predicted = np.asarray(self.predict("test")).swapaxes(0, 1)[weights.T > 0]
            end = len(series.values)
            figures["prediction"] = plotting.prediction(series, (end - len(predicted), end), predicted)
        if generates(self.task):
            figures["generation"] = plotting.generation(series, series.handover, primed(self.task)[0], self.generate())
        return figures

    def summary(self):
        """What `summary.json` says of the run."""
        stopped = self.status == "stopped"
        train = self.history.where(split="train").rows
        columns = (*records.COLUMNS[2:], *self.task.measured)  # without step and split
        last = {name: train[-1].get(name) for name in columns} if train else None
        content = {
            "status": self.status,
            "reason": self.reason,
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
            prime, length, _ = primed(self.task)
            error = generation_error(self.dataset, self.generate())
            content["generation"] = {"prime": prime, "length": length, "mean_squared_error": error}
        return content

    def __repr__(self):
        return f"Run at step {self.step}, {self.status or 'loaded'}; the best params are those of step {self.best_step}"


def generates(task):
    """Whether the network of a task can go on with a series by itself."""
    return task.dataset.series is not None and task.net.causal


def primed(task, prime=None, length=None):
    """What a network is primed on: (prime, length, xs [prime, K]). Arguments and errors as of `Run.generate`."""
    series, dataset = task.dataset.series, task.dataset
    if series is None:
        raise ConfigError("these data are no series: there is nothing to continue")
    if not task.net.causal:
        raise ConfigError("this network reads the future (bidirectional), so it cannot generate")
    for name, value in (("prime", prime), ("length", length)):
        if value is not None and not (isinstance(value, int) and value > 0):
            raise ConfigError(f"{name}={value}: give a whole number above 0")
    known = series.handover
    if prime is None:
        windows = [len(batch.xs) for batch in dataset.splits.values()]
        prime = known if dataset.continues or not windows else min(known, 2 * windows[0])
    if length is None:
        length = min(prime, len(series.values) - known) or prime
    if prime > known:
        raise ConfigError(f"prime={prime}: give 1 to {known} values; generation begins at index {known} of the series")
    return prime, length, jnp.asarray(series.values[known - prime : known], float)


def generation_error(dataset, generated):
    """Mean squared error of generated values [length, K] in the source's units, as far as the truth is known."""
    series = dataset.series
    truth = series.values[series.handover :][: len(generated)]
    return float(np.mean(((generated[: len(truth)] - truth) * series.std) ** 2)) if len(truth) else None
