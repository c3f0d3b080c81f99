"""Draws networks for the tutorial as boxes and arrows, one column per step."""

import matplotlib.pyplot as plt

from jaxrnn.plotting.style import BLACK, BLUE, RED


def box(axes, x, y, text, colour=BLACK):
    axes.text(
        x, y, text, ha="center", va="center", fontsize=11,
        bbox={"boxstyle": "round,pad=0.45", "fc": "white", "ec": colour, "lw": 1.4},
    )  # fmt: skip


def arrow(axes, start, end, colour=BLACK, text="", bend=0.0, beside=(0.0, 0.12)):
    style = {"arrowstyle": "-|>", "color": colour, "lw": 1.4, "shrinkA": 15, "shrinkB": 15}
    axes.annotate("", end, start, arrowprops={**style, "connectionstyle": f"arc3,rad={bend}"})
    if text:
        middle = [(a + b) / 2 + c for a, b, c in zip(start, end, beside, strict=True)]
        axes.text(*middle, text, ha="center", va="center", color=colour, fontsize=10)


def unrolled(kind, steps=3):
    """Draws an Elman or a Jordan network over its first steps: inputs below, outputs above, feedback in red."""
    figure, axes = plt.subplots(figsize=(7, 3))
    for t in range(1, steps + 1):
        box(axes, t, 0, f"$x_{t}$", BLUE)
        box(axes, t, 1, f"$h_{t}$")
        box(axes, t, 2, f"$y_{t}$", BLUE)
        arrow(axes, (t, 0), (t, 1), text="$W_x$" if t == 1 else "", beside=(-0.12, 0))
        arrow(axes, (t, 1), (t, 2), text="$W_y$" if t == 1 else "", beside=(-0.12, 0))
        before = (t - 1, 1) if kind == "elman" else (t - 1, 2)
        if t > 1:
            arrow(axes, before, (t, 1), RED, "$W_h$" if t == 2 else "")
    box(axes, 0.2, 1 if kind == "elman" else 2, "0", "0.5")
    arrow(axes, (0.2, 1 if kind == "elman" else 2), (1, 1), RED)
    axes.set(xlim=(-0.1, steps + 0.4), ylim=(-0.5, 2.5))
    axes.set_axis_off()
    return figure
