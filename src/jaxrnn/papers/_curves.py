"""Figures that several papers share: losses against updates, and measurements beside a theory."""

import numpy as np

from jaxrnn.plotting import style


def losses(panel, kinds, level, medians=False):
    """Draws losses against updates.

    Args:
      panel: axes; their y axis becomes logarithmic.
      kinds: {label: (updates [R], losses [R, N])}.
      level: loss without memory, drawn as a thin line.
      medians: draw one median curve per kind instead of one curve per network.
    """
    for number, (kind, (at, values)) in enumerate(kinds.items()):
        curves = np.median(values, axis=1, keepdims=True) if medians else values
        line = style.series(number) | {"markevery": max(1, len(at) // 5)}
        panel.semilogy(at, curves, label=[kind] + [None] * (curves.shape[1] - 1), **line)
    panel.axhline(level, **style.FAINT)


def loss_figure(kinds, level, label="validation loss", medians=False):
    """Returns a figure of `losses`."""
    figure, panel = style.axes("updates", label)
    losses(panel, kinds, level, medians)
    return style.legend_below(figure)


def loss_figure_by_task(kinds_by_task, levels):
    """Returns a figure of `losses`, one panel per task, from {task: kinds} and {task: level}."""
    figure, panels = style.named_panels(kinds_by_task, "updates", "validation loss")
    for (panel, kinds), task in zip(panels, kinds_by_task, strict=True):
        losses(panel, kinds, levels[task])
    return style.legend_below(figure)


def theory_figure(scales, theory, ours, names, label):
    """Returns a figure of growth rates against the scale of the weights: lines for theory, points for networks.

    Args:
      scales: values of s.
      theory, ours: {(kind, s): a number, or measurements [N]}.
      names: {kind: label}.
      label: label of the growth rate.
    """
    figure, panel = style.axes("s", label)
    for number, (kind, name) in enumerate(names.items()):
        line = style.series(number)
        marker, color = line.pop("marker"), line["color"]
        panel.plot(scales, [theory[kind, s] for s in scales], label=name, **line)
        panel.plot(scales, [np.median(ours[kind, s]) for s in scales], marker, color=color)
    panel.axhline(0.0, **style.FAINT)
    return style.legend_below(figure)
