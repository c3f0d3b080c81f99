"""Figures as they are printed: curves that are told apart, letters that can be read, files that can be edited."""

import itertools
import pickle

import numpy as np
import pytest
from matplotlib import colors, rcParams
from matplotlib.figure import Figure
from matplotlib.text import Text

from jaxrnn.plotting import style

XYZ = np.array([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.072175], [0.0193339, 0.119192, 0.9503041]])
WHITE = XYZ.sum(axis=1)
# Machado, Oliveira & Fernandes 2009, severity 1, in linear RGB.
DEUTERANOPIA = np.array(
    [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]]
)


def linear(hexes):
    rgb = np.array([colors.to_rgb(each) for each in hexes])
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def lab(rgb):
    """CIE L*a*b* of linear RGB."""
    ratio = rgb @ XYZ.T / WHITE
    f = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.stack([116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], axis=-1)


def nearest(points):
    return min(np.linalg.norm(a - b) for a, b in itertools.combinations(points, 2))


def test_seven_curves_are_told_apart_in_colour_in_grey_and_with_deuteranopia():
    rgb = linear(style.COLOURS)
    assert nearest(lab(rgb)) > 40
    assert nearest(lab(np.clip(rgb @ DEUTERANOPIA.T, 0, 1))) > 30
    assert nearest(lab(rgb)[:, :1]) > 8  # the lightness, which is what grey shows; just noticeable is 1
    assert lab(rgb)[:, 0].max() < 80  # on white paper
    seven = [style.series(number) for number in range(7)]
    for key in ("color", "linestyle", "marker"):
        assert len({str(each[key]) for each in seven}) == 7


@pytest.mark.parametrize("width", [3.4, 7.0, 10.0])
def test_letters_are_of_seven_points_at_least_at_every_width(width):
    with style.page(width):
        figure, panels = style.panels(3, "x", "y")
        for panel in panels:
            panel.plot([1, 2], [1, 2], label="a curve")
            style.title(panel, "a title that is far too long for one line of a narrow panel")
        style.legend_below(figure)
        assert figure.get_figwidth() == width
    figure.draw_without_rendering()
    sizes = {text.get_fontsize() for text in figure.findobj(Text) if text.get_text() and text.get_visible()}
    assert min(sizes) >= 7
    assert all(panel.get_window_extent().width > 0.7 * figure.dpi for panel in panels)
    assert rcParams["figure.figsize"] != [width, 0.62 * width]  # outside nothing is changed
    figure, [axes] = style.panels(1, "x", "y")  # and figures can be drawn in matplotlib's own style
    axes.plot([1, 2], label="a curve")
    style.legend_below(figure)
    figure.draw_without_rendering()


def test_files_are_sharp_and_can_be_edited(tmp_path):
    with style.page(3.4):
        figure, [axes] = style.panels(1, "lag", "norm")
        axes.plot([1, 2], [1, 2], color=style.BLUE)
        path = style.publish(figure, tmp_path, "figure")
    png = path.read_bytes()
    assert int.from_bytes(png[16:20]) == 1020  # 3.4 inches at 300 dots an inch
    assert png[25] in (2, 6)  # true colours, no palette
    pdf = path.with_suffix(".pdf").read_bytes()
    assert b"/Type42" in pdf or b"/CIDFontType2" in pdf  # letters stay letters
    assert b"/Type3" not in pdf


def test_a_logarithmic_axis_is_bounded_by_its_data():
    axes = Figure().add_subplot()
    style.log_axis(axes, [np.array([1e-14, 1e-3, 1.0, np.nan, 0.0])], floor=1e-10)
    low, high = axes.get_ylim()
    assert 1e-4 < low < 1e-3
    assert 1 < high < 10


def test_checkpoints_are_called_by_their_updates():
    assert style.when(0) == "before training"
    assert style.when(np.int64(1500)) == "after 1,500 updates"


def test_a_gate_has_one_colour_and_gates_of_one_cell_differ():
    for gates in ("ifo", "rz", "hc"):
        assert len({style.LETTERS[gate] for gate in gates}) == len(gates)


def test_long_labels_of_narrow_panels_stay_inside_the_figure():
    long = "a label of many words about the gradient (nats per step back)"
    with style.page(3.4):
        figure, panels = style.panels(2, long, long)
        style.title(panels[0], "a network\nof two lines")
        figure.draw_without_rendering()
    whole = figure.bbox
    for text in (panels[0].yaxis.label, panels[0].xaxis.label, panels[1].xaxis.label, panels[0].title):
        box = text.get_window_extent()
        assert whole.x0 <= box.x0 < box.x1 <= whole.x1, text.get_text()
        assert whole.y0 <= box.y0 < box.y1 <= whole.y1, text.get_text()
    assert panels[0].get_window_extent().height > 0.25 * whole.height


def test_powers_of_ten_are_letters_and_no_formula(tmp_path):
    """They say what matplotlib's own formulas say, at the same ticks."""
    with style.page(7.0):
        figure, panels = style.panels(3, "x", "y")
        for panel, (low, high) in zip(panels, ((1e-5, 3e3), (0.02, 0.05), (1, 2)), strict=True):
            panel.plot([1, 2], [low, high])
            panel.set_yscale("log")
        figure.draw_without_rendering()
        axes = [axis for panel in panels for axis in (panel.yaxis.get_ticklabels(which="both"),)]
        before = [label.get_text() for labels in axes for label in labels]
        style.save(figure, tmp_path, "figure")
        figure.draw_without_rendering()
        after = [label.get_text() for panel in panels for label in panel.yaxis.get_ticklabels(which="both")]
    plain = {"$\\mathdefault{10^{-5}}$": "10⁻⁵", "$\\mathdefault{10^{3}}$": "10³", "$\\mathdefault{10^{0}}$": "10⁰"}
    plain |= {"$\\mathdefault{3\\times10^{-2}}$": "3\N{MULTIPLICATION SIGN}10⁻²"}
    assert set(plain) <= set(before)
    assert set(plain.values()) <= set(after)
    assert [bool(text) for text in before] == [bool(text) for text in after]
    assert not any("$" in text for text in after)


def test_a_saved_figure_can_be_pickled_and_negative_powers_have_a_minus_sign(tmp_path):
    with style.page(7.0):
        figure, (panel,) = style.panels(1, "x", "y")
        panel.plot([1, 2], [-1e3, 1e3])
        panel.set_yscale("symlog")
        style.save(figure, tmp_path, "figure")
    again = pickle.loads(pickle.dumps(figure))
    again.draw_without_rendering()
    texts = [label.get_text() for label in again.axes[0].yaxis.get_ticklabels()]
    assert {"\N{MINUS SIGN}10³", "10³"} <= set(texts)


def test_formulas_stay_in_one_piece_in_labels_of_several_lines():
    formula = r"$|dL/dz_{T-k}|\ /\ |dL/dz_{T-1}|$"
    with style.page(6):
        _, found = style.panels(3, "lag", f"gradient norm, relative to lag 1\n{formula}")
    assert formula in found[0].get_ylabel().split("\n")
