"""The figures of `gates`, a panel for each network: gates over time, time scales, saturation over training."""

import numpy as np

from jaxrnn.plotting import style
from jaxrnn.studies import _curves as curves

CAPTIONS = {
    "gates": "Mean value of each gate at every step, over units and sequences; medians over networks with 90 % "
    "bootstrap intervals. A keeping gate (f, z) near one keeps its state.",
    "gates_time_scales": "Time scale of every unit, -1 / ln of the mean of its keeping gate (f of an LSTM, z of a "
    "GRU), all networks together; the shaded span holds the lags that the task asks to bridge. The dotted line is -1 "
    "/ ln sigma(b), the time scale of the gate's bias alone, in the median over units.",
    "gates_saturation": "Share of gate values above 0.9 (full lines) and below 0.1 (dotted lines) against updates; "
    "medians over networks.",
}


def draw(found):
    """{title: figure} of {name: arrays} as of the study."""
    shown = {"gates": _over_time(found), "gates_time_scales": _time_scales(found)}
    followed = {name: each for name, each in found.items() if len(each["steps"]) > 2}
    if followed:
        shown["gates_saturation"] = _saturation(followed)
    return shown


def _over_time(found):
    figure, panels = style.panels(len(found), "step t", "mean gate value", sharey=True, sharex=True)
    for panel, (name, each) in zip(panels, found.items(), strict=True):
        for gate, means in each["means"].items():
            colour = style.LETTERS[gate]
            curves.before_and_after(panel, curves.ranks(means, 0), means, each["steps"], gate, color=colour)
        _letters(panel, {gate: np.median(means[-1], axis=0)[-1] for gate, means in each["means"].items()})
        panel.set_ylim(0, 1)
        style.title(panel, name)
    style.legend_below(figure)
    return figure


def _letters(panel, ends):
    """The letters of the gates at the ends of their curves, told apart without colour; side by side where they meet."""
    groups = []
    for gate, end in sorted(ends.items(), key=lambda item: item[1]):
        if groups and end - groups[-1][1] < 0.06:
            groups[-1][0].append(gate)
        else:
            groups.append(([gate], end))
    edge = {"xycoords": panel.get_yaxis_transform(), "textcoords": "offset points", "va": "center"}
    for gates, end in groups:
        colour = style.LETTERS[gates[0]] if len(gates) == 1 else style.BLACK
        panel.annotate(", ".join(sorted(gates)), (1, end), (0, 0), color=colour, fontsize=style.SMALLEST, **edge)


def _time_scales(found):
    figure, panels = style.panels(len(found), "time scale (steps)", "units", sharex=True)
    everything = np.concatenate([each["time_scales"].ravel() for each in found.values()])
    everything = everything[np.isfinite(everything) & (everything > 0)]
    bins = np.geomspace(everything.min() * 0.99, everything.max() * 1.01, 30)
    for panel, (name, each) in zip(panels, found.items(), strict=True):
        scales, steps = each["time_scales"], each["steps"]
        if len(scales) > 1:
            panel.hist(scales[0].ravel(), bins, histtype="step", color=style.BLACK, linestyle="--",
                       label=style.when(steps[0]))  # fmt: skip
        panel.hist(scales[-1].ravel(), bins, color=style.SKY, label=style.when(steps[-1]))
        if "lags" in each:
            panel.axvspan(*each["lags"], color=style.GOLD, alpha=0.35, linewidth=0, label="lags of the task")
        if "of_biases" in each:
            at = float(np.median(each["of_biases"][-1]))
            panel.axvline(at, label=r"$-1/\ln\sigma(b)$", **style.THEORY)
        panel.set_xscale("log")
        style.plain_log(panel.xaxis)
        style.title(panel, name)
    style.legend_below(figure)
    return figure


def _saturation(found):
    figure, panels = style.panels(len(found), "update", "share of saturated values", sharey=True)
    for panel, (name, each) in zip(panels, found.items(), strict=True):
        for gate, saturated in each["saturated"].items():
            shut, opened = np.median(saturated, axis=1).T
            panel.plot(each["steps"], opened, color=style.LETTERS[gate], label=f"{gate} > 0.9")
            panel.plot(each["steps"], shut, ":", color=style.LETTERS[gate], label=f"{gate} < 0.1")
        style.title(panel, name)
    style.legend_below(figure)
    return figure
