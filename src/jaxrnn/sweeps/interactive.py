"""Interactive figures of a sweep's report, which plotly draws in the browser; they require the extra [report]."""

import importlib.resources
import importlib.util
import json
import math
import string
import warnings
from typing import Any

import numpy as np

from jaxrnn.metrics import cost
from jaxrnn.plotting import style
from jaxrnn.plotting.sweeps import number
from jaxrnn.sweeps import figures
from jaxrnn.sweeps.reading import split_of_curves

MAX_POINTS = 200_000  # points of all learning curves together; longer curves are thinned out
DASHES = ("solid", "dash", "dashdot", "dot", "longdash")  # curves differ in grey too
MAX_LINES = 2000  # lines of the parallel coordinates: of the best runs, and of some of the others
MIN_RUNS = 50  # for the importance, so that five runs are among the best tenth, as Optuna advises
MAX_CHOICES = 12  # a factor with more values gets a continuous axis
TITLES = {"curves": "Learning curves", "coordinates": "Parallel coordinates", "importance": "Importance"}


def section(sweep):
    """Builds the interactive part of the report as HTML, or an empty string if plotly is not installed.

    Args:
      sweep: a `jaxrnn.sweeps.report.Sweep`.
    """
    if importlib.util.find_spec("plotly") is None:
        return ""
    from plotly.offline import get_plotlyjs

    runs = [(setting, run) for setting in sweep.settings for run in setting.runs]
    xs, ys, offsets = _joined([run.curve for _, run in runs])
    plots: dict[str, Any] = {"curves": _learning_curves(sweep, xs, ys)}
    valid = [index for index, (_, run) in enumerate(runs) if run.counts]
    axes = []
    if sweep.factors and len(valid) > 1:
        axes = _axes(sweep, [runs[index] for index in valid])
        plots["coordinates"] = _parallel_coordinates(sweep, axes)
        if shares := importance(sweep):
            plots["importance"] = _bars(shares)
    content = {
        "plots": {name: json.loads(figure.to_json()) for name, figure in plots.items()},
        "names": [str(run.folder.relative_to(sweep.folder)) for _, run in runs],
        "settings": [figures.label(setting) for setting, _ in runs],
        "offsets": offsets,
        "valid": valid,
        "axes": [axis["values"] for axis in axes],
    }
    template = importlib.resources.files("jaxrnn.sweeps").joinpath("interactive.html").read_text()
    return string.Template(template).substitute(
        plotly=get_plotlyjs(),
        content=json.dumps(content).replace("<", "\\u003c"),
        plots="".join(f'<h3>{TITLES[name]}</h3><div class="plot" id="{name}"></div>' for name in plots),
    )


def importance(sweep):
    """Returns {factor: share of its importance}, the largest first; empty without Optuna, with one factor or few runs.

    The measure is PED-ANOVA (Watanabe et al. 2023, arXiv:2304.10255), as Optuna computes it: how much the values of a
    factor among the best tenth of the runs differ from its values among all runs. Lost runs count as the worst.
    """
    runs = [(setting.factors, run) for setting in sweep.settings for run in setting.runs if run.counts or run.is_lost]
    costs = [float(cost(sweep.better, run.value)) for _, run in runs if run.counts]
    names = [name for name in sweep.factors.values() if len({factors[name] for factors, _ in runs}) > 1]
    if importlib.util.find_spec("optuna") is None or len(names) < 2 or len(runs) < MIN_RUNS or not costs:
        return {}
    import optuna

    worst = max(costs) + 1.0  # Optuna leaves out infinity
    space: dict[str, Any] = {name: _distribution([factors[name] for factors, _ in runs]) for name in names}
    trials = [
        optuna.trial.create_trial(
            params={name: factors[name] for name in names},
            distributions=space,
            value=float(cost(sweep.better, run.value)) if run.counts else worst,
        )
        for factors, run in runs
    ]
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Optuna says that the measure is experimental
        study.add_trials(trials)
        evaluator = optuna.importance.PedAnovaImportanceEvaluator()
        return optuna.importance.get_param_importances(study, evaluator=evaluator)


def _distribution(values):
    """Returns Optuna's distribution of a factor: its values as choices, or a range if there are many numbers."""
    from optuna import distributions

    choices = list(dict.fromkeys(values))
    if len(choices) <= MAX_CHOICES or not all(map(_is_number, choices)):
        return distributions.CategoricalDistribution(choices)
    return distributions.FloatDistribution(min(choices), max(choices), log=_is_log(choices))


def _joined(curves):
    """Joins curves to one with gaps between them, thinned out to `MAX_POINTS`.

    Returns:
      (steps, losses, offset of each curve in them and of the end).
    """
    limit = max(2, MAX_POINTS // max(len(curves), 1))
    xs, ys, offsets = [], [], [0]
    for steps, losses in curves:
        chosen = np.unique(np.linspace(0, len(steps) - 1, min(limit, len(steps))).astype(int))
        xs += [np.asarray(steps, "f4")[chosen], [np.nan]]
        ys += [np.asarray(losses, "f4")[chosen], [np.nan]]
        offsets.append(offsets[-1] + len(chosen) + 1)
    return np.concatenate(xs).astype("f4"), np.concatenate(ys).astype("f4"), offsets


def _learning_curves(sweep, xs, ys):
    """Draws all runs in grey, the medians of the best settings, and an empty curve for the selected runs."""
    from plotly import graph_objects as go

    hover = "%{text}<br>update %{x}, loss %{y:.4g}<extra></extra>"
    line = {"color": "rgba(120,120,120,0.35)", "width": 1}
    traces = [go.Scattergl(x=xs, y=ys, mode="lines", line=line, hovertemplate=hover, name="all runs")]
    for count, (name, curve) in enumerate(figures.curves(sweep).items()):
        steps = np.array(sorted(curve), "f4")
        medians = np.array([np.median(curve[step]) for step in sorted(curve)], "f4")
        line = {"color": style.COLOURS[count], "width": 3, "dash": DASHES[count]}
        template = f"median of {name}<br>update %{{x}}, loss %{{y:.4g}}<extra></extra>"
        traces.append(go.Scattergl(x=steps, y=medians, mode="lines", line=line, name=name, hovertemplate=template))
    line = {"color": style.RED, "width": 2, "dash": "dot"}
    traces.append(go.Scattergl(x=[], y=[], mode="lines", line=line, name="selected", hoverinfo="skip", visible=False))
    scale = "log" if np.nanmin(ys, initial=1.0) > 0 else "linear"
    layout = {"xaxis_title": "update", "yaxis_title": f"{split_of_curves(sweep.metric)} loss", "yaxis_type": scale}
    legend = {"orientation": "h", "y": -0.2}
    return go.Figure(traces, _layout(height=480, hovermode="closest", legend=legend, **layout))


def _axes(sweep, runs):
    """Returns the axes of the parallel coordinates: one for each factor and one for the metric."""
    axes = [_axis(name, [setting.factors[name] for setting, _ in runs]) for name in sweep.factors.values()]
    return [*axes, _axis(sweep.metric, [run.value for _, run in runs], continuous=True)]


def _parallel_coordinates(sweep, axes):
    """Draws one line per run; of more than `MAX_LINES` runs, the best half of these lines and every nth other run."""
    from plotly import graph_objects as go

    order = np.argsort(cost(sweep.better, np.array(axes[-1]["values"])))
    first, others = order[: MAX_LINES // 2], order[MAX_LINES // 2 :]
    drawn = [*first, *others[:: max(1, -(-len(others) // (MAX_LINES // 2)))]]
    dimensions = [axis | {"values": [axis["values"][run] for run in drawn]} for axis in axes]
    line = {"color": dimensions[-1]["values"], "colorscale": "Viridis", "reversescale": sweep.better != "up"}
    margin = {"l": 90, "r": 90, "t": 50, "b": 30}
    figure = go.Parcoords(dimensions=dimensions, line=line, tickfont={"color": "black", "size": 12})
    return go.Figure(figure, _layout(height=420, margin=margin))


def _axis(name, values, continuous=False):
    """Returns an axis of the parallel coordinates: positions of the values, and labels of the ticks."""
    numeric = all(map(_is_number, values))
    choices = sorted(set(values), key=lambda value: value if numeric else str(value))
    if not numeric:
        positions = {value: float(index) for index, value in enumerate(choices)}
        ticks = choices
    else:
        log = _is_log(choices)
        positions = {value: float(np.log10(value) if log else value) for value in choices}
        ticks = choices
        if continuous or len(choices) > MAX_CHOICES:
            spread = np.linspace(positions[choices[0]], positions[choices[-1]], 6)
            labels = [f"{10**tick if log else tick:.2g}" for tick in spread]
            return {
                "label": name,
                "values": [positions[v] for v in values],
                "tickvals": list(spread),
                "ticktext": labels,
            }
    places = [positions[tick] for tick in ticks]
    labels = [number(tick) for tick in ticks]
    return {"label": name, "values": [positions[v] for v in values], "tickvals": places, "ticktext": labels}


def _is_number(value):
    """Returns whether a value has a position on an axis of numbers."""
    return isinstance(value, int | float) and math.isfinite(value)


def _is_log(choices):
    """Returns whether numbers spread over more than a factor of 10, above zero."""
    return min(choices) > 0 and max(choices) / min(choices) > 10


def _bars(shares):
    from plotly import graph_objects as go

    names, values = list(shares)[::-1], list(shares.values())[::-1]
    bar = go.Bar(
        x=values, y=names, orientation="h", marker={"color": style.BLUE}, hovertemplate="%{x:.3f}<extra></extra>"
    )
    title = "importance for the best tenth of the runs (PED-ANOVA)"
    return go.Figure(
        bar, _layout(height=120 + 28 * len(names), xaxis_title=title, yaxis_automargin=True, yaxis_ticksuffix=" ")
    )


def _layout(**options):
    font = {"family": "system-ui, sans-serif", "size": 13}
    return {"template": "none", "font": font, "margin": {"l": 70, "r": 20, "t": 20, "b": 50}} | options
