"""Pen strokes: files and formulas as movements, and what a trained network draws from them."""

import json
import re
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
from omegaconf import OmegaConf

import jaxrnn
from jaxrnn import nets
from jaxrnn.cells import gru
from jaxrnn.data import _drawings, strokes
from jaxrnn.errors import ConfigError
from jaxrnn.experiments import generate_cli
from jaxrnn.nets import decode
from jaxrnn.plotting import drawings as plotting
from jaxrnn.strokes import lines, movements
from jaxrnn.training import pen_sampling

TWO = [np.array([[1.0, 2.0], [4.0, 6.0], [4.0, 7.0]]), np.array([[9.0, 7.0]])]


def test_movements_go_from_point_to_point_and_back():
    moved = movements(TWO)
    np.testing.assert_array_equal(moved, [[0, 0, 0], [3, 4, 0], [0, 1, 1], [5, 0, 1]])
    for stroke, line in zip(TWO, lines(moved), strict=True):
        np.testing.assert_allclose(line, stroke - TWO[0][0])


def drawings_of(data, part="train"):
    """The movements, in the source's units, of every drawing of a part, without padding."""
    if part == "train":
        xs, lengths, targets = (np.asarray(a) for a in data.train.arrays[:3])
    else:
        batch = data.splits[part]
        xs, targets = (np.moveaxis(np.asarray(a), 0, 1) for a in (batch.xs, batch.targets))
        lengths = np.asarray(batch.mask).sum(axis=0)
    units = np.array([data.strokes.scale] * 2 + [1])
    pens = [np.concatenate([x[:1], target[:n]]) * units for x, target, n in zip(xs, targets, lengths, strict=True)]
    for x, target, n in zip(xs, targets, lengths, strict=True):  # each input is the target before it
        np.testing.assert_array_equal(x[1:n], target[: n - 1])
    return pens


def test_every_drawing_is_in_one_part_and_one_gaussian_has_its_closed_form():
    data = strokes.dataset(examples=60, components=3)
    parts = {name: {pen.tobytes() for pen in drawings_of(data, name)} for name in ("train", "validation", "test")}
    assert [len(part) for part in parts.values()] == [48, 6, 6]
    assert len(set.union(*parts.values())) == 60
    steps = np.concatenate([pen[1:] for pen in drawings_of(data)]) / data.strokes.scale
    assert np.sqrt(np.mean(steps[:, :2] ** 2)) == pytest.approx(1.0, rel=1e-5)
    covariance = np.cov(steps[:, :2].T, bias=True)
    lengths = np.asarray(data.train.arrays.lengths)
    batch = data.train.batch(data.train.arrays, jnp.arange(len(lengths)))
    losses = np.asarray(data.loss(data.trivial(batch), batch.targets))[np.asarray(batch.weights) > 0]
    rate = np.concatenate([pen[1:, 2] for pen in drawings_of(data)]).mean()
    entropy = 1 + np.log(2 * np.pi) + 0.5 * np.linalg.slogdet(covariance)[1]
    entropy -= rate * np.log(rate) + (1 - rate) * np.log(1 - rate)
    assert losses.mean() == pytest.approx(entropy, abs=1e-3)


def test_tables_and_quick_draw_hold_the_same_drawings(tmp_path):
    drawings = _drawings.drawn(12, 3)
    rows = [
        f"{number},{s},{x!r},{y!r}"
        for number, drawing in enumerate(drawings)
        for s, stroke in enumerate(drawing)
        for x, y in stroke.tolist()
    ]
    (tmp_path / "mine.csv").write_text("drawing,stroke,x,y\n" + "\n".join(rows) + "\n")
    lines_of = [json.dumps({"word": "x", "drawing": [stroke.T.tolist() for stroke in drawing]}) for drawing in drawings]
    (tmp_path / "mine.ndjson").write_text("\n".join(lines_of) + "\n")
    for name in ("mine.csv", "mine.ndjson"):
        for read, drawing in zip(_drawings.read(tmp_path / name, 5.0), drawings, strict=True):
            for points, stroke in zip(read, drawing, strict=True):
                np.testing.assert_allclose(points, stroke, rtol=1e-12)
    assert strokes.dataset(tmp_path / "mine.csv").train.rows == 10


def test_paths_of_svg_files_become_evenly_spaced_points(tmp_path):
    pytest.importorskip("svg.path")
    arc = "M 10,0 A 10,10 0 0 1 -10,0"  # half a circle
    (tmp_path / "a-b.svg").write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg"><g><path d="{arc}"/><path d="M0,0 l30,40"/></g></svg>'
    )
    ((circle, line),) = _drawings.read(tmp_path, 5.0)
    np.testing.assert_allclose(np.hypot(*circle.T), 10, atol=0.1)
    steps = np.hypot(*np.diff(circle, axis=0).T)
    np.testing.assert_allclose(steps, 20 * np.sin(np.pi / 12), rtol=1e-3)
    np.testing.assert_allclose(line, np.linspace(0, 1, 11)[:, None] * [30, 40], atol=1e-9)


def test_every_subpath_is_a_stroke_in_any_namespace(tmp_path):
    pytest.importorskip("svg.path")
    (tmp_path / "a.svg").write_text(
        '<svg><path d="M0,0 L10,0 M100,0 L110,0 L110,10 z"/><text transform="scale(2)">1</text></svg>'
    )
    ((first, second),) = _drawings.read(tmp_path, 10.0)
    np.testing.assert_allclose(first, [[0, 0], [10, 0]], atol=1e-9)
    np.testing.assert_allclose(second[[0, 1, 2, -1]], [[100, 0], [108.5355, 0], [110, 7.0711], [100, 0]], atol=2)
    assert second[:, 0].min() > 99


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('<svg><g transform="scale(2)"><path d="M0,0 L1,0"/></g></svg>', "a.svg: the attribute transform"),
        ('<svg><circle r="3"/></svg>', "a.svg: expected paths to draw"),
        ('<svg><path d="M3,3"/></svg>', "a.svg: expected paths to draw"),
    ],
)
def test_an_svg_file_that_cannot_be_drawn_is_named(tmp_path, content, message):
    pytest.importorskip("svg.path")
    (tmp_path / "a.svg").write_text(content)
    with pytest.raises(ValueError, match=message):
        strokes.dataset(tmp_path)


def test_lines_after_the_last_example_are_not_read(tmp_path):
    (tmp_path / "mine.ndjson").write_text('{"drawing": [[[1, 2], [3, 4]]]}\n' * 2 + "broken\n")
    assert len(_drawings.read(tmp_path / "mine.ndjson", 5.0, 2)) == 2


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("mine.ndjson", '{"drawing": [[[1, 2], [3, 4]]]}\n{"word": "x"}\n', 'line 2: expected {"drawing"'),
        ("mine.ndjson", '{"drawing": [[[1, 2], [3]]]}\n', "line 1: expected"),
        ("mine.csv", "drawing,stroke,x,y\n1,1,2,3\n1,1,2,\n", "line 3"),
        ("mine.csv", "drawing,x,y\n1,1,2\n", "stroke"),
        ("mine.csv", "drawing,stroke,x,y\n1,1,2,3\n1,1,2,4\n", "1 different drawings of 2 to"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path, name, content, message):
    (tmp_path / name).write_text(content)
    with pytest.raises(ValueError, match=re.escape(message)) as error:
        strokes.dataset(tmp_path / name)
    assert "\n" not in str(error.value)


def test_a_missing_extra_is_named(tmp_path, monkeypatch):
    (tmp_path / "a.svg").write_text("<svg/>")
    (tmp_path / "empty").mkdir()
    monkeypatch.setitem(sys.modules, "svg.path", None)
    with pytest.raises(ConfigError, match=r"SVG files need the package svg\.path: pip install -e '\.\[strokes\]'"):
        strokes.dataset(tmp_path)
    monkeypatch.setattr(sys, "path", [])
    with pytest.raises(ConfigError, match=r"data\.path=kanjivg needs the package kanjivg: pip install"):
        strokes.dataset("kanjivg")
    with pytest.raises(FileNotFoundError, match="the folder has no SVG files"):
        strokes.dataset(tmp_path / "empty")


@pytest.fixture(scope="module")
def run():
    data = strokes.dataset(examples=40, components=2)
    return jaxrnn.fit(nets.rnn(gru.cell(4), data.output_size), data, steps=2, batch_size=4, learning_rate=1e-2)


def test_a_drawing_goes_on_from_the_points_that_were_read(run):
    """The same draws, one step after the other: the network reads the true points and then its own."""
    drawings = pen_sampling.sample(run, count=3, length=4, prime=5, bias=0.7, seed=1)
    test, pen = run.dataset.splits["test"], run.dataset.strokes
    xs, carry = jnp.asarray(test.xs)[:5, :3], run.net.initial(run.params, (3,))
    for x in xs:
        carry, y = decode.step(run.net, run.params, carry, x)
    drawn = []
    for key in jax.random.split(jax.random.key(1), 4):
        drawn.append(pen.distribution.draw(key, y, 0.7))
        carry, y = decode.step(run.net, run.params, carry, drawn[-1])
    expected = np.concatenate([xs, np.stack(drawn)]) * [pen.scale, pen.scale, 1]
    for row, drawing in enumerate(drawings):
        assert drawing.prime == 5
        np.testing.assert_allclose(drawing.movements, expected[:, row], rtol=1e-4, atol=1e-5)


def test_what_cannot_be_drawn_is_refused(run):
    with pytest.raises(ConfigError, match="prime=99: the test drawings have at most"):
        pen_sampling.sample(run, prime=99)
    for options in ({"prime": 0}, {"length": -3}, {"count": 0}):
        ((name, value),) = options.items()
        with pytest.raises(ConfigError, match=f"{name}.*{value}"):
            pen_sampling.sample(run, **options)
    both_ways = nets.rnn(gru.cell(4), run.dataset.output_size, bidirectional="concat")
    with pytest.raises(ConfigError, match="bidirectional"):
        jaxrnn.fit(both_ways, run.dataset, steps=2, batch_size=4, learning_rate=1e-2)


def test_the_command_writes_drawings_and_refuses_keys_of_other_data(run, tmp_path, root):
    run.save(tmp_path / "run")
    saved, cfg = jaxrnn.load(tmp_path / "run"), OmegaConf.load(root / "conf" / "generate.yaml")
    drawn = generate_cli.drawn(saved, OmegaConf.merge(cfg, {"prime": 3, "length": 5, "bias": 1.0}))
    assert "4 drawings in" in drawn  # as many as the test part has
    table = pd.read_csv(tmp_path / "run" / "generation.csv")
    assert (table.groupby("drawing").drawn.sum() == 5).all()
    assert (table.groupby("drawing").size() == 8).all()
    assert (tmp_path / "run" / "figures" / "generation.png").stat().st_size > 1000
    for key, value in (("temperature", 0.5), ("start", 3), ("prompt", "x")):
        with pytest.raises(ConfigError, match=f"^{key}={value}.*give prime=, length=, bias=$"):
            generate_cli.drawn(saved, OmegaConf.merge(cfg, {key: value}))


def test_the_figure_has_every_stroke(run):
    drawings = pen_sampling.sample(run, count=2, length=30)
    figure = plotting.panels(drawings)
    for axes, drawing in zip(figure.axes, drawings, strict=True):
        assert len(axes.lines) == len(lines(drawing.movements))
