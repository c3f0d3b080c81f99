"""Figures of `gradient_flow`, one panel per network: norms against lag, shares, lag against updates."""

from typing import Any

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from jaxrnn.norms import smallest
from jaxrnn.plotting import style
from jaxrnn.studies import _curves as curves

FLOOR = 1e-10  # a norm below this, relative to lag 1, has vanished
TINY = np.finfo(float).tiny  # stands for zero on logarithmic axes
COLOURS = {"exploding": style.RED, "vanishing": style.BLUE, "preserved": style.GREEN, "zero": style.BLACK}
LAG = "lag k (steps back)"


def captions(loss, pairs):
    """Returns {title: caption} for the chosen loss; `pairs` adds a sentence about encoder-decoders."""
    step = "the last step T" if loss == "last" else "one step T"
    several = (
        ""
        if loss == "last"
        else "T takes eight values per sequence, evenly spread over the second half of the steps that count in the "
        "loss (over the middle third for a bidirectional network). Only lags that exist for all T are shown. "
    )
    encoders = (
        "For an encoder-decoder, L is the loss of the whole answer and T the end of the source. " if pairs else ""
    )
    medians = "sequences" if loss == "last" else "steps T and sequences"
    return {
        "gradient_flow": f"Norm of the gradient of the loss at {step} with respect to all states of a layer k steps "
        "earlier, |dL/dz_{T-k}|, relative to the norm at lag 1. Above the grey line the gradient has grown on its way "
        f"back, below it has shrunk. {several}{encoders}Each network contributes the median over its {medians}. The "
        "line is the median over networks, the band its 90 % bootstrap interval. A curve that leaves the axes falls "
        "below 1e-10. A curve that ends inside the axes falls below the smallest number that the floating-point "
        "format resolves. The gradient explodes or vanishes if the median changes by more than a factor of ten from "
        "lag 1 to the longest lag; otherwise it is preserved.",
        "gradient_flow_share": "Cumulative share of the lags up to k in the gradient of the recurrent weights, "
        "dL/dW_h. Each use of the weights contributes one part of this gradient; its share is the projection of the "
        "part on the whole. A cumulative share exceeds one where contributions at longer lags cancel. "
        f"{several}{encoders}Medians over networks with 90 % bootstrap intervals.",
        "gradient_flow_training": f"Norm of the gradient of the loss at {step}, dL/dz_{{T-k}}, relative to lag 1, "
        "against updates and lag. The colour is the base-10 logarithm. Darkest: 1e-10 or less; white: below the "
        f"smallest number that the floating-point format resolves. Medians over networks. {several}{encoders}A column "
        "extends half way to the next report.",
    }


def draw(result, growth):
    """Draws all figures of the study's result: {title: figure}. `growth` is norms [T] -> (rate, kind)."""
    figures = {"gradient_flow": _norms(result, growth), "gradient_flow_share": _shares(result)}
    followed = {name: each for name, each in result.networks.items() if len(each["steps"]) > 2}
    if followed:
        figures["gradient_flow_training"] = _over_training(followed)
    return figures


def _norms(result, growth):
    unit = "gradient norm, relative to lag 1\n" + r"$|dL/dz_{T-k}|\ /\ |dL/dz_{T-1}|$"

    def kinds_of(each):
        moments = sorted({0, len(each["steps"]) - 1})
        return {moment: growth(np.median(each["carry"][moment], axis=0))[1] for moment in moments}

    def heading(name, each):
        first, last = (kinds_of(each)[moment] for moment in (0, len(each["steps"]) - 1))
        return f"{name}: {first}" if first == last else f"{name}: {first} before, {last} after"

    def curves_of(each):
        for moment, kind in kinds_of(each).items():
            norms, latest = _relative(each["carry"][moment]), moment == len(each["steps"]) - 1
            line = {"color": COLOURS[kind]} | ({} if latest else style.BEFORE)
            yield curves.Curve(curves.ranks(norms), norms, line=line, latest=latest)

    options = {"heading": heading, "finish": lambda panel: panel.axhline(1.0, **style.FAINT)}
    labels, shared = (LAG, unit), {"sharey": True, "sharex": True}
    figure, panels, drawn = curves.figure(result.networks, curves_of, *labels, result.layout, **options, **shared)
    style.log_axis(panels[0], [np.array([1.0]), *drawn], FLOOR)
    kinds_seen = {kind for each in result.networks.values() for kind in kinds_of(each).values()}
    return style.legend_below(figure, _key(kinds_seen, result.networks) if result.layout == "panels" else None)


def _key(kinds, arrays_by_network):
    handles: list[Any] = [Patch(color=COLOURS[kind], label=kind) for kind in COLOURS if kind in kinds]
    steps = {int(each["steps"][at]): None for each in arrays_by_network.values() for at in (0, -1)}
    if any(len(each["steps"]) > 1 for each in arrays_by_network.values()):
        first, last = (sorted({int(each["steps"][at]) for each in arrays_by_network.values()}) for at in (0, -1))
        for line, moments in ((style.BEFORE, first), ({}, last)):
            handles.append(Line2D([], [], color="0.2", label=" or ".join(map(style.when, moments)), **line))
    elif steps != {0: None}:
        handles += [Line2D([], [], color="0.2", label=style.when(step)) for step in steps]
    if any(each["carry"].shape[1] > 1 for each in arrays_by_network.values()):
        handles.append(Patch(color="0.8", label=curves.BAND))
    return handles


def _relative(norms):
    """Returns the norms [N, T] of networks from lag 1 on, relative to lag 1.

    A value too small for the floating-point format becomes TINY if it is surely below FLOOR. Otherwise that lag is NaN
    in all networks.
    """
    limit, first = smallest(norms.dtype), norms[:, 1:2].astype(float)
    resolved = (norms[:, 1:] >= limit) & (first >= limit)
    unknown = (~resolved & (first * FLOOR < limit)).any(axis=0)
    relative = np.where(resolved, norms[:, 1:] / np.where(first > 0, first, 1.0), TINY)
    return np.where(unknown, np.nan, relative)


def _shares(result):
    def curves_of(each):
        shares = np.cumsum(each["share"], axis=-1)
        return curves.before_and_after(curves.ranks(shares, 0), shares, each["steps"])

    labels = LAG, "share of $dL/dW_h$ up to here"
    options = {"finish": lambda panel: panel.axhline(1.0, **style.FAINT), "sharey": True, "sharex": True}
    return style.legend_below(curves.figure(result.networks, curves_of, *labels, result.layout, **options)[0])


def _over_training(arrays_by_network):
    figure, panels = style.named_panels(arrays_by_network, "update", LAG, sharey=True)
    low, high = np.log10(FLOOR), 0.0
    grids = []
    for each in arrays_by_network.values():
        norms = np.stack([np.median(_relative(norms), axis=0) for norms in each["carry"]])
        grids.append(np.log10(np.maximum(norms, FLOOR)).T)
        high = max(high, np.max(grids[-1], initial=high, where=np.isfinite(grids[-1])))
    for (panel, each), grid in zip(panels, grids, strict=True):
        steps = each["steps"]
        edges = np.concatenate([steps[:1], (steps[1:] + steps[:-1]) / 2, steps[-1:]])
        lags = np.arange(len(grid) + 1) + 0.5
        mesh = panel.pcolormesh(edges, lags, grid, vmin=low, vmax=high, cmap="viridis", rasterized=True)
    figure.colorbar(mesh, ax=figure.axes, label="log10 of the norm,\nrelative to lag 1", shrink=0.8, aspect=30)
    return figure
