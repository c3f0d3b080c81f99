"""Figures that show themselves in a notebook, all of them or one."""

import base64
import html
import io
from functools import partial
from pathlib import Path
from typing import Any

from jaxrnn.plotting import style
from jaxrnn.plotting._writing import write

DOTS = 150  # an inch


class Figures(dict[str, Any]):
    """{title: figure}, shown one below the other in a notebook; so is each by itself, whatever the backend."""

    def __init__(self, *given: Any, **figures: Any):
        super().__init__(*given, **figures)
        for figure in self.values():
            figure._repr_png_ = partial(png, figure)

    def __setitem__(self, title: str, figure: Any) -> None:
        figure._repr_png_ = partial(png, figure)
        super().__setitem__(title, figure)

    def save(self, folder: str | Path) -> list[Path]:
        """Writes `figures/TITLE.png` into a folder and returns their paths."""
        return [style.save(figure, folder, title) for title, figure in self.items()]

    def _repr_html_(self):
        pictures = ((html.escape(title), base64.b64encode(png(figure)).decode()) for title, figure in self.items())
        return "<br>".join(f'<img alt="{title}" src="data:image/png;base64,{data}">' for title, data in pictures)


def png(figure: Any) -> bytes:
    """A figure as the bytes of a PNG."""
    file = io.BytesIO()
    write(figure, file, dpi=DOTS)
    return file.getvalue()
