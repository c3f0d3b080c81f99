"""The figures of the benchmarks, drawn from the committed summaries: every number is drawn once, at its position."""

import csv
import importlib

import numpy as np
import pytest

from jaxrnn.benchmarks._timing import Measured

ROOM = "jaxrnn.benchmarks."
# {benchmark: (the column on the x axis, or None where it is a category, the columns on the y axis)}
DRAWN = {
    "addition": (None, ["median"]),
    "associative": ("T", ["median"]),
    "compile": (None, ["median"]),
    "launchers": (None, ["median"]),
    "layer": (None, ["times_the_first"]),
    "length": ("T", ["median", "megabytes", "compile_seconds"]),
    "online": ("H", ["median", "megabytes"]),
    "parallel": ("T", ["times_the_first"]),
    "scale": ("size", ["seconds"]),
    "startup": (None, ["median"]),
    "stream": (None, ["median"]),
    "sweep": ("runs", ["runs_per_second"]),
    "tutorials": (None, ["median"]),
}
UNITS = {"stream": 1e6}  # microseconds


def number(text):
    try:
        return float(text)
    except ValueError:
        return text


@pytest.fixture
def summary(root):
    def read(name):
        text = (root / f"docs/speed/{name}/{name}_summary.csv").read_text()
        whole = {"T", "H", "B", "D", "updates", "runs"}
        rows = [{k: number(v) for k, v in row.items()} for row in csv.DictReader(text.splitlines())]
        return [{k: int(v) if k in whole and v != "" else v for k, v in row.items()} for row in rows]

    return read


def expected(name, rows):
    if name == "layer":
        rows = [row for row in rows if row["gradient"] == rows[-1]["gradient"] and row["side"] != "jaxrnn"]
    if name == "parallel":
        rows = [row for row in rows if row["side"].startswith("newton")]
    if name == "sweep":
        rows = rows[1:]  # the single runs are a line across
    if name == "tutorials":
        rows = [row for row in rows if "whole" not in row["side"]]
    x, columns = DRAWN[name]
    factor = UNITS.get(name, 1.0)
    return sorted((float(row[x]) if x else 0.0, row[c] * factor) for c in columns for row in rows if row[c] != "")


def drawn(figure, name, horizontal):
    points = []
    for axes in figure.axes:
        for line in axes.lines:
            if line.get_marker() not in ("", "None", None):
                points += np.column_stack(line.get_data()).astype(float).tolist()
        for bar in axes.patches:
            points.append((0.0, bar.get_width() if horizontal else bar.get_height()))
    return sorted((x if DRAWN[name][0] else 0.0, y) for x, y in points)


def test_every_benchmark_with_a_committed_summary_is_here(root):
    folders = {path.name for path in (root / "docs/speed").iterdir() if path.is_dir()}
    assert folders - {"bidirectional"} == set(DRAWN)  # bidirectional layers have the figure of `layer`


@pytest.mark.parametrize("name", DRAWN)
def test_every_number_of_a_summary_is_drawn_once_at_its_position(name, summary):
    rows = summary(name)
    figures = importlib.import_module(ROOM + name).plot(Measured([], rows, []))
    points = [p for figure in figures.values() for p in drawn(figure, name, name in ("startup", "compile"))]
    np.testing.assert_allclose(points, expected(name, rows), rtol=1e-12)


@pytest.mark.parametrize("name", ["length", "online", "associative", "parallel", "stream", "layer"])
def test_every_side_has_its_own_curve_and_name(name, summary):
    rows = summary(name)
    for figure in importlib.import_module(ROOM + name).plot(Measured([], rows, [])).values():
        legends = [*figure.legends, *(axes.get_legend() for axes in figure.axes if axes.get_legend())]
        entries = [text.get_text() for legend in legends for text in legend.get_texts()]
        sides = {row["side"] for row in rows} - ({"jaxrnn"} if name == "layer" else set())
        if name == "parallel":  # its panels are the sides
            assert [axes.get_title() for axes in figure.axes] == ["newton", "newton_diagonal"]
            sides = {f"H={row['H']}" for row in rows}
        assert len(entries) == len(set(entries))
        assert set(entries) == sides
        curves = [line for line in figure.axes[0].lines if line.get_label() in sides]
        style = ("color", "marker", "linestyle", "fillstyle")
        assert len({tuple(str(getattr(line, f"get_{name}")()) for name in style) for line in curves}) == len(curves)


def test_the_line_of_a_scaling_is_the_power_law_of_its_exponent():
    rows = [{"side": "runs", "size": n, "seconds": 3.0 * n**0.5, "exponent": 0.5} for n in (10, 100, 1000)]
    axes = importlib.import_module(ROOM + "scale").plot(Measured([], rows, []))["scale"].axes[0]
    _, fitted = axes.lines
    np.testing.assert_allclose(fitted.get_ydata(), [3.0 * n**0.5 for n in (10, 100, 1000)], rtol=1e-12)
    assert axes.get_title() == "runs: exponent 0.50"
