"""Common style of all figures, for print and for slides.

Curves differ in lightness, line style and marker, so that they stay distinct in grey and for colour-blind readers.
The width of a figure is matplotlib's `figure.figsize`, and `page(width)` sets it with fonts of at least 7 points.
Common widths are 3.4 inches (one column of a two-column paper), 7 inches (a page) and 10 inches (a slide).
"""

import re
import textwrap
from pathlib import Path
from typing import Any, Literal, NamedTuple

from jaxrnn import atomic
from jaxrnn.plotting._writing import write
from jaxrnn.types import Positive

Layout = Literal["panels", "curves"]  # of networks: a panel each, or all in one
PAGE = 7.0  # default width of a figure in inches
NARROWEST = 1.6  # smallest width of a panel in inches
BEST = -1  # stands for the best checkpoint of each network, if their numbers of updates differ
SMALLEST = 7.0  # smallest font size in points
LETTER = 0.52  # mean width of a character divided by its font size
ABOVE_AND_BELOW = 0.7  # inches of a panel's height for title, ticks and a label of one line

# Seven colours of different lightness. They stay distinct in grey and for colour-blind readers
# (tests/plotting/test_style.py).
COLOURS = ("#2d250f", "#a82b03", "#199b77", "#dfb411", "#5c5cf8", "#5d2b68", "#63a5e6")
BLACK, RED, GREEN, GOLD, BLUE, PURPLE, SKY = COLOURS
STYLES = ("-", "--", "-.", ":", (0, (6, 1, 1, 1, 1, 1)), (0, (8, 2)), (0, (2, 1)))
MARKERS = "os^D*vP"
# Every gate and state has the same colour in all figures.
LETTERS = {"h": BLACK, "c": SKY, "z": PURPLE, "i": BLUE, "f": RED, "o": GREEN, "r": GOLD, "g": GOLD, "n": SKY}
FAINT = {"color": "0.55", "linewidth": 0.8, "zorder": 0}  # reference lines: zero, one, a threshold
THEORY = {"color": "0.2", "linestyle": (0, (1, 1)), "linewidth": 1.2}  # values of a formula
BEFORE = {"linestyle": (0, (3, 1.5)), "linewidth": 1.0}  # the first checkpoint; the last one has a solid line


def series(number):
    """Returns colour, line style and marker of curve `number`, from 0. The first 49 differ from each other."""
    return {
        "color": COLOURS[number % len(COLOURS)],
        "linestyle": STYLES[number % len(STYLES)],
        "marker": MARKERS[(number + number // len(COLOURS)) % len(MARKERS)],
    }


def settings(width=PAGE) -> dict[Any, Any]:
    """Returns matplotlib's settings for figures of a width in inches."""
    scale = max(1.0, width / PAGE)
    font_sizes = {name: 8.0 * scale for name in ("font.size", "axes.labelsize", "axes.titlesize", "figure.titlesize")}
    font_sizes |= {name: SMALLEST * scale for name in ("xtick.labelsize", "ytick.labelsize", "legend.fontsize")}
    return font_sizes | {
        "figure.figsize": (width, 0.62 * width),
        "axes.linewidth": 0.7 * scale,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "lines.linewidth": 1.4 * scale,
        "lines.markersize": 3.5 * scale,
        "legend.frameon": False,
        "legend.handlelength": 2.6,
        "savefig.dpi": 300,
        "pdf.fonttype": 42,  # text in a PDF stays text
    }


def page(width=None):
    """Returns a context that sets the width of figures in inches. None means a page (7 inches)."""
    from matplotlib import rc_context  # imported here because it takes a third of a second

    return rc_context(settings(PAGE if width is None else width))


def panels(count, x_label, y_label, *, columns=4, **shared):
    """Makes a figure with several axes in rows. The number of columns depends on the width of the figure.

    Args:
      count: number of axes.
      x_label: label below the lowest axes of every column.
      y_label: label to the left of the first axes. With several rows, one label to the left of all rows.
      columns: largest number of columns.
      shared: `sharex` and `sharey` of `Figure.subplots`.

    Returns:
      (figure, [axes, ...]).
    """
    from matplotlib import rcParams
    from matplotlib.figure import Figure

    width = rcParams["figure.figsize"][0]
    columns = max(1, min(count, columns, int(width / NARROWEST)))
    rows = -(-count // columns)
    height = min(0.85 * width / columns, 0.4 * PAGE * max(1.0, width / PAGE)) + 0.25
    figure = Figure(figsize=(width, height * rows), layout="constrained")
    axes_list = list(figure.subplots(rows, columns, squeeze=False, **shared).ravel())
    x_label = _wrap(x_label, _characters_per_line(axes_list[0], axes_list[0].xaxis.label))
    height += x_label.count("\n") * 1.2 * axes_list[0].xaxis.label.get_fontsize() / 72
    figure.set_figheight(height * rows)
    for axes in axes_list[count:]:
        axes.remove()
    for axes in axes_list[max(count - columns, 0) : count]:
        axes.xaxis.set_tick_params(labelbottom=True)
        axes.set_xlabel(x_label)
    if rows == 1:
        characters = (height - ABOVE_AND_BELOW) * 72 / (LETTER * axes_list[0].yaxis.label.get_fontsize())
        axes_list[0].set_ylabel(_wrap(y_label, max(int(characters), 12)))
    elif y_label:  # one label for all rows, since a single row may be too low for it
        figure.supylabel(y_label, fontsize=rcParams["axes.labelsize"])
    return figure, axes_list[:count]


def named_panels(values, x_label, y_label, heading=lambda name, value: name, **options):
    """Makes one panel per entry of {name: value}, with its name, or `heading(name, value)`, as the title.

    Other arguments as in `panels`. Returns (figure, [(axes, value), ...]).
    """
    figure, axes_list = panels(len(values), x_label, y_label, **options)
    for axes, (name, value) in zip(axes_list, values.items(), strict=True):
        title(axes, heading(name, value))
    return figure, list(zip(axes_list, values.values(), strict=True))


def _characters_per_line(axes, text):
    """Returns the number of characters that fit into the width of axes, in the font size of a text."""
    width = axes.get_subplotspec().get_position(axes.figure).width * axes.figure.get_figwidth()
    return max(int(width * 72 / (LETTER * text.get_fontsize())), 12)


def plain(text):
    """Escapes the dollar signs in text from data, so that matplotlib does not read them as formulas."""
    return str(text).replace("$", r"\$")


def _wrap(text, width):
    """Wraps a text to lines of `width` characters. A formula between dollar signs counts as one word."""
    words = re.sub(r"(?<!\\)\$[^$]*(?<!\\)\$", lambda formula: formula[0].replace(" ", "\0"), text)
    return "\n".join(textwrap.fill(line, width, break_long_words=False) for line in words.split("\n")).replace(
        "\0", " "
    )


def axes(x_label, y_label):
    """Makes a figure with one axes. Returns (figure, axes)."""
    figure, (single,) = panels(1, x_label, y_label)
    return figure, single


def title(axes, text):
    """Sets a title above axes and wraps it to their width."""
    width = _characters_per_line(axes, axes.title)
    axes.set_title(_wrap(text, width))


def legend_above(axes):
    """Adds a legend above the axes, with three columns, and returns the figure."""
    axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=3, borderaxespad=0.2)
    return axes.figure


def legend_below(figure, handles=None, **options):
    """Adds a legend below all axes of a figure and returns the figure; `handles=None` means all curves."""
    if handles is None:
        handle_of = {}
        for axes in figure.axes:
            for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
                handle_of.setdefault(label, handle)
        handles, labels = list(handle_of.values()), list(handle_of)
    else:
        labels = [handle.get_label() for handle in handles]
    if handles:
        from matplotlib import rcParams
        from matplotlib.font_manager import FontProperties

        size = FontProperties(size=rcParams["legend.fontsize"]).get_size_in_points() / 72  # inches
        width = 0.56 * size * max(map(len, labels)) + 5 * size  # of one entry with its handle
        columns = max(1, min(len(handles), int(figure.get_figwidth() / width)))
        figure.set_figheight(figure.get_figheight() + 1.6 * size * -(-len(handles) // columns))
        figure.legend(handles, labels, loc="outside lower center", ncols=columns, **options)
    return figure


def log_axis(axes, values, floor=0.0):
    """Makes the y axis logarithmic and sets its limits from the data.

    Args:
      axes: the axes.
      values: all arrays that the axes show. Values that are not positive are ignored.
      floor: values up to this one do not extend the limits.
    """
    import numpy as np

    values = np.concatenate([np.ravel(array) for array in values]) if len(values) else np.array([])
    values = values[np.isfinite(values) & (values > floor)]
    if not len(values):
        return
    axes.set_yscale("log")
    margin = max((values.max() / values.min()) ** 0.05, 1.1)
    axes.set_ylim(values.min() / margin, values.max() * margin)
    plain_log(axes.yaxis)


def plain_log(axis):
    """Uses plain tick labels 1, 2, 5, 10 ... on a logarithmic axis of less than two decades.

    Longer axes keep powers of ten.
    """
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    low, high = axis.get_view_interval()
    if low > 0 and high / low < 100:
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def when(step):
    """Describes a checkpoint in words: "before training", "after 200 updates", "best checkpoint" for `BEST`."""
    return {0: "before training", BEST: "best checkpoint"}.get(int(step), f"after {int(step):,} updates")


def path(folder, name):
    """Returns the path of a figure in a run folder."""
    return Path(folder) / "figures" / f"{name}.png"


def save(figure, folder, name):
    """Writes `figures/NAME.png` with 300 dots per inch into a run folder. Returns its path."""
    png_path = path(folder, name)
    png_path.parent.mkdir(parents=True, exist_ok=True)
    with atomic.aside(png_path) as temporary:
        # Level 3 takes half the time of the default level 6, and the file is 1.2 times as large.
        write(figure, temporary, dpi=300, pil_kwargs={"compress_level": 3})
    return png_path


def publish(figure, folder, name):
    """Writes `figures/NAME.png` and, for papers, `figures/NAME.pdf`. Returns the path of the PNG file."""
    png_path = save(figure, folder, name)
    with page(), atomic.aside(png_path.with_suffix(".pdf")) as temporary:
        write(figure, temporary)
    return png_path


class Page(NamedTuple):
    """Settings for the figures of a run or a study.

    Fields:
      width: width in inches; 3.4 is one column of a two-column paper, 7 a page, 10 a slide.
    """

    width: Positive = PAGE
