"""The figure of papers that train: losses over updates, a curve for each network or each kind."""

import numpy as np

from jaxrnn.plotting import style


def draw(name, kinds, level, label="validation loss", medians=False):
    """{name: figure}.

    Args:
      name: the figure's.
      kinds: {what: (updates [R], losses [R, N])}.
      level: of a thin line, the loss without memory.
      label: of the losses.
      medians: one curve for each kind instead of one for each network.
    """
    figure, (panel,) = style.panels(1, "updates", label)
    for number, (what, (at, losses)) in enumerate(kinds.items()):
        shown = np.median(losses, axis=1, keepdims=True) if medians else losses
        line = style.series(number) | {"markevery": max(1, len(at) // 5)}
        panel.semilogy(at, shown, label=[what] + [None] * (shown.shape[1] - 1), **line)
    panel.axhline(level, **style.FAINT)
    style.legend_below(figure)
    return {name: figure}
