"""The figures of `gradient_flow`, a panel for each network: norms against lag, shares, lag against updates."""

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from jaxrnn.plotting import style
from jaxrnn.studies import _curves as curves

FLOOR = 1e-10  # of a norm relative to lag 1; what is smaller has vanished, whatever it is
TINY = np.finfo(float).tiny  # stands for zero on logarithmic axes
COLOURS = {"exploding": style.RED, "vanishing": style.BLUE, "preserved": style.GREEN, "zero": style.BLACK}
CAPTIONS = {
    "gradient_flow": "Norm of the gradient of the loss at the last step with respect to all states of a layer k steps "
    "earlier, |dL/dz_{T-k}|, relative to its value one step back; above the grey line it has grown on its way back, "
    "below it has shrunk. Each network's curve is the median over its sequences; shown are the median over networks "
    "and its 90 % bootstrap interval. A curve that leaves the axes goes on falling below 1e-10. Exploding, "
    "vanishing, preserved: whether the median changes by more than a factor of ten from lag 1 to the longest.",
    "gradient_flow_share": "Share of the lags up to k in the gradient of the recurrent weights, dL/dW_h, summed up: "
    "the projection of what each use of the weights contributes on the whole gradient. A share may exceed one where "
    "later contributions cancel. Medians over networks and their 90 % bootstrap intervals.",
    "gradient_flow_training": "Norm of dL/dz_{T-k} relative to lag 1 (colour, base-10 logarithm; darkest: 1e-10 and "
    "less) against updates and lag; medians over networks. A column reaches half way to the next report.",
}


def draw(found, by_lag, growth):
    """{title: figure}.

    Args:
      found: {name: {"steps", "carry", "share"}}, as of the study.
      by_lag: whether norms are by lag, and not by step.
      growth: norms [T] -> (rate, kind).
    """
    shown = {"gradient_flow": _norms(found, by_lag, growth), "gradient_flow_share": _shares(found, by_lag)}
    followed = {name: each for name, each in found.items() if len(each["steps"]) > 2}
    if followed:
        shown["gradient_flow_training"] = _over_training(followed, by_lag)
    return shown


def _norms(found, by_lag, growth):
    unit = "gradient norm, relative to lag 1\n" + r"$|dL/dz_{T-k}|\ /\ |dL/dz_{T-1}|$" if by_lag else r"$|dL/dz_t|$"
    figure, panels = style.panels(len(found), _x_label(by_lag), unit, sharey=True, sharex=True)
    everything, kinds_seen = [np.array([1.0])] if by_lag else [], {}
    for panel, (name, each) in zip(panels, found.items(), strict=True):
        ends = sorted({0, len(each["steps"]) - 1})
        kinds = [growth(np.median(each["carry"][moment], axis=0))[1] for moment in ends]
        for moment, kind in zip(ends, kinds, strict=True):
            norms = np.maximum(_relative(each["carry"][moment], by_lag), TINY)
            line = style.BEFORE if moment != ends[-1] else {}
            everything += curves.banded(panel, curves.ranks(norms), norms, COLOURS[kind], **line)
            kinds_seen[kind] = None
        if by_lag:
            panel.axhline(1.0, **style.FAINT)
        change = kinds[0] if len(set(kinds)) == 1 else f"{kinds[0]} before, {kinds[-1]} after"
        style.title(panel, f"{name}: {change}")
    style.log_axis(panels[0], everything, FLOOR if by_lag else 0.0)
    style.legend_below(figure, _key(kinds_seen, found))
    return figure


def _key(kinds, found):
    handles = [Patch(color=COLOURS[kind], label=kind) for kind in COLOURS if kind in kinds]
    steps = {int(each["steps"][at]): None for each in found.values() for at in (0, -1)}
    if any(len(each["steps"]) > 1 for each in found.values()):
        first, last = (sorted({int(each["steps"][at]) for each in found.values()}) for at in (0, -1))
        for line, moments in ((style.BEFORE, first), ({}, last)):
            handles.append(Line2D([], [], color="0.2", label=" or ".join(map(style.when, moments)), **line))
    elif steps != {0: None}:
        handles += [Line2D([], [], color="0.2", label=style.when(step)) for step in steps]
    if any(each["carry"].shape[1] > 1 for each in found.values()):
        handles.append(Patch(color="0.8", label=curves.BAND))
    return handles


def _relative(norms, by_lag):
    """Norms [..., T] from lag 1 on, relative to it; those by step as they are."""
    if not by_lag:
        return norms
    first = norms[..., 1:2]
    return np.where(first > 0, norms[..., 1:] / np.where(first > 0, first, 1.0), 0.0)


def _shares(found, by_lag):
    label = "share of $dL/dW_h$ up to here"
    figure, panels = style.panels(len(found), _x_label(by_lag), label, sharey=True, sharex=True)
    for panel, (name, each) in zip(panels, found.items(), strict=True):
        shares = np.cumsum(each["share"], axis=-1)
        curves.before_and_after(panel, curves.ranks(shares, 0), shares, each["steps"])
        panel.axhline(1.0, **style.FAINT)
        style.title(panel, name)
    style.legend_below(figure)
    return figure


def _over_training(found, by_lag):
    figure, panels = style.panels(len(found), "update", _x_label(by_lag), sharey=True)
    low, high = np.log10(FLOOR), 0.0
    grids = []
    for each in found.values():
        norms = np.median(_relative(each["carry"], by_lag), axis=1)
        grids.append(np.log10(np.maximum(norms, FLOOR)).T)
        high = max(high, grids[-1].max())
    low = max(low, min(grid.min() for grid in grids))
    for panel, (name, each), grid in zip(panels, found.items(), grids, strict=True):
        steps = each["steps"]
        edges = np.concatenate([steps[:1], (steps[1:] + steps[:-1]) / 2, steps[-1:]])
        lags = np.arange(len(grid) + 1) + 0.5 * by_lag
        mesh = panel.pcolormesh(edges, lags, grid, vmin=low, vmax=high, cmap="viridis", rasterized=True)
        style.title(panel, name)
    unit = "log10 of the norm, relative to lag 1" if by_lag else "log10 of the norm"
    figure.colorbar(mesh, ax=panels, label=unit, shrink=0.8, aspect=30)
    return figure


def _x_label(by_lag):
    return "lag k (steps back)" if by_lag else "step t"
