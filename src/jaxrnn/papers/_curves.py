"""Figure of papers that train: losses against updates, one curve per network or per kind."""

import numpy as np

from jaxrnn.plotting import style


def draw(name, kinds, level, label="validation loss", medians=False):
    """Draws losses against updates; returns {name: figure}.

    Args:
      name: name of the figure.
      kinds: {label: (updates [R], losses [R, N])}.
      level: loss without memory, drawn as a thin line.
      label: label of the losses.
      medians: draw one median curve per kind instead of one curve per network.
    """
    figure, (panel,) = style.panels(1, "updates", label)
    for number, (kind, (at, losses)) in enumerate(kinds.items()):
        curves = np.median(losses, axis=1, keepdims=True) if medians else losses
        line = style.series(number) | {"markevery": max(1, len(at) // 5)}
        panel.semilogy(at, curves, label=[kind] + [None] * (curves.shape[1] - 1), **line)
    panel.axhline(level, **style.FAINT)
    style.legend_below(figure)
    return {name: figure}
