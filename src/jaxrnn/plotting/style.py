"""One style for all figures: sizes for print and slides, curves told apart in grey and by colour-blind eyes.

A figure is as wide as matplotlib's `figure.figsize` says; `page(width)` sets it, with fonts of 7 points at least at
that width: 3.4 inches is a column of a two-column paper, 7 the page, 10 a slide.
"""

import re
import textwrap
from pathlib import Path
from typing import NamedTuple

from jaxrnn import atomic
from jaxrnn.plotting._writing import write
from jaxrnn.types import Positive

PAGE = 7.0  # inches, unless a figure is asked for in another width
NARROWEST = 1.6  # inches, of one of several panels side by side
SMALLEST = 7.0  # points, of any letter
LETTER = 0.52  # width of a letter, of its size
ABOVE_AND_BELOW = 0.7  # inches of a panel's height that titles, ticks and a label of one line take

# Seven colours of different lightness: they stay apart in grey and for colour-blind eyes
# (tests/plotting/test_style.py).
BLACK, RED, GREEN, GOLD, BLUE, PURPLE, SKY = COLOURS = (
    "#2d250f",
    "#a82b03",
    "#199b77",
    "#dfb411",
    "#5c5cf8",
    "#5d2b68",
    "#63a5e6",
)
STYLES = ("-", "--", "-.", ":", (0, (6, 1, 1, 1, 1, 1)), (0, (8, 2)), (0, (2, 1)))
MARKERS = "os^D*vP"
# A gate or a state has one colour in every figure.
LETTERS = {"h": BLACK, "c": SKY, "z": PURPLE, "i": BLUE, "f": RED, "o": GREEN, "r": GOLD, "g": GOLD, "n": SKY}
FAINT = {"color": "0.55", "linewidth": 0.8, "zorder": 0}  # lines that are no data: zero, one, a threshold
THEORY = {"color": "0.2", "linestyle": (0, (1, 1)), "linewidth": 1.2}  # what a formula says
BEFORE = {"linestyle": (0, (3, 1.5)), "linewidth": 1.0}  # the first checkpoint, beside the last one in a full line


def series(number):
    """The colour, line style and marker of the n-th of several curves, from 0; told apart up to seven."""
    return {
        "color": COLOURS[number % len(COLOURS)],
        "linestyle": STYLES[number % len(STYLES)],
        "marker": MARKERS[number % len(MARKERS)],
    }


def settings(width=PAGE):
    """Matplotlib's settings for figures of this width, in inches."""
    larger = max(1.0, width / PAGE)
    letters = {name: 8.0 * larger for name in ("font.size", "axes.labelsize", "axes.titlesize", "figure.titlesize")}
    letters |= {name: SMALLEST * larger for name in ("xtick.labelsize", "ytick.labelsize", "legend.fontsize")}
    return letters | {
        "figure.figsize": (width, 0.62 * width),
        "axes.linewidth": 0.7 * larger,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "lines.linewidth": 1.4 * larger,
        "lines.markersize": 3.5 * larger,
        "legend.frameon": False,
        "legend.handlelength": 2.6,
        "savefig.dpi": 300,
        "pdf.fonttype": 42,  # letters stay letters
    }


def page(width=None):
    """A context in which figures are so wide, in inches; None for the page of 7."""
    from matplotlib import rc_context  # here: a third of a second that only figures need

    return rc_context(settings(PAGE if width is None else width))


def panels(count, x_label, y_label, *, columns=4, **shared):
    """A figure with `count` axes, at most so many side by side as its width allows.

    Args:
      count: axes.
      x_label: below the lowest axes of every column.
      y_label: beside the first axes of a row, or once beside all rows.
      columns: at most.
      shared: `sharex`, `sharey`, as of `Figure.subplots`.

    Returns:
      (figure, [axes, ...]).
    """
    from matplotlib import rcParams
    from matplotlib.figure import Figure

    width = rcParams["figure.figsize"][0]
    columns = max(1, min(count, columns, int(width / NARROWEST)))
    lines = -(-count // columns)
    height = min(0.85 * width / columns, 0.4 * PAGE * max(1.0, width / PAGE)) + 0.25
    figure = Figure(figsize=(width, height * lines), layout="constrained")
    found = list(figure.subplots(lines, columns, squeeze=False, **shared).ravel())
    x_label = _filled(x_label, _letters(found[0], found[0].xaxis.label))
    height += x_label.count("\n") * 1.2 * found[0].xaxis.label.get_fontsize() / 72
    figure.set_figheight(height * lines)
    for axes in found[count:]:
        axes.remove()
    for axes in found[max(count - columns, 0) : count]:
        axes.xaxis.set_tick_params(labelbottom=True)
        axes.set_xlabel(x_label)
    if lines == 1:
        room = (height - ABOVE_AND_BELOW) * 72 / (LETTER * found[0].yaxis.label.get_fontsize())
        found[0].set_ylabel(_filled(y_label, max(int(room), 12)))
    elif y_label:  # once for all rows: a low one has no room for a long label
        figure.supylabel(y_label, fontsize=rcParams["axes.labelsize"])
    return figure, found[:count]


def _letters(axes, text):
    """How many letters of a text have room in the width of axes."""
    width = axes.get_subplotspec().get_position(axes.figure).width * axes.figure.get_figwidth()
    return max(int(width * 72 / (LETTER * text.get_fontsize())), 12)


def plain(text):
    """Text from data as figures take it, letter by letter: its dollar signs begin no formula."""
    return str(text).replace("$", r"\$")


def _filled(text, width):
    """The text in lines of so many letters; a formula, between dollars, is one word."""
    words = re.sub(r"(?<!\\)\$[^$]*(?<!\\)\$", lambda found: found[0].replace(" ", "\0"), text)
    return "\n".join(textwrap.fill(line, width, break_long_words=False) for line in words.split("\n")).replace(
        "\0", " "
    )


def axes(x_label, y_label):
    """A figure with one axes: (figure, axes)."""
    figure, (found,) = panels(1, x_label, y_label)
    return figure, found


def title(axes, text):
    """A title above axes, in as many lines as its width needs."""
    width = _letters(axes, axes.title)
    axes.set_title(_filled(text, width))


def legend_above(axes):
    """A legend in one line above the axes."""
    axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=3, borderaxespad=0.2)


def legend_below(figure, handles=None, **options):
    """A legend below all axes of a figure, where it hides nothing; of `handles`, or of what the axes hold."""
    if handles is None:
        found = {}
        for each in figure.axes:
            for handle, label in zip(*each.get_legend_handles_labels(), strict=True):
                found.setdefault(label, handle)
        handles, labels = list(found.values()), list(found)
    else:
        labels = [handle.get_label() for handle in handles]
    if handles:
        from matplotlib import rcParams
        from matplotlib.font_manager import FontProperties

        size = FontProperties(size=rcParams["legend.fontsize"]).get_size_in_points() / 72  # inches
        width = 0.56 * size * max(map(len, labels)) + 5 * size  # of an entry, with its handle
        columns = max(1, min(len(handles), int(figure.get_figwidth() / width)))
        figure.set_figheight(figure.get_figheight() + 1.6 * size * -(-len(handles) // columns))
        figure.legend(handles, labels, loc="outside lower center", ncols=columns, **options)


def log_axis(axes, values, floor=0.0):
    """Makes the y axis logarithmic and bounds it by its data.

    Args:
      axes: the axes.
      values: all that is drawn there; what is not positive is not shown.
      floor: smallest value that is worth an axis; curves that fall below it leave the axes.
    """
    import numpy as np

    values = np.concatenate([np.ravel(each) for each in values]) if len(values) else np.array([])
    values = values[np.isfinite(values) & (values > floor)]
    if not len(values):
        return
    axes.set_yscale("log")
    room = max((values.max() / values.min()) ** 0.05, 1.1)
    axes.set_ylim(values.min() / room, values.max() * room)
    plain_log(axes.yaxis)


def plain_log(axis):
    """Ticks 1, 2, 5, 10 ... as plain numbers on a logarithmic axis of less than two decades, powers of ten on
    others."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    low, high = axis.get_view_interval()
    if low > 0 and high / low < 100:
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def when(step):
    """A checkpoint in words: "before training", "after 200 updates"."""
    return "before training" if step == 0 else f"after {int(step):,} updates"


def path(folder, name):
    """Where a run folder has a figure."""
    return Path(folder) / "figures" / f"{name}.png"


def save(figure, folder, name):
    """Writes `figures/NAME.png`, of 300 dots an inch, into a run folder and returns its path."""
    place = path(folder, name)
    place.parent.mkdir(parents=True, exist_ok=True)
    with atomic.aside(place) as other:
        # twice as fast as the usual level of 6, 1.2 times as large
        write(figure, other, dpi=300, pil_kwargs={"compress_level": 3})
    return place


def publish(figure, folder, name):
    """Writes `figures/NAME.png` and, for a paper, `figures/NAME.pdf`; returns the path of the first."""
    place = save(figure, folder, name)
    with page(), atomic.aside(place.with_suffix(".pdf")) as other:
        write(figure, other)
    return place


class Page(NamedTuple):
    """The figures of a run or of a study.

    Fields:
      width: in inches; 3.4 is a column of a two-column paper, 7 the page, 10 a slide.
    """

    width: Positive = PAGE
