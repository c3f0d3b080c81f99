"""The figures of a run: learning curves, gradient norm, and for a series its prediction and its continuation."""

import numpy as np

from jaxrnn.plotting import forecasts
from jaxrnn.plotting import runs as plotting
from jaxrnn.plotting.notebooks import Figures
from jaxrnn.training.priming import generates
from jaxrnn.windows import Windows


def figures(run):
    """Draws {title: figure} of a `Run`; `Run.plot` describes them."""
    dataset, series = run.dataset, run.dataset.series
    baseline = run.metrics["validation"]["baseline"] if "validation" in dataset.splits else None
    rows = run.history.rows
    figures = Figures(
        learning_curves=plotting.learning_curves(rows, dataset.loss.name, dataset.trivial_name, baseline),
        gradient_norm=plotting.gradient_norm(rows, run.task.optimizer.clip_norm),
    )
    if series is not None and "test" in dataset.splits:
        ys, batch = np.asarray(run.predict("test")), dataset.splits["test"]
        ys = ys[0] if isinstance(batch.xs, Windows) else ys[np.asarray(batch.weights) > 0]  # of the only sequence
        figures["prediction"] = forecasts.prediction(series, series.distribution, ys)
    if generates(run.task):
        figures["generation"] = run.plot_generation()
    return figures
