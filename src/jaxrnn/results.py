"""What a trained network is worth: losses beside the trivial predictor's, generation, figures."""

import csv
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxrnn import config, logging, plotting, tensorboard
from jaxrnn.config import Refusal
from jaxrnn.experiment import Experiment
from jaxrnn.types import Size


class Run(NamedTuple):
    """A trained network.

    Fields:
      folder: the run folder.
      experiment: the `Experiment`.
      params: the best params of the run, by validation loss; the last ones without a validation split.
      step: the update after which they were taken.
    """

    folder: Path
    experiment: Experiment
    params: Any
    step: int


def predict(run, split):
    """The one-step predictions ys [T, B, K] of a split of the run's data."""
    return run.experiment.compiled.predict(run.params, run.experiment.dataset.splits[split])


def evaluate(run):
    """The loss of every split beside the trivial predictor's: {split: {"loss", "baseline"}}, mean squared errors in
    the network's units for a forecast; and "correct", the share of sequences that are right, where the data say it."""
    compiled, splits = run.experiment.compiled, run.experiment.dataset.splits
    metrics = {}
    for name, batch in splits.items():
        metrics[name] = {"loss": float(compiled.measure(run.params, batch)), "baseline": float(compiled.trivial(batch))}
        if compiled.score is not None:
            metrics[name]["correct"] = float(compiled.score(run.params, batch))
    return metrics


def generate(run, prime=None, length=None):
    """Primes the network on the true values before the handover and lets it run on its own output.

    Args:
      run: a `Run` on a series.
      prime: number of true values; None for twice the window, or all there are for a stateful data set.
      length: number of values generated; None for as many as the prime, as far as the truth is known.

    Returns:
      (prime, ys [length, K]), in the network's units.

    Raises:
      Refusal: if the data are no series, or prime or length do not fit it.
    """
    prime, length, xs = primed(run.experiment, prime, length)
    return prime, np.asarray(run.experiment.compiled.go_on(run.params, xs, length))


def primed(experiment, prime=None, length=None):
    """What `generate` primes a network on: (prime, length, xs [prime, K]). Arguments and refusals as there."""
    series, net = experiment.dataset.series, experiment.net
    if series is None:
        raise Refusal("these data are no series: there is nothing to continue")
    if not net.causal:
        raise Refusal("this network reads the future (bidirectional), so it cannot generate")
    known = series.handover
    prime, length = (
        config.validated(value, Size | None, name) for name, value in (("prime", prime), ("length", length))
    )
    if prime is None:
        windows = [len(batch.xs) for batch in experiment.dataset.splits.values()]
        whole = experiment.dataset.continues or not windows
        prime = known if whole else min(known, 2 * windows[0])
    if length is None:
        length = min(prime, len(series.values) - known) or prime
    if prime > known:
        raise Refusal(f"prime={prime}: give 1 to {known} values; generation begins at index {known} of the series")
    return prime, length, jnp.asarray(series.values[known - prime : known], float)


def generates(experiment):
    """Whether the networks of an experiment can go on with a series by themselves."""
    return experiment.dataset.series is not None and experiment.net.causal


def generation_error(experiment, generated):
    """Mean squared error of generated values [length, K] in the source's units, as far as the truth is known."""
    series = experiment.dataset.series
    truth = series.values[series.handover :][: len(generated)]
    return float(np.mean(((generated[: len(truth)] - truth) * series.std) ** 2)) if len(truth) else None


def draw(run):
    """Draws the figures of a run into its folder: learning curves, gradient norm, one-step prediction of the test
    split, free-running generation. Returns their paths."""
    cfg, dataset = run.experiment.cfg, run.experiment.dataset
    rows = logging.read(run.folder)
    validation = dataset.splits.get("validation")
    baseline = None if validation is None else float(run.experiment.compiled.trivial(validation))
    figures = {
        "learning_curves": plotting.learning_curves(rows, dataset.loss_name, dataset.trivial_name, baseline),
        "gradient_norm": plotting.gradient_norm(rows, cfg.optimizer.get("clip_norm")),
    }
    if dataset.series is not None and "test" in dataset.splits:
        weights = np.asarray(dataset.splits["test"].weights)
        predicted = np.asarray(predict(run, "test")).swapaxes(0, 1)[weights.T > 0]
        end = len(dataset.series.values)
        figures["prediction"] = plotting.prediction(dataset.series, (end - len(predicted), end), predicted)
    if generates(run.experiment):
        prime, generated = generate(run)
        figures["generation"] = plotting.generation(dataset.series, dataset.series.handover, prime, generated)
    return [plotting.save(figure, run.folder, name) for name, figure in figures.items()]


def write_evaluation(run):
    """Evaluates a run into its `evaluation.csv`, draws its figures, and returns the metrics."""
    metrics = evaluate(run)
    with open(run.folder / "evaluation.csv", "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["split", *next(iter(metrics.values()))])
        writer.writerows([name, *values.values()] for name, values in metrics.items())
    draw(run)
    return metrics


def write_generation(run, prime=None, length=None):
    """Generates into a run's `generation.csv` and `figures/generation.png`, in the source's units.

    Arguments and refusals as in `generate`.

    Returns:
      (path of the values, path of the figure, mean squared error or None where the truth is not known).
    """
    prime, generated = generate(run, prime, length)
    series = run.experiment.dataset.series
    path = run.folder / "generation.csv"
    truth = [*series.values[series.handover :][: len(generated), 0] * series.std + series.mean]
    with open(path, "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["index", "generated", "truth"])
        for place, value in enumerate(generated[:, 0] * series.std + series.mean):
            writer.writerow([series.handover + place, value, truth[place] if place < len(truth) else ""])
    figure = plotting.save(plotting.generation(series, series.handover, prime, generated), run.folder, "generation")
    return path, figure, generation_error(run.experiment, generated)


def summary(experiment, folder, fitted, metrics, generated=None):
    """What `summary.json` says of a run.

    Args:
      experiment, folder: of the run.
      fitted: its `Fitted`.
      metrics: as `evaluate` gives them; none of a run that was stopped.
      generated: (prime, ys [length, K]) as `generate` gives them, or None.
    """
    content = {
        "status": fitted.status,
        "reason": fitted.reason,
        "steps": fitted.step,
        "best_step": fitted.best_step,
        "baseline": experiment.dataset.trivial_name,
        "metrics": {"train": logging.last_row(folder, "train"), **metrics},
        "seconds": fitted.seconds,
        "compile_seconds": fitted.compile_seconds,
        "steps_per_second": fitted.steps_per_second,
        "probe_seconds": fitted.probe_seconds,
        "together": fitted.together,
        "parameters": sum(leaf.size for leaf in jax.tree.leaves(fitted.best)),
        **logging.versions(),
    }
    if generated is not None:
        prime, values = generated
        error = generation_error(experiment, values)
        content["generation"] = {"prime": prime, "length": len(values), "mean_squared_error": error}
    return content


def record(folder, cfg, content):
    """Writes the summary of a run, for TensorBoard too where the configuration asks for it."""
    logging.write_summary(folder, content)
    if cfg.get("tensorboard"):
        values = {f"{split}/{name}": v for split, row in content["metrics"].items() for name, v in (row or {}).items()}
        known = {f"final/{name}": float(v) for name, v in values.items() if v is not None}
        tensorboard.finish(folder, config.leaves(cfg), known)


def table(metrics, trivial_name):
    """The loss of every split beside the trivial predictor's, and the share of right sequences, as text."""
    head = {"loss": "loss", "baseline": trivial_name, "correct": "correct"}
    columns = [name for name in head if any(name in values for values in metrics.values())]
    lines = [f"{'split':<12}" + "".join(f"{head[name]:>13}" for name in columns)]
    for split, values in metrics.items():
        lines.append(f"{split:<12}" + "".join(f"{values[name]:>13.4g}" for name in columns))
    return "\n".join(lines)
