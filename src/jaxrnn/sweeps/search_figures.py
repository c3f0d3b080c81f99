"""Draws Optuna's figures of a search."""

import math
import warnings
from typing import Any

import numpy as np
import optuna
from matplotlib import rc_context
from optuna.trial import TrialState

from jaxrnn.plotting import style


def draw(study, folder):
    """Draws Optuna's figures of a study into `folder/figures`; returns their paths."""
    import matplotlib

    matplotlib.use("Agg")
    from optuna.visualization import matplotlib as figures

    complete = [trial for trial in study.get_trials(states=[TrialState.COMPLETE]) if np.isfinite(trial.value)]
    if len(complete) < 2:
        return []
    several = len(study.best_trial.params) > 1
    plots = {"history": figures.plot_optimization_history, "slices": figures.plot_slice}
    plots |= {"contours": figures.plot_contour, "parallel": figures.plot_parallel_coordinate} if several else {}
    paths = []
    for name, plot in plots.items():  # Optuna warns that they are experimental and that it skips infinite values
        with (
            warnings.catch_warnings(),
            rc_context({"savefig.bbox": "tight", "text.parse_math": False}),
        ):
            warnings.simplefilter("ignore")
            axes = plot(study, **_target(study))
            paths.append(style.publish(_figure(axes), folder, name))
    return paths


def _target(study):
    """Returns the arguments that make Optuna plot logarithms, if the metric is positive and lower is better."""
    if study.direction == optuna.study.StudyDirection.MAXIMIZE or any(t.value <= 0 for t in study.trials if t.value):
        return {}
    return {"target": lambda trial: math.log10(trial.value), "target_name": "log10 of the value"}


def _figure(axes: Any):
    figure = np.ravel(axes)[0].figure
    columns, rows = (*np.shape(axes), 1, 1)[:2]
    figure.set_size_inches(max(6.4, 3.2 * columns), max(4.2, 2.8 * rows))
    return figure
