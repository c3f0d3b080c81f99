"""Figures of pen strokes."""

from jaxrnn.plotting import style
from jaxrnn.strokes import lines

COLUMNS = 3


def panels(drawings):
    """Draws one panel per drawing; the points that the network has read are grey.

    Args:
      drawings: list of `jaxrnn.training.pen_sampling.Drawing`.
    """
    figure, axes_list = style.panels(len(drawings), "", "", columns=COLUMNS)
    for axes, drawing in zip(axes_list, drawings, strict=True):
        axes.axis("off")
        axes.set_aspect("equal", "datalim")
        for stroke in lines(drawing.movements):
            axes.plot(*stroke.T, color=style.RED, linewidth=1.2, marker="." if len(stroke) == 1 else None)
        for stroke in lines(drawing.movements[: drawing.prime]) if drawing.prime > 1 else []:
            axes.plot(*stroke.T, color="0.55", linewidth=2.4)
        axes.invert_yaxis()
    return figure
