"""Figures of `landscape`: lines and planes through the loss, sharpness over training, and the cliff."""

import numpy as np

from jaxrnn.plotting import style
from jaxrnn.studies import _curves as curves

CAPTIONS = {
    "landscape_gradient": "Loss along the normalised gradient at the last checkpoint, one line per network. The "
    "network itself is at 0, downhill is to the right. The distance is the norm of the change of all params together.",
    "landscape_plane": "Loss of the first network in a plane of two random directions (colour, base-10 logarithm). "
    "Each leaf of a direction has the norm of the same leaf of the params. The cross is the network itself.",
    "landscape_sharpness": "Largest eigenvalue of the Hessian (solid line) and loss (dashed) against updates; medians "
    "over networks with 90 % bootstrap intervals.",
    "landscape_cliff": "Loss of one sigmoid unit after 50 steps against its recurrent weight w and its bias b. It has "
    "a cliff, as in figure 6 of Pascanu, Mikolov & Bengio 2013.",
}


def draw(result):
    """Draws all figures, {title: figure}; see `jaxrnn.studies.landscape.plot`."""
    arrays_by_network, common = result.networks, result.common
    figures = {
        "landscape_gradient": _along(arrays_by_network),
        "landscape_plane": _planes(arrays_by_network, common["reach"]),
    }
    followed = {name: each for name, each in arrays_by_network.items() if len(each["steps"]) > 2}
    if followed:
        figures["landscape_sharpness"] = _sharpness(followed)
    figures["landscape_cliff"] = _cliff(common)
    return figures


def _along(arrays_by_network):
    def heading(name, each):
        return f"{name}, {style.when(each['steps'][-1])}"

    figure, panels = style.named_panels(arrays_by_network, "distance down the gradient", "loss", heading, sharey=True)
    for panel, each in panels:
        for distance, loss in zip(each["distance"], each["along"], strict=True):
            panel.plot(distance, loss, color=style.BLUE, linewidth=0.9)
        panel.axvline(0.0, **style.FAINT)
    style.log_axis(panels[0][0], [each["along"] for each in arrays_by_network.values()])
    return figure


def _planes(arrays_by_network, reach):
    logs = {name: np.log10(np.maximum(each["plane"][0].T, 1e-12)) for name, each in arrays_by_network.items()}
    figure, panels = style.named_panels(logs, "first direction", "second direction", sharex=True, sharey=True)
    low, high = (pick([pick(log[np.isfinite(log)]) for log in logs.values()]) for pick in (min, max))
    for panel, log in panels:
        mesh = panel.pcolormesh(reach, reach, log, vmin=low, vmax=high, cmap="viridis", rasterized=True)
        panel.plot(0, 0, "x", color="white")
        panel.set_aspect("equal")
    figure.colorbar(mesh, ax=figure.axes, label="log10 of the loss", aspect=30)
    return figure


def _sharpness(arrays_by_network):
    figure, panels = style.named_panels(arrays_by_network, "update", "largest eigenvalue", sharex=True)
    for panel, each in panels:
        label = "largest eigenvalue of the Hessian"
        curves.banded(panel, each["steps"], each["sharpness"][..., 0].T, color=style.RED, label=label)
        panel.plot(each["steps"], np.median(each["loss"], axis=1), "--", color=style.BLACK, label="loss")
        panel.set_yscale("log")
        style.plain_log(panel.yaxis)
    return style.legend_below(figure)


def _cliff(common):
    figure, axes = style.axes("recurrent weight w", "bias b")
    mesh = axes.pcolormesh(
        common["cliff_w"], common["cliff_b"], common["cliff_loss"].T, cmap="viridis", rasterized=True
    )
    figure.colorbar(mesh, ax=axes, label="loss")
    return figure
