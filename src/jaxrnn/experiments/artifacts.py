"""Writes the results of a trained network (summary, evaluation, generated values, figures)."""

import numpy as np

from jaxrnn import atomic
from jaxrnn.errors import ConfigError
from jaxrnn.experiments import comparing, schema
from jaxrnn.experiments.run import PATHS
from jaxrnn.plotting import examples, style
from jaxrnn.plotting import forecasts as plotting
from jaxrnn.storage import probe_files, summaries
from jaxrnn.table import Table
from jaxrnn.training import forecasts, series_tables, symbol_inference
from jaxrnn.training.priming import generation_inputs, generation_rmse

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


def record(folder, cfg, content):
    """Writes the summary of a run. Returns the summary.

    Args:
      folder: the run folder.
      cfg: the configuration, or {} for a run without one.
      content: the summary without the configuration, as from `Run.summary`.
    """
    configuration = {"configuration": comparing.leaves(cfg)} if cfg else {}
    return summaries.write(folder, content | summaries.versions() | configuration)


def save_figures(run, probes):
    """Draws the figures of a run and of its probes into the run folder. Returns their paths."""
    with style.page(_width(run)):
        figures = probe_figures(probes, run.task, run.folder)
    paths = run.plot(_width(run)).save(run.folder)
    return paths + [style.publish(figure, run.folder, title) for title, figure in figures.items()]


def probe_figures(probes, task, folder):
    """Draws the measurements in a run folder of the probes {name: `Probe`} of a task: {title: figure}."""
    figures = {}
    for name, probe in probes.items():
        if (measurements := probe_files.read(name, probe, task, folder)) is not None:
            figures |= {f"probe_{title}": figure for title, figure in probe.plot(*measurements).items()}
    return figures


def _width(run):
    """Returns the width of a run's figures in inches, or None if its configuration does not set it."""
    return schema.instantiate(run.cfg.figure).width if run.cfg is not None and "figure" in run.cfg else None


def write_evaluation(run):
    """Writes a run's metrics to `evaluation.csv`, draws its figures and returns the metrics.

    The errors of each series and variable, in the source's units, are in `errors.csv`.
    """
    metrics = run.metrics
    if all(series_tables.has_predictions(run.dataset, split) for split in run.dataset.splits or ["none"]):
        Table(series_tables.errors(run)).write(run.folder / "errors.csv")
    Table({"split": name, **values} for name, values in metrics.items()).write(run.folder / "evaluation.csv")
    run.plot(_width(run)).save(run.folder)
    return metrics


def write_predictions(run, split):
    """Writes a run's prediction for every example of a split to `predictions.csv`, and draws them.

    Args:
      run: the `Run`.
      split: name of the split. None means test.

    Returns:
      The path of the file, or None if the data set does not define how its examples are shown.

    Raises:
      ConfigError: if the data set has no such split.
    """
    if split is not None and split not in run.dataset.splits:
        raise ConfigError(f"split={split}: no such split; there are {', '.join(run.dataset.splits)}")
    split = "test" if split is None else split
    if series_tables.has_predictions(run.dataset, split):
        path, frame = run.folder / "predictions.csv", series_tables.predictions(run, split)
        atomic.write(path, frame.to_csv(index=False, float_format="%.12g"))
        return path
    if run.dataset.symbols.describe is None or split not in run.dataset.splits:
        return None
    rows = symbol_inference.examples(run, split)
    names = ("input", "target", "prediction", "loss")
    Table({"split": split, **{name: row[name] for name in names}} for row in rows).write(run.folder / "predictions.csv")
    with style.page(_width(run)):
        figures = {}
        if (failures := examples.failures(rows)) is not None:
            figures["failures"] = failures
        else:
            style.path(run.folder, "failures").unlink(missing_ok=True)  # left over from an earlier evaluation
        pairs = [pair for row in rows for pair in _pairs(row)]
        if 1 < len({target for target, _ in pairs}) <= examples.MAX_LABELS and run.net.decoding is None:
            figures["confusion"] = examples.confusion(*zip(*pairs, strict=True))
        if "parts" in rows[0]:
            figures["sentences"] = examples.sentences(rows)
        if "picture" in rows[0]:
            figures["captions"] = examples.captions(rows)
        for title, figure in figures.items():
            style.save(figure, run.folder, title)
    return run.folder / "predictions.csv"


def _pairs(row):
    """Returns the (true label, predicted label) pairs of an example: one, or one per step of a labelled sequence."""
    return zip(*row["parts"][1:], strict=True) if "parts" in row else [(row["target"], row["prediction"])]


def write_answer(run, answer):
    """Writes an `Answer` to `generation.csv`, and its attention weights or picture to `figures/generation.png`.

    Returns:
      (path of the values, path of the figure or None if there is none).
    """
    path, figure = run.folder / "generation.csv", None
    Table(answer.rows).write(path)
    with style.page(_width(run)):
        if answer.attention is not None:
            figure = style.save(examples.attention(*answer.attention), run.folder, "generation")
        elif answer.picture is not None:
            figure = style.save(examples.picture(answer.picture, answer.question), run.folder, "generation")
    return path, figure


def baselines(run):
    """Formats the metrics of every baseline on every split as text for the terminal."""
    lines = []
    for split, batch in run.dataset.splits.items():
        for name, metrics in run.evaluator.baselines(batch).items():
            lines.append(f"  {split}, {name}: " + ", ".join(f"{key} {value:.4g}" for key, value in metrics.items()))
    return "\n".join(["baselines:", *lines])


def write_generation(run, prime=None, length=None, start=None, seed=0):
    """Generates a time series and writes it to `generation.csv` and `figures/generation.png`, in the source's units.

    If the outputs are a distribution, the file also contains the quantiles of 500 sampled paths for each value.

    Args:
      run: a `Run`.
      prime, length, start: as in `Run.generate`, with the same errors.
      seed: seed of the sampled paths.

    Returns:
      (path of the values, path of the figure, {label: RMSE in the source's units} of the known true values).
    """
    generated, series = run.generate(length, prime, start), run.dataset.series
    priming, path = generation_inputs(run.task, prime, length, start), run.folder / "generation.csv"
    values, times = series.in_source_units(generated), series.times_of(priming.start, len(generated))
    values = np.round(values) if series.distribution.counts else values
    truth = series.in_source_units(series.truth()[priming.start :][: len(generated)])
    quantiles = {}
    if series.distribution.size > 1:
        paths = series.in_source_units(run.paths(PATHS, length, prime, start, seed))
        quantiles = {f"quantile {q:g}": np.quantile(paths, q, axis=1) for q in QUANTILES}
    rows = []
    for step in range(len(values)):
        for variable, label in enumerate(series.value_labels):
            row = {"index": priming.start + step} | ({"variable": label} if values.shape[1] > 1 else {})
            row |= {"generated": values[step, variable]}
            is_known = step < len(truth) and np.isfinite(truth[step, variable])
            row |= {"truth": truth[step, variable] if is_known else ""}
            row |= {"time": f"{times[step]}{series.zone}"} if np.issubdtype(times.dtype, np.datetime64) else {}
            rows.append(row | {name: quantile[step, variable] for name, quantile in quantiles.items()})
    Table(rows).write(path)
    with style.page(_width(run)):
        figure = style.save(run.plot_generation(length, prime, start, seed), run.folder, "generation")
    return path, figure, generation_rmse(run.dataset, generated, priming.start)


def write_by_lead(run, horizon):
    """Writes the forecast errors of a run and its baselines at 1 to `horizon` steps ahead to `by_lead.csv`.

    It also draws them.

    Returns:
      (path of the file, {name: mean absolute scaled error over all steps}).
    """
    errors_by_name = forecasts.by_lead(run, horizon)
    path = run.folder / "by_lead.csv"
    Table(
        {"steps ahead": lead + 1} | {name: errors[lead] for name, errors in errors_by_name.items()}
        for lead in range(horizon)
    ).write(path)
    with style.page(_width(run)):
        figure = plotting.by_lead(errors_by_name, "mean absolute scaled error")
        style.save(figure, run.folder, "by_lead")
    return path, {name: float(np.mean(errors)) for name, errors in errors_by_name.items()}
