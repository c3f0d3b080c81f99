"""Formats the results of a training run as text for the terminal."""

from pathlib import Path

MAX_SERIES = 20  # series of a panel in the report; `summary.json` has all


def report(summary, folder, resume_command):
    """Formats the result of a training run for the terminal: status, losses, and where the figures are.

    Args:
      summary: the content of `summary.json`.
      folder: the run folder.
      resume_command: the command that resumes the run if it was stopped.
    """
    lines = [f"{summary['status']} at step {summary['steps']}" + (f": {summary['reason']}" * bool(summary["reason"]))]
    splits = {name: values for name, values in summary["metrics"].items() if values and "baseline" in values}
    if splits:
        lines += [
            f"metrics of the best params, at step {summary['best_step']}:",
            table(splits, summary["baseline"], summary.get("units")),
        ]
    if summary.get("series"):
        lines.append(_series_table(summary["series"], summary["baseline"]))
    if (generation := summary.get("generation", {})).get("rmse"):
        of_series = f" of {generation['series']}" if "series" in generation else ""
        words = f"{generation['length']} values{of_series} generated after {generation['prime']}"
        lines.append(f"{words}: RMSE {in_words(generation['rmse'])}")
    if summary["probe_seconds"] > 0:
        lines.append(f"probes took {summary['probe_seconds']:.2f} s of {summary['seconds']:.2f} s")
    lines += [f"note: {note}" for note in summary["notes"]]
    if summary["status"] == "stopped":
        lines.append(f"resume with: {resume_command}")
    elif (Path(folder) / "figures").is_dir():
        lines.append(f"figures in {folder}/figures")
    return "\n".join(lines)


def in_words(rmse):
    """Formats {label: error in the source's units} for the terminal."""
    if len(rmse) == 1:
        return f"{next(iter(rmse.values())):.3g} (in the units of the data)"
    return ", ".join(f"{label} {error:.3g}" for label, error in rmse.items())


def _series_table(errors, trivial_name):
    """Formats the errors of the series of a panel on the last part as text, at most `MAX_SERIES` of them."""
    split, several = errors[-1]["split"], len({row["variable"] for row in errors}) > 1
    rows = [row for row in errors if row["split"] == split]
    trivial = [row["rmse"] for row in rows if row["predictor"] == trivial_name]
    shown = {}
    for row, error in zip((row for row in rows if row["predictor"] == "network"), trivial, strict=True):
        name = f"{row['series']}, {row['variable']}" if several else row["series"]
        shown[name] = {key: row[key] for key in ("rmse", "mae", "mase")} | {f"rmse of {trivial_name}": error}
    lines = [
        f"errors by series, {split}:",
        table(dict(list(shown.items())[:MAX_SERIES]), trivial_name, heading="series"),
    ]
    return "\n".join(
        [*lines, *([f"{len(shown) - MAX_SERIES} more in summary.json"] if len(shown) > MAX_SERIES else [])]
    )


def table(metrics, trivial_name, units=None, heading="split"):
    """Formats the metrics of every split as text: the loss, the loss of the trivial predictor, and the others.

    `units` are {metric: its unit}; `heading` is the head of the first column. A missing value is empty.
    """
    columns, first = list(next(iter(metrics.values()))), max(*map(len, metrics), 10) + 2
    head = {name: f"{name} ({unit})" if (unit := (units or {}).get(name)) else name for name in columns}
    head |= {"baseline": trivial_name} if "baseline" in head else {}
    wide = {name: max(len(head[name]) + 2, 13) for name in columns}
    lines = [f"{heading:<{first}}" + "".join(f"{head[name]:>{wide[name]}}" for name in columns)]
    for split, values in metrics.items():
        lines.append(f"{split:<{first}}" + "".join(f"{_number(values[name]):>{wide[name]}}" for name in columns))
    return "\n".join(lines)


def _number(value):
    return "" if value is None else f"{value:.4g}"
