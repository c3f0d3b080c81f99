"""Writes the drawings of a network that was trained on pen strokes."""

import numpy as np

from jaxrnn.plotting import drawings as plotting
from jaxrnn.plotting import style
from jaxrnn.table import Table


def write(run, drawings):
    """Writes drawings to `generation.csv`, in the source's units, and draws them in `figures/generation.png`.

    Args:
      run: a `Run`.
      drawings: list of `jaxrnn.training.pen_sampling.Drawing`.

    Returns:
      (path of the points, path of the figure).
    """
    path, rows = run.folder / "generation.csv", []
    for number, drawing in enumerate(drawings):
        points, ends = np.cumsum(drawing.movements[:, :2], axis=0), drawing.movements[:, 2]
        strokes = np.concatenate([[0], np.cumsum(ends)[:-1]]).astype(int)
        for index, ((x, y), stroke) in enumerate(zip(points, strokes, strict=True)):
            drawn = "false" if index < drawing.prime else "true"
            rows.append({"drawing": number, "stroke": stroke, "x": x, "y": y, "drawn": drawn})
    Table(rows).write(path)
    with style.page(None if run.cfg is None else run.cfg.get("figure", {}).get("width")):
        return path, style.save(plotting.panels(drawings), run.folder, "generation")
