"""Collection of figures that a notebook displays."""

import base64
import html
import io
from functools import partial
from pathlib import Path
from typing import Any

from jaxrnn.plotting import style
from jaxrnn.plotting._writing import write

DOTS = 150  # dots per inch


class Figures(dict[str, Any]):
    """Dict {title: figure}. A notebook displays the figures below each other, or a single figure, with any backend."""

    def __init__(self, *items: Any, **figures: Any):
        super().__init__(*items, **figures)
        for figure in self.values():
            figure._repr_png_ = partial(png, figure)

    def __setitem__(self, title: str, figure: Any) -> None:
        figure._repr_png_ = partial(png, figure)
        super().__setitem__(title, figure)

    def save(self, folder: str | Path) -> list[Path]:
        """Writes each figure to `figures/TITLE.png` in a folder. Returns the paths."""
        return [style.save(figure, folder, title) for title, figure in self.items()]

    def _repr_html_(self):
        pictures = ((html.escape(title), base64.b64encode(png(figure)).decode()) for title, figure in self.items())
        return "<br>".join(f'<img alt="{title}" src="data:image/png;base64,{data}">' for title, data in pictures)


def png(figure: Any) -> bytes:
    """Renders a figure to the bytes of a PNG file."""
    file = io.BytesIO()
    write(figure, file, dpi=DOTS)
    return file.getvalue()
