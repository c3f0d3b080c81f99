"""Figures of a sweep's report, drawn from its settings."""

import itertools

import numpy as np

from jaxrnn.plotting import sweeps as plotting
from jaxrnn.sweeps.reading import split_of_curves

MAX_CURVES, MAX_PAIRS = 5, 6  # learning curves of the best settings; plots of the first pairs of factors


def draw(sweep):
    """Draws {title: figure}: learning curves with bands over seeds, and one plot per factor and per pair of factors."""
    figures = {"learning_curves": plotting.learning_curves(curves(sweep), f"{split_of_curves(sweep.metric)} loss")}
    with_values = [setting for setting in sweep.settings if len(setting.values)]
    if with_values:
        log = sweep.better == "down"
        for name in sweep.factors.values():
            points = [(setting.factors[name], setting.values, setting.mean) for setting in with_values]
            values = _ordered({setting.factors[name] for setting in sweep.settings})
            figures[f"factor_{_file(name)}"] = plotting.one_factor(values, points, name, sweep.metric, log)
        pairs = list(itertools.combinations(sweep.factors.values(), 2))[:MAX_PAIRS]
        figures |= {f"factors_{_file(a)}_{_file(b)}": two_factors(sweep, a, b) for a, b in pairs}
    return figures


def two_factors(sweep, first, second):
    """Draws the metric's mean over seeds against two factors, at the best values of the others.

    Args:
      sweep: a `jaxrnn.sweeps.report.Sweep`.
      first, second: names of the factors on the horizontal and the vertical axis.
    """
    columns, rows = (_ordered({s.factors[name] for s in sweep.settings}) for name in (first, second))
    grid = np.full((len(rows), len(columns)), np.nan)
    for setting in reversed(sweep.settings):  # the best one is written last
        if len(setting.values):
            grid[rows.index(setting.factors[second]), columns.index(setting.factors[first])] = setting.mean
    title = "at the best values of the other factors" if len(sweep.factors) > 2 else None
    log = sweep.better == "down"
    return plotting.two_factors(grid, (first, columns), (second, rows), f"{sweep.metric}, mean over seeds", log, title)


def curves(sweep):
    """Returns {label: {step: losses of the runs}} of the best settings."""
    losses_by_label = {}
    for setting in sweep.settings[:MAX_CURVES]:
        curve = losses_by_label.setdefault(label(setting), {})
        for run in setting.runs:
            for step, loss in zip(*run.curve, strict=True):
                curve.setdefault(step, []).append(loss)
    return losses_by_label


def label(setting):
    """Returns the values of a setting's factors as text."""
    return ", ".join(f"{name} {plotting.number(value)}" for name, value in setting.factors.items()) or "all runs"


def _ordered(values):
    numbers = [value for value in values if isinstance(value, int | float)]
    return sorted(numbers) + sorted(value for value in values if isinstance(value, str))


def _file(name):
    return name.replace(".", "_")
