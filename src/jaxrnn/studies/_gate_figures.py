"""Figures of `gates`, one panel per network: gates over time, time scales, saturation over training."""

import numpy as np

from jaxrnn.plotting import style
from jaxrnn.studies import _curves as curves

CAPTIONS = {
    "gates": "Mean value of each gate at every step, over units and sequences; medians over networks with 90 % "
    "bootstrap intervals. A unit keeps its state while its keeping gate (f of an LSTM, z of a GRU) is near one.",
    "gates_time_scales": "Histogram of the time scale of every unit, all networks together: -1 / ln of the mean of its "
    "keeping gate (f of an LSTM, z of a GRU). The shaded span shows the lags that the task requires. The dotted line "
    "is -1 / ln sigma(b), the time scale that the gate's bias gives without inputs; median over units.",
    "gates_saturation": "Share of gate values above 0.9 (solid lines) and below 0.1 (dotted lines) against updates; "
    "medians over networks.",
}


def draw(result):
    """Draws {title: figure} of the study's result."""
    arrays_by_network = result.networks
    figures = {"gates": _over_time(result), "gates_time_scales": _time_scales(arrays_by_network)}
    followed = {name: each for name, each in arrays_by_network.items() if len(each["steps"]) > 2}
    if followed:
        figures["gates_saturation"] = _saturation(followed)
    return figures


def _over_time(result):
    def curves_of(each):
        for gate, means in each["means"].items():
            x, colour = curves.ranks(means, 0), style.LETTERS[gate]
            yield from curves.before_and_after(x, means, each["steps"], gate, color=colour)

    def letters(panel, each):
        _letters(panel, {gate: np.median(means[-1], axis=0)[-1] for gate, means in each["means"].items()})

    options = {"theory": letters, "finish": lambda panel: panel.set_ylim(0, 1), "sharey": True, "sharex": True}
    labels = "step t", "mean gate value"
    return style.legend_below(curves.figure(result.networks, curves_of, *labels, result.layout, **options)[0])


def _letters(panel, ends):
    """Writes each gate's letter at the end of its curve, for readers without colour; side by side where curves meet."""
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


def _time_scales(arrays_by_network):
    figure, panels = style.named_panels(arrays_by_network, "time scale (steps)", "units", sharex=True)
    positive_scales = np.concatenate([each["time_scales"].ravel() for each in arrays_by_network.values()])
    positive_scales = positive_scales[np.isfinite(positive_scales) & (positive_scales > 0)]
    bins = np.geomspace(positive_scales.min() * 0.99, positive_scales.max() * 1.01, 30)
    for panel, each in panels:
        scales, steps = each["time_scales"], each["steps"]
        if len(scales) > 1:
            panel.hist(
                scales[0].ravel(), bins, histtype="step", color=style.BLACK, linestyle="--", label=style.when(steps[0])
            )
        panel.hist(scales[-1].ravel(), bins, color=style.SKY, label=style.when(steps[-1]))
        if "lags" in each:
            panel.axvspan(*each["lags"], color=style.GOLD, alpha=0.35, linewidth=0, label="lags of the task")
        if "of_biases" in each:
            at = float(np.median(each["of_biases"][-1]))
            panel.axvline(at, label=r"$-1/\ln\sigma(b)$", **style.THEORY)
        panel.set_xscale("log")
        style.plain_log(panel.xaxis)
    return style.legend_below(figure)


def _saturation(arrays_by_network):
    figure, panels = style.named_panels(arrays_by_network, "update", "share of saturated values", sharey=True)
    for panel, each in panels:
        for gate, saturated in each["saturated"].items():
            shut, opened = np.median(saturated, axis=1).T
            panel.plot(each["steps"], opened, color=style.LETTERS[gate], label=f"{gate} > 0.9")
            panel.plot(each["steps"], shut, ":", color=style.LETTERS[gate], label=f"{gate} < 0.1")
    return style.legend_below(figure)
