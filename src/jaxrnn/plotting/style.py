"""One style for all figures, readable in black and white: lines differ in style as well as in colour."""

import base64
import io
from pathlib import Path

COLOURS = ("#2166ac", "#b2182b", "#1b7837", "#762a83", "#e08214", "#35978f", "#404040")
STYLES = ("-", "--", "-.", ":")


def panels(count, x_label, y_label):
    """A figure with `count` axes side by side, which share their kind of axes: (figure, [axes, ...])."""
    from matplotlib.figure import Figure  # here: a third of a second that only figures need

    columns = min(count, 4)
    lines = -(-count // columns)
    width = 6.4 if columns == 1 else 3.4 * columns
    figure = Figure(figsize=(width, 3.6 * lines), layout="constrained")
    found = [figure.add_subplot(lines, columns, place + 1) for place in range(count)]
    for place, axes in enumerate(found):
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_xlabel(x_label)
        if place % columns == 0:
            axes.set_ylabel(y_label)
    return figure, found


def save(figure, folder, name):
    """Writes `figures/NAME.png` into a run folder and returns its path."""
    path = Path(folder) / "figures" / f"{name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)
    return path


def publish(figure, folder, name):
    """Writes `figures/NAME.png` and, for a paper, `figures/NAME.pdf`; returns the path of the first."""
    from matplotlib import rc_context

    path = save(figure, folder, name)
    with rc_context({"pdf.fonttype": 42}):  # letters stay letters
        figure.savefig(path.with_suffix(".pdf"))
    return path


def axes(x_label, y_label):
    """A figure with one axes, as wide as a page: (figure, axes)."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 3.6), layout="constrained")
    found = figure.add_subplot(xlabel=x_label, ylabel=y_label)
    found.spines[["top", "right"]].set_visible(False)
    return figure, found


def legend_above(axes):
    """A legend in one line above the axes."""
    axes.legend(frameon=False, loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=3, borderaxespad=0.2, fontsize=9)


class Figures(dict):
    """{title: figure}, shown one below the other in a notebook."""

    def save(self, folder):
        """Writes `figures/TITLE.png` into a folder and returns their paths."""
        return [save(figure, folder, title) for title, figure in self.items()]

    def _repr_html_(self):
        pictures = []
        for title, figure in self.items():
            file = io.BytesIO()
            figure.savefig(file, dpi=100)
            data = base64.b64encode(file.getvalue()).decode()
            pictures.append(f'<img alt="{title}" src="data:image/png;base64,{data}">')
        return "<br>".join(pictures)
