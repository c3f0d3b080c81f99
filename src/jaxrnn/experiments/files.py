"""What is written of a trained network: summary, evaluation, generated values, figures; and what the terminal says."""

from pathlib import Path

import numpy as np

from jaxrnn.errors import ConfigError
from jaxrnn.experiments import comparing, config
from jaxrnn.plotting import examples, style
from jaxrnn.plotting import forecasts as plotting
from jaxrnn.table import Table
from jaxrnn.training import answers, forecasts, summaries, tensorboard
from jaxrnn.training import probes as probing
from jaxrnn.training.priming import generation_error, primed
from jaxrnn.training.run import PATHS

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


def record(folder, cfg, content):
    """Writes the summary of a run, for TensorBoard too where the configuration asks for it; gives what was written."""
    content = summaries.write(folder, content | ({"configuration": comparing.leaves(cfg)} if cfg else {}))
    if cfg.get("tensorboard"):
        values = {f"{split}/{name}": v for split, row in content["metrics"].items() for name, v in (row or {}).items()}
        known = {f"final/{name}": float(v) for name, v in values.items() if v is not None}
        tensorboard.finish(folder, comparing.leaves(cfg), known)
    return content


def save_figures(run, probes):
    """Draws the figures of a run, and those of its probes, into its folder; returns their paths."""
    with style.page(_width(run)):
        found = probing.figures(probes, run.task, run.folder)
    paths = run.plot(_width(run)).save(run.folder)
    return paths + [style.publish(figure, run.folder, title) for title, figure in found.items()]


def _width(run):
    """The width of a run's figures, in inches, as its configuration says; None where it says nothing."""
    return config.build(run.cfg.figure).width if run.cfg is not None and "figure" in run.cfg else None


def write_evaluation(run):
    """Writes a run's metrics to its `evaluation.csv`, draws its figures, and returns the metrics."""
    metrics = run.metrics
    Table({"split": name, **values} for name, values in metrics.items()).write(run.folder / "evaluation.csv")
    run.plot(_width(run)).save(run.folder)
    return metrics


def write_predictions(run, split):
    """Writes what a run says to every example of a split to its `predictions.csv`, and draws figures of them.

    Args:
      run: the `Run`.
      split: its name, None for test.

    Returns:
      The path of the file, or None where the data do not say how their examples are shown.

    Raises:
      ConfigError: if the data have no such split.
    """
    if split is not None and split not in run.dataset.splits:
        raise ConfigError(f"split={split}: the data have no such split; there are {', '.join(run.dataset.splits)}")
    split = "test" if split is None else split
    if run.dataset.shown is None or split not in run.dataset.splits:
        return None
    rows = answers.examples(run, split)
    names = ("input", "target", "prediction", "loss")
    Table({"split": split, **{name: row[name] for name in names}} for row in rows).write(run.folder / "predictions.csv")
    with style.page(_width(run)):
        drawn = {}
        if (failures := examples.failures(rows)) is not None:
            drawn["failures"] = failures
        else:
            style.path(run.folder, "failures").unlink(missing_ok=True)  # of an evaluation before this one
        pairs = [pair for row in rows for pair in _pairs(row)]
        if 1 < len({target for target, _ in pairs}) <= examples.MOST and run.net.decoding is None:
            drawn["confusion"] = examples.confusion(*zip(*pairs, strict=True))
        if "parts" in rows[0]:
            drawn["sentences"] = examples.sentences(rows)
        if "picture" in rows[0]:
            drawn["captions"] = examples.captions(rows)
        for title, figure in drawn.items():
            style.save(figure, run.folder, title)
    return run.folder / "predictions.csv"


def _pairs(row):
    """(true label, label given) of an example, of a sequence that is labelled step by step many."""
    return zip(*row["parts"][1:], strict=True) if "parts" in row else [(row["target"], row["prediction"])]


def write_answer(run, answer):
    """Writes an `Answer` to a run's `generation.csv`, and its attention or picture to `figures/generation.png`.

    Returns:
      (path of the values, path of the figure or None).
    """
    path, figure = run.folder / "generation.csv", None
    Table(answer.rows).write(path)
    with style.page(_width(run)):
        if answer.attention is not None:
            figure = style.save(examples.attention(*answer.attention), run.folder, "generation")
        elif answer.picture is not None:
            figure = style.save(examples.picture(answer.picture, answer.asked), run.folder, "generation")
    return path, figure


def baselines(run):
    """The metrics of every baseline on every split, as text for the terminal."""
    lines = []
    for split, batch in run.dataset.splits.items():
        for name, found in run.evaluator.baselines(batch).items():
            lines.append(f"  {split}, {name}: " + ", ".join(f"{key} {value:.4g}" for key, value in found.items()))
    return "\n".join(["baselines:", *lines])


def write_generation(run, prime=None, length=None, start=None, seed=0):
    """Generates into a run's `generation.csv` and `figures/generation.png`, in the source's units.

    Where the outputs are a distribution, the quantiles of 500 drawn paths stand beside each value.

    Args:
      run: a `Run`.
      prime, length, start: as in `Run.generate`; errors as there.
      seed: of the paths.

    Returns:
      (path of the values, path of the figure, mean squared error or None where the truth is not known).
    """
    generated, series = run.generate(length, prime, start), run.dataset.series
    given, path = primed(run.task, prime, length, start), run.folder / "generation.csv"
    said, times = series.in_source_units(generated), series.times_of(given.start, len(generated))
    truth = series.in_source_units(series.truth()[given.start :][: len(generated)])
    spread = {}
    if run.dataset.distribution.size > 1:
        drawn = series.in_source_units(run.paths(PATHS, length, prime, start, seed))
        spread = {f"quantile {q:g}": np.quantile(drawn, q, axis=1) for q in QUANTILES}
    rows = []
    for place in range(len(said)):
        for variable, label in enumerate(series.value_labels):
            row = {"index": given.start + place} | ({"variable": label} if said.shape[1] > 1 else {})
            row |= {"generated": said[place, variable]}
            known = place < len(truth) and np.isfinite(truth[place, variable])
            row |= {"truth": truth[place, variable] if known else ""}
            row |= {"time": times[place]} if np.issubdtype(times.dtype, np.datetime64) else {}
            rows.append(row | {name: values[place, variable] for name, values in spread.items()})
    Table(rows).write(path)
    with style.page(_width(run)):
        figure = style.save(run.plot_generation(length, prime, start, seed), run.folder, "generation")
    return path, figure, generation_error(run.dataset, generated, given.start)


def write_by_lead(run, horizon):
    """Writes the errors of a run and its baselines at 1, 2, ... steps ahead to `by_lead.csv`, and draws them.

    Returns:
      (path of the file, {name: mean absolute scaled error over all steps}).
    """
    found = forecasts.by_lead(run, horizon)
    path = run.folder / "by_lead.csv"
    Table({"steps ahead": lead + 1} | {name: errors[lead] for name, errors in found.items()}
          for lead in range(horizon)).write(path)  # fmt: skip
    with style.page(_width(run)):
        figure = plotting.by_lead(found, "mean absolute scaled error")
        style.save(figure, run.folder, "by_lead")
    return path, {name: float(np.mean(errors)) for name, errors in found.items()}


def report(summary, folder, go_on):
    """What a training run came to, as text for the terminal: status, losses, where the figures are, how to go on.

    Args:
      summary: as `summary.json` holds it.
      folder: the run folder.
      go_on: the command that resumes it, where it was stopped.
    """
    lines = [f"{summary['status']} at step {summary['steps']}" + (f": {summary['reason']}" * bool(summary["reason"]))]
    splits = {name: values for name, values in summary["metrics"].items() if values and "baseline" in values}
    if splits:
        lines += [f"the best params, of step {summary['best_step']}:", table(splits, summary["baseline"])]
    if "generation" in summary and summary["generation"]["mean_squared_error"] is not None:
        words = "{length} values generated after {prime}: mean squared error {mean_squared_error:.3g}"
        lines.append(words.format(**summary["generation"]))
    if summary["probe_seconds"] > 0:
        lines.append(f"probes took {summary['probe_seconds']:.2f} s of {summary['seconds']:.2f} s")
    lines += [f"note: {note}" for note in summary["notes"]]
    if summary["status"] == "stopped":
        lines.append(f"go on with: {go_on}")
    elif (Path(folder) / "figures").is_dir():
        lines.append(f"figures in {folder}/figures")
    return "\n".join(lines)


def table(metrics, trivial_name):
    """The metrics of every split as text: the loss, the trivial predictor's loss, and the others."""
    columns = list(next(iter(metrics.values())))
    head = {name: trivial_name if name == "baseline" else name for name in columns}
    wide = {name: max(len(head[name]) + 2, 13) for name in columns}
    lines = [f"{'split':<12}" + "".join(f"{head[name]:>{wide[name]}}" for name in columns)]
    for split, values in metrics.items():
        lines.append(f"{split:<12}" + "".join(f"{values[name]:>{wide[name]}.4g}" for name in columns))
    return "\n".join(lines)
