"""The figures of `gain`: the phase diagram, and theory beside what was measured."""

import numpy as np

from jaxrnn import dynamics, statistics
from jaxrnn.plotting import style
from jaxrnn.studies import _curves as curves

TICKS = (0.1, 0.25, 0.5, 0.7, 1.0, 1.4, 2.0, 4.0, 8.0)
CAPTIONS = {
    "gain": "Growth rate of the gradient on its way back (colour, nats per step; red grows, blue shrinks) over the "
    "gain of the recurrent weights and the length of the sequence; medians over networks. The black line is where it "
    "neither grows nor shrinks, the dotted one the edge of random tanh networks of infinite size, gain 1.",
    "gain_rate": "Growth rate of the gradient over the longest sequence against the gain, medians over networks with "
    "90 % bootstrap intervals. Dotted: ln g, the rate of a linear network; dashed: the largest Lyapunov exponent of "
    "a random tanh network of infinite size without inputs (Sompolinsky, Crisanti & Sommers 1988, in discrete time).",
    "gain_spectrum": "Eigenvalues of the recurrent weights at gain 1, of all networks; the circle has the radius of "
    "the circular law (Girko 1985), the standard deviation of the weights times the square root of their number of "
    "rows.",
    "gain_size": "Gain at which the gradient stops vanishing over the longest sequence, against the number of units; "
    "medians over networks with 90 % bootstrap intervals. Dotted: gain 1, for networks of infinite size. An "
    "interval that reaches the largest gain goes on beyond it.",
}


def draw(result):
    """{title: figure}; see `jaxrnn.studies.gain.plot`."""
    found, common = result.networks, result.common
    shown = {"gain": _diagram(found, common), "gain_rate": _rates(found, common)}
    squares = {name: each for name, each in found.items() if "eigenvalues" in each}
    if squares:
        shown["gain_spectrum"] = _spectrum(squares)
    sized = {name: each for name, each in found.items() if "edges" in each and len(_known(each))}
    if sized:
        shown["gain_size"] = _sizes(sized, common["sizes"], common["gains"][-1])
    return shown


def _diagram(found, common):
    lengths, gains = common["lengths"], common["gains"]
    figure, panels = style.panels(len(found), "length (steps)", "gain", sharex=True, sharey=True)
    rates = {name: np.median(each["rate"], axis=-1) for name, each in found.items()}
    limit = max(np.max(np.abs(rate), initial=1e-3, where=np.isfinite(rate)) for rate in rates.values())
    for panel, (name, rate) in zip(panels, rates.items(), strict=True):
        rate = np.maximum(rate, -limit)  # of networks through which no gradient gets, minus infinity
        mesh = panel.pcolormesh(
            lengths, gains, rate, shading="nearest", cmap="RdBu_r", vmin=-limit, vmax=limit, rasterized=True
        )
        if rate.min() < 0 < rate.max():
            panel.contour(lengths, gains, rate, levels=[0.0], colors="black", linewidths=1.2)
        if gains[0] < 1 < gains[-1]:
            panel.axhline(1.0, **style.THEORY)
        style.title(panel, name)
        for height, words in ((0.96, "grows"), (0.04, "shrinks")):  # what grey cannot show
            place = {"transform": panel.transAxes, "fontsize": style.SMALLEST}
            panel.text(0.03, height, words, va="top" if height > 0.5 else "bottom", **place)
        panel.set(xscale="log", yscale="log")
        style.plain_log(panel.xaxis)
        _ticks(panel.yaxis, gains)
    figure.colorbar(mesh, ax=panels, label="growth of the gradient (nats per step back)", aspect=30)
    return figure


def _ticks(axis, values):
    ticks = [tick for tick in TICKS if values[0] * 0.99 <= tick <= values[-1] * 1.01]
    axis.set_ticks(ticks, [f"{tick:g}" for tick in ticks])
    axis.set_ticks([], minor=True)


def _rates(found, common):
    gains, length = common["gains"], common["lengths"][-1]
    label = f"growth over {length} steps (nats per step)"
    figure, panels = style.panels(len(found), "gain", label, sharex=True, sharey=True)
    for panel, (name, each) in zip(panels, found.items(), strict=True):
        curves.banded(panel, gains, each["rate"][:, -1].T, marker="o", label="measured")
        if "weight_gain" in each:
            scaled = gains * np.median(each["weight_gain"])
            panel.plot(gains, np.log(scaled), label="ln g", **style.THEORY)
            theory = [float(dynamics.mean_field_exponent(gain)) for gain in scaled]
            panel.plot(gains, theory, "--", color=style.RED, label="mean field, tanh")
        panel.axhline(0.0, **style.FAINT)
        panel.set_xscale("log")
        _ticks(panel.xaxis, gains)
        style.title(panel, name)
    style.legend_below(figure)
    return figure


def _spectrum(found):
    figure, panels = style.panels(len(found), "real part", "imaginary part", sharex=True, sharey=True)
    for panel, (name, each) in zip(panels, found.items(), strict=True):
        values, radius = each["eigenvalues"].ravel(), np.median(each["weight_gain"])
        panel.plot(values.real, values.imag, ".", color=style.BLUE, markersize=2)
        circle = radius * np.exp(2j * np.pi * np.linspace(0, 1, 200))
        panel.plot(circle.real, circle.imag, **style.THEORY)
        panel.set_aspect("equal")
        style.title(panel, f"{name}: circular law, radius {radius:.2f}")
    return figure


def _known(each):
    """The numbers of the sizes at which half of the networks or more have an edge."""
    return np.flatnonzero(np.isfinite(np.median(each["edges"], axis=1)))


def _sizes(found, sizes, highest):
    figure, (panel,) = style.panels(1, "units", "gain at the edge")
    for number, (name, each) in enumerate(found.items()):
        known = _known(each)
        middle, low, high = (np.minimum(a, highest) for a in statistics.median(each["edges"][known], axis=1))
        bars = [middle - low, high - middle]
        panel.errorbar(sizes[known], middle, bars, label=name, elinewidth=0.8, **style.series(number))
    panel.axhline(1.0, label="infinite size", **style.THEORY)
    panel.set_xscale("log")
    panel.set_xticks(sizes, sizes)
    panel.xaxis.set_ticks([], minor=True)
    style.legend_below(figure)
    return figure
