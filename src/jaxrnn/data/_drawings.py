"""Drawings as lists of strokes [n, 2]: read from files, or drawn by formulas. y grows downwards."""

import importlib.metadata
import itertools
import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from jaxrnn.data import _assets
from jaxrnn.data._columns import Table
from jaxrnn.errors import ConfigError

COLUMNS = ("drawing", "stroke", "x", "y")
PIECES = 12  # straight lines that stand for each curve of an SVG path, before the points are spaced evenly
TIMES = np.linspace(0, 1, 13)[:, None]
CIRCLE = 2 * np.pi * TIMES
SHAPES = {  # name -> strokes in a square of side 1
    "circle": [np.hstack([0.5 - 0.5 * np.cos(CIRCLE), 0.5 - 0.5 * np.sin(CIRCLE)])],
    "eight": [np.hstack([0.5 + 0.35 * np.sin(2 * CIRCLE), 0.5 - 0.5 * np.cos(CIRCLE)])],
    "wave": [np.hstack([TIMES, 0.5 - 0.4 * np.sin(2 * CIRCLE)])],
    "zigzag": [np.hstack([TIMES, 0.5 - 0.4 * (2 * np.abs(4 * TIMES % 2 - 1) - 1)])],
    "spiral": [np.hstack([0.5 + 0.5 * TIMES * np.cos(2 * CIRCLE), 0.5 + 0.5 * TIMES * np.sin(2 * CIRCLE)])],
    "cross": [np.hstack([TIMES[::2], TIMES[::2]]), np.hstack([1 - TIMES[::2], TIMES[::2]])],
}


def drawn(count, seed):
    """Draws rows of three shapes, from left to right, with random sizes and slants."""
    rng, names = np.random.default_rng(seed), list(SHAPES)
    drawings = []
    for _ in range(count):
        slant, left, drawing = rng.normal(0, 0.15), 0.0, []
        for name in rng.choice(names, 3):
            width, height = rng.uniform(0.7, 1.2, 2)
            shape = np.array([[width, 0], [slant, height]])
            drawing += [stroke @ shape + [left, rng.normal(0, 0.03)] for stroke in SHAPES[name]]
            left += width + 0.3
        drawings.append(drawing)
    return drawings


def read(path, spacing, limit=None):
    """Reads the drawings of a file, a folder of SVG files, or the package kanjivg.

    Args:
      path: a table, a file of Quick, Draw! (`.ndjson`), a folder, or "kanjivg".
      spacing: distance of the points along the paths of SVG files, in their units.
      limit: number of drawings to read; None for all.

    Raises:
      FileNotFoundError: if there is no such file, or the folder has no SVG files.
      ConfigError: if SVG files are to be read without the extra [strokes].
      ValueError: if the file cannot be read. The message names the line.
    """
    if str(path) == "kanjivg" and not Path(path).exists():
        files = [file for file in _folder_of_kanjivg().glob("*.svg") if "-" not in file.stem]  # no variants
        return _svg(sorted(files)[:limit], spacing)
    if Path(path).is_dir():
        files = sorted(Path(path).glob("*.svg"))[:limit]
        if not files:
            raise FileNotFoundError(f"data.path={path}: the folder has no SVG files")
        return _svg(files, spacing)
    if str(path).endswith(".ndjson"):
        return list(itertools.islice(_quick_draw(path), limit))
    return _table(path)[:limit]


def _table(path):
    table = Table(path, COLUMNS)
    indices = [table.index(name, f"column {name}") for name in COLUMNS]
    drawing, stroke = (table.texts(index) for index in indices[:2])
    form = table.number_format(indices[2:])
    points = np.stack([table.numbers(index, range(len(table)), "error", form) for index in indices[2:]], axis=1)
    drawings = {}
    for row, key in enumerate(zip(drawing, stroke, strict=True)):
        drawings.setdefault(key[0], {}).setdefault(key[1], []).append(points[row])
    return [[np.array(points) for points in strokes.values()] for strokes in drawings.values()]


def _quick_draw(path):
    """Yields the drawings of a file of Quick, Draw!, and parses only the lines that are asked for."""
    for number, line in enumerate(_assets.lines(_assets.read_text(path)), 1):
        try:
            strokes = [np.array(stroke[:2], float).T for stroke in json.loads(line)["drawing"]]
        except (ValueError, KeyError, TypeError, IndexError) as error:
            raise ValueError(f'{path}, line {number}: expected {{"drawing": [[[x, ...], [y, ...]], ...]}}') from error
        if not strokes or any(stroke.ndim != 2 or stroke.shape[1] != 2 or not len(stroke) for stroke in strokes):
            raise ValueError(f"{path}, line {number}: expected strokes [[x, ...], [y, ...]] of one length")
        yield strokes


def _folder_of_kanjivg():
    try:
        return Path(str(importlib.metadata.distribution("kanjivg").locate_file("kanji")))
    except importlib.metadata.PackageNotFoundError as error:
        raise ConfigError("data.path=kanjivg needs the package kanjivg: pip install -e '.[strokes]'") from error


def _svg(files, spacing):
    """Returns the drawings of SVG files; each subpath is a stroke."""
    try:
        from svg.path import parse_path
    except ImportError as error:
        raise ConfigError("SVG files need the package svg.path: pip install -e '.[strokes]'") from error
    drawings = []
    for file in files:
        try:
            nodes = list(ElementTree.parse(file).iter())
            paths = [node.get("d") for node in nodes if _is_path(node)]
            strokes = [stroke for path in paths if path for stroke in _strokes(parse_path(path), spacing)]
        except (ElementTree.ParseError, ValueError, IndexError) as error:
            raise ValueError(f"{file}: {' '.join(str(error).split())}") from error
        moved = [node for node in nodes if node.get("transform")]
        if any(_is_path(inner) for node in moved for inner in node.iter()):  # not those of text, as in KanjiVG
            raise ValueError(f"{file}: the attribute transform is not supported; apply the transforms and save again")
        if not strokes:
            raise ValueError(f"{file}: expected paths to draw (<path d=...>), found none; remove the file")
        drawings.append(strokes)
    return drawings


def _is_path(node):
    return str(node.tag).rpartition("}")[2] == "path"


def _strokes(path, spacing):
    """Yields the points of each subpath of a path of svg.path, at equal distances of about `spacing`."""
    times, points = np.linspace(0, 1, PIECES + 1)[1:], []
    for curve in path:
        if type(curve).__name__ == "Move":
            if len(points) > 1:
                yield _spaced(points, spacing)
            points = [curve.end]
        else:
            points += [curve.point(t) for t in times]
    if len(points) > 1:
        yield _spaced(points, spacing)


def _spaced(points, spacing):
    length = np.concatenate([[0], np.cumsum(np.abs(np.diff(points)))])
    at = np.linspace(0, length[-1], max(2, round(length[-1] / spacing) + 1))
    return np.stack([np.interp(at, length, np.real(points)), np.interp(at, length, np.imag(points))], axis=1)
