"""Scores of all jobs of a sweep of studies: one table, and one figure per quantity."""

import csv
from pathlib import Path

import numpy as np

from jaxrnn import statistics, stored_files
from jaxrnn.errors import DamagedError
from jaxrnn.experiments import saved_config
from jaxrnn.plotting import style
from jaxrnn.studies._curves import with_bars
from jaxrnn.table import Table, read

SCORES = "scores.csv"


def write(folder, width=None):
    """Writes `scores.csv` and one figure per quantity into a sweep's folder, from the jobs that are done.

    Args:
      folder: the sweep's folder, with one numbered folder per job.
      width: width of the figures in inches.

    Returns:
      Lines of text for the terminal; an empty list before the second job is done.
    """
    folder = Path(str(folder))
    score_files = [path for path in folder.glob("*/" + SCORES) if path.parent.name.isdecimal()]
    jobs = sorted(score_files, key=lambda path: int(path.parent.name))
    words_of_jobs = [[word.partition("=") for word in saved_config.overrides(path.parent)] for path in jobs]
    overrides = [{key: value for key, _, value in words} for words in words_of_jobs]
    names = [
        name
        for name in dict.fromkeys(key for job in overrides for key in job)
        if len({job.get(name) for job in overrides}) > 1
    ]
    if len(jobs) < 2 or not names:
        return []
    rows = []
    for path, overrides_of_job in zip(jobs, overrides, strict=True):
        rows += [{name: overrides_of_job.get(name, "") for name in names} | row for row in _scores(path)]
    table = Table(rows)
    table.write(folder / SCORES)
    paths = [folder / SCORES]
    for number, quantity in enumerate(dict.fromkeys(table["quantity"])):
        with style.page(width):
            paths.append(style.publish(_figure(table, names, quantity), folder, f"scores_{number + 1}"))
    return [f"over {len(jobs)} jobs: {', '.join(map(str, paths))}"]


def _scores(path):
    """Reads the rows of a job's `scores.csv`.

    Raises:
      DamagedError: if the file does not hold scores; the message names the line.
    """
    try:
        rows = read(stored_files.regular(path))
        for number, row in enumerate(rows, 2):
            if not {"quantity", "network", "number", "value"} == set(row) or None in row.values():
                raise DamagedError(
                    f"{path}, line {number} is damaged: expected the columns quantity,network,number,value"
                )
            float(row["value"])
    except (ValueError, csv.Error) as error:
        raise DamagedError(f"{path} is damaged: {error}") from error
    return rows


def _figure(table, names, quantity):
    """Draws a quantity against the varied settings: medians over networks with their bootstrap intervals."""
    rows_of_quantity = table.where(quantity=quantity)
    figure, axes = style.axes(style.plain(", ".join(names)), style.plain(quantity))
    settings = list(dict.fromkeys(tuple(row[name] for name in names) for row in rows_of_quantity))
    numeric = len(names) == 1 and all(_is_number(value) for (value,) in settings)
    positions = [float(value) for (value,) in settings] if numeric else list(range(len(settings)))
    for number, network in enumerate(dict.fromkeys(rows_of_quantity["network"])):
        line, intervals = style.series(number), []
        for setting in settings:
            rows = rows_of_quantity.where(network=network, **dict(zip(names, setting, strict=True)))
            values = np.array([float(row["value"]) for row in rows])
            values = values[np.isfinite(values)]
            intervals.append(statistics.median(values) if len(values) else (np.nan,) * 3)
        with_bars(axes, positions, intervals, label=style.plain(network), **line)
    if not numeric:
        axes.set_xticks(positions, [style.plain(", ".join(setting)) for setting in settings])
    return style.legend_below(figure)


def _is_number(text):
    try:
        return np.isfinite(float(text))
    except ValueError:
        return False
