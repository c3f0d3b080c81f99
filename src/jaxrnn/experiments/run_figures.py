"""The figures of a run: learning curves, gradient norm, and what its network predicts, continues or draws."""

import numpy as np

from jaxrnn.experiments import predicting
from jaxrnn.plotting import drawings, forecasts
from jaxrnn.plotting import runs as plotting
from jaxrnn.plotting.notebooks import Figures
from jaxrnn.training import pen_sampling, series_tables
from jaxrnn.training.priming import generates, generation_inputs


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
        ys = run.predict("test")
        if series.panel:
            figures["prediction"] = forecasts.panel_prediction(series_tables.of_panel(dataset, "test", ys))
        else:
            ys = series_tables.of_series(dataset, "test", ys)
            figures["prediction"] = forecasts.prediction(series, series.distribution, ys)
    if series is not None and generates(run.task):
        figures["generation"] = _panel_generation(run) if series.panel else run.plot_generation()
    if dataset.strokes is not None and "test" in dataset.splits:
        figures["generation"] = drawings.panels(pen_sampling.sample(run))
    return figures


def _panel_generation(run):
    """Draws how the network continues each of several series, from its own handover."""
    outputs = []
    for series in run.dataset.series.panel[: forecasts.MAX_PANELS]:
        task = run.task._replace(dataset=predicting.of_series(run.dataset, series.name))
        inputs = generation_inputs(task)
        generated = np.asarray(run.evaluator.generate(run.params, inputs))
        outputs.append((series, inputs.start, inputs.prime, generated))
    return forecasts.panel_generation(outputs)
