"""The figures of `gradient_flow`, a panel for each network: norms against lag, shares, lag against updates."""

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from jaxrnn.norms import smallest
from jaxrnn.plotting import style
from jaxrnn.studies import _curves as curves

FLOOR = 1e-10  # of a norm relative to lag 1; what is smaller has vanished, whatever it is
TINY = np.finfo(float).tiny  # stands for zero on logarithmic axes
COLOURS = {"exploding": style.RED, "vanishing": style.BLUE, "preserved": style.GREEN, "zero": style.BLACK}
LAG = "lag k (steps back)"


def captions(loss, pairs):
    """{title: what the figure shows}, by the loss that was followed back; `pairs` if there are encoder-decoders."""
    step = "the last step T" if loss == "last" else "one step T"
    several = "" if loss == "last" else (
        "T runs over eight steps of each sequence, spread over the second half of those that count (the middle third "
        "where a network reads both ways); shown are the lags that all of them have. "
    )  # fmt: skip
    encoders = (
        "Of an encoder-decoder the loss is that of the whole answer and T the end of the source. " if pairs else ""
    )
    medians = "sequences" if loss == "last" else "steps T and sequences"
    return {
        "gradient_flow": f"Norm of the gradient of the loss at {step} with respect to all states of a layer k steps "
        "earlier, |dL/dz_{T-k}|, relative to its value one step back; above the grey line it has grown on its way "
        f"back, below it has shrunk. {several}{encoders}Each network's curve is the median over its {medians}; shown "
        "are the median over networks and its 90 % bootstrap interval. A curve that leaves the axes goes on falling "
        "below 1e-10; one that ends inside them falls below what the floating-point format can tell. Exploding, "
        "vanishing, preserved: whether the median changes by more than a factor of ten from lag 1 to the longest.",
        "gradient_flow_share": "Share of the lags up to k in the gradient of the recurrent weights, dL/dW_h, summed "
        "up: the projection of what each use of the weights contributes on the whole gradient. A share may exceed one "
        f"where later contributions cancel. {several}{encoders}Medians over networks and their 90 % bootstrap "
        "intervals.",
        "gradient_flow_training": f"Norm of the gradient of the loss at {step}, dL/dz_{{T-k}}, relative to lag 1 "
        "(colour, base-10 logarithm; darkest: 1e-10 and less; white: below what the floating-point format can tell) "
        f"against updates and lag; medians over networks. {several}{encoders}A column reaches half way to the next "
        "report.",
    }


def draw(found, growth):
    """{title: figure}.

    Args:
      found: {name: {"steps", "carry", "share"}}, as of the study.
      growth: norms [T] -> (rate, kind).
    """
    shown = {"gradient_flow": _norms(found, growth), "gradient_flow_share": _shares(found)}
    followed = {name: each for name, each in found.items() if len(each["steps"]) > 2}
    if followed:
        shown["gradient_flow_training"] = _over_training(followed)
    return shown


def _norms(found, growth):
    unit = "gradient norm, relative to lag 1\n" + r"$|dL/dz_{T-k}|\ /\ |dL/dz_{T-1}|$"
    figure, panels = style.panels(len(found), LAG, unit, sharey=True, sharex=True)
    everything, kinds_seen = [np.array([1.0])], {}
    for panel, (name, each) in zip(panels, found.items(), strict=True):
        ends = sorted({0, len(each["steps"]) - 1})
        kinds = [growth(np.median(each["carry"][moment], axis=0))[1] for moment in ends]
        for moment, kind in zip(ends, kinds, strict=True):
            norms = _relative(each["carry"][moment])
            line = style.BEFORE if moment != ends[-1] else {}
            everything += curves.banded(panel, curves.ranks(norms), norms, COLOURS[kind], **line)
            kinds_seen[kind] = None
        panel.axhline(1.0, **style.FAINT)
        change = kinds[0] if len(set(kinds)) == 1 else f"{kinds[0]} before, {kinds[-1]} after"
        style.title(panel, f"{name}: {change}")
    style.log_axis(panels[0], everything, FLOOR)
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


def _relative(norms):
    """The norms [N, T] of networks from lag 1 on, relative to it. A value that its format cannot tell is TINY if it is
    surely below FLOOR; if it is not, that lag is NaN in all networks."""
    limit, first = smallest(norms.dtype), norms[:, 1:2].astype(float)
    seen = (norms[:, 1:] >= limit) & (first >= limit)
    unknown = (~seen & (first * FLOOR < limit)).any(axis=0)
    relative = np.where(seen, norms[:, 1:] / np.where(first > 0, first, 1.0), TINY)
    return np.where(unknown, np.nan, relative)


def _shares(found):
    label = "share of $dL/dW_h$ up to here"
    figure, panels = style.panels(len(found), LAG, label, sharey=True, sharex=True)
    for panel, (name, each) in zip(panels, found.items(), strict=True):
        shares = np.cumsum(each["share"], axis=-1)
        curves.before_and_after(panel, curves.ranks(shares, 0), shares, each["steps"])
        panel.axhline(1.0, **style.FAINT)
        style.title(panel, name)
    style.legend_below(figure)
    return figure


def _over_training(found):
    figure, panels = style.panels(len(found), "update", LAG, sharey=True)
    low, high = np.log10(FLOOR), 0.0
    grids = []
    for each in found.values():
        norms = np.stack([np.median(_relative(norms), axis=0) for norms in each["carry"]])
        grids.append(np.log10(np.maximum(norms, FLOOR)).T)
        high = max(high, np.max(grids[-1], initial=high, where=np.isfinite(grids[-1])))
    for panel, (name, each), grid in zip(panels, found.items(), grids, strict=True):
        steps = each["steps"]
        edges = np.concatenate([steps[:1], (steps[1:] + steps[:-1]) / 2, steps[-1:]])
        lags = np.arange(len(grid) + 1) + 0.5
        mesh = panel.pcolormesh(edges, lags, grid, vmin=low, vmax=high, cmap="viridis", rasterized=True)
        style.title(panel, name)
    figure.colorbar(mesh, ax=panels, label="log10 of the norm,\nrelative to lag 1", shrink=0.8, aspect=30)
    return figure
