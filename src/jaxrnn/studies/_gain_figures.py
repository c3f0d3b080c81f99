"""Figures of `gain`: the phase diagram, and measured rates against theory."""

import numpy as np

from jaxrnn import dynamics, statistics
from jaxrnn.plotting import style
from jaxrnn.studies import _curves as curves

TICKS = (0.1, 0.25, 0.5, 0.7, 1.0, 1.4, 2.0, 4.0, 8.0)
CAPTIONS = {
    "gain": "Growth rate of the gradient on its way back, against the gain of the recurrent weights and the length of "
    "the sequence. The colour is the rate in nats per step: the gradient grows where it is red and shrinks where it is "
    "blue. Medians over networks. On the black line the gradient neither grows nor shrinks. The dotted line is the "
    "edge for random tanh networks of infinite size, gain 1.",
    "gain_rate": "Growth rate of the gradient over the longest sequence against the gain; medians over networks with "
    "90 % bootstrap intervals. Dotted: ln g, the rate of a linear network. Dashed: the largest Lyapunov exponent of a "
    "random tanh network of infinite size without inputs (Sompolinsky, Crisanti & Sommers 1988, in discrete time).",
    "gain_spectrum": "Eigenvalues of the recurrent weights of all networks at gain 1. The circle shows the circular "
    "law (Girko 1985): its radius is the standard deviation of the weights times the square root of their number of "
    "rows.",
    "gain_size": "Gain at which the gradient stops vanishing over the longest sequence, against the number of units; "
    "medians over networks with 90 % bootstrap intervals. Dotted: gain 1, the edge for networks of infinite size. An "
    "interval that reaches the largest gain extends beyond it.",
}


def draw(result):
    """Draws all figures, {title: figure}; see `jaxrnn.studies.gain.plot`."""
    arrays_by_network, common = result.networks, result.common
    figures = {"gain": _diagram(arrays_by_network, common), "gain_rate": _rates(result)}
    squares = {name: each for name, each in arrays_by_network.items() if "eigenvalues" in each}
    if squares:
        figures["gain_spectrum"] = _spectrum(squares)
    sized = {name: each for name, each in arrays_by_network.items() if "edges" in each and len(_sizes_with_edge(each))}
    if sized:
        figures["gain_size"] = _sizes(sized, common["sizes"], common["gains"][-1])
    return figures


def _diagram(arrays_by_network, common):
    lengths, gains = common["lengths"], common["gains"]
    rates = {name: np.median(each["rate"], axis=-1) for name, each in arrays_by_network.items()}
    figure, panels = style.named_panels(rates, "length (steps)", "gain", sharex=True, sharey=True)
    limit = max(np.max(np.abs(rate), initial=1e-3, where=np.isfinite(rate)) for rate in rates.values())
    for panel, rate in panels:
        rate = np.maximum(rate, -limit)  # minus infinity where the gradient is zero
        mesh = panel.pcolormesh(
            lengths, gains, rate, shading="nearest", cmap="RdBu_r", vmin=-limit, vmax=limit, rasterized=True
        )
        if rate.min() < 0 < rate.max():
            panel.contour(lengths, gains, rate, levels=[0.0], colors="black", linewidths=1.2)
        if gains[0] < 1 < gains[-1]:
            panel.axhline(1.0, **style.THEORY)
        for height, words in ((0.96, "grows"), (0.04, "shrinks")):  # the sign, which a grey print does not show
            position = {"transform": panel.transAxes, "fontsize": style.SMALLEST}
            panel.text(0.03, height, words, va="top" if height > 0.5 else "bottom", **position)
        panel.set(xscale="log", yscale="log")
        style.plain_log(panel.xaxis)
        _ticks(panel.yaxis, gains)
    figure.colorbar(mesh, ax=figure.axes, label="growth of the gradient (nats per step back)", aspect=30)
    return figure


def _ticks(axis, values):
    ticks = [tick for tick in TICKS if values[0] * 0.99 <= tick <= values[-1] * 1.01]
    axis.set_ticks(ticks, [f"{tick:g}" for tick in ticks])
    axis.set_ticks([], minor=True)


def _rates(result):
    common = result.common
    gains, length = common["gains"], common["lengths"][-1]
    label = f"growth over {length} steps (nats per step)"

    def theory(panel, each):
        if "weight_gain" in each:
            scaled = gains * np.median(each["weight_gain"])
            panel.plot(gains, np.log(scaled), label="ln g", **style.THEORY)
            exponents = [float(dynamics.mean_field_exponent(gain)) for gain in scaled]
            panel.plot(gains, exponents, "--", color=style.RED, label="mean field, tanh")

    def finish(panel):
        panel.axhline(0.0, **style.FAINT)
        panel.set_xscale("log")
        _ticks(panel.xaxis, gains)

    def curves_of(each):
        return [curves.Curve(gains, each["rate"][:, -1].T, label="measured", line={"marker": "o"})]

    options = {"theory": theory, "finish": finish, "sharex": True, "sharey": True}
    return style.legend_below(curves.figure(result.networks, curves_of, "gain", label, result.layout, **options)[0])


def _spectrum(arrays_by_network):
    def heading(name, each):
        return f"{name}: circular law, radius {np.median(each['weight_gain']):.2f}"

    labels = "real part", "imaginary part"
    figure, panels = style.named_panels(arrays_by_network, *labels, heading, sharex=True, sharey=True)
    for panel, each in panels:
        values, radius = each["eigenvalues"].ravel(), np.median(each["weight_gain"])
        panel.plot(values.real, values.imag, ".", color=style.BLUE, markersize=2)
        circle = radius * np.exp(2j * np.pi * np.linspace(0, 1, 200))
        panel.plot(circle.real, circle.imag, **style.THEORY)
        panel.set_aspect("equal")
    return figure


def _sizes_with_edge(each):
    """Returns the indices of the sizes at which at least half of the networks have an edge."""
    return np.flatnonzero(np.isfinite(np.median(each["edges"], axis=1)))


def _sizes(arrays_by_network, sizes, highest):
    figure, panel = style.axes("units", "gain at the edge")
    for number, (name, each) in enumerate(arrays_by_network.items()):
        known = _sizes_with_edge(each)
        intervals = np.minimum(np.array(statistics.median(each["edges"][known], axis=1)), highest).T
        curves.with_bars(panel, sizes[known], intervals, label=name, **style.series(number))
    panel.axhline(1.0, label="infinite size", **style.THEORY)
    panel.set_xscale("log")
    panel.set_xticks(sizes, sizes)
    panel.xaxis.set_ticks([], minor=True)
    return style.legend_below(figure)
