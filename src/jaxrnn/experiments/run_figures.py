"""The figures of a run: learning curves, gradient norm, and what its network predicts, continues or draws."""

from jaxrnn.plotting import drawings, forecasts
from jaxrnn.plotting import runs as plotting
from jaxrnn.plotting.notebooks import Figures
from jaxrnn.training import pen_sampling, series_tables
from jaxrnn.training.priming import generates


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
        ys = series_tables.of_series(dataset, "test", run.predict("test"))
        figures["prediction"] = forecasts.prediction(series, series.distribution, ys)
    if generates(run.task):
        figures["generation"] = run.plot_generation()
    if dataset.strokes is not None and "test" in dataset.splits:
        figures["generation"] = drawings.panels(pen_sampling.sample(run))
    return figures
