"""What the figures of studies show, from arrays made by hand: nothing hidden, nothing twice, nothing that misleads."""

import numpy as np
import pytest
from matplotlib.collections import QuadMesh

from jaxrnn.errors import ConfigError
from jaxrnn.plotting import style
from jaxrnn.studies import _curves as curves
from jaxrnn.studies import clipping, fixed_points, gates, gradient_flow, jacobian, long_lag, lyapunov
from jaxrnn.studies._result import Result
from jaxrnn.table import Table

T, N = 40, 3


def drawn(module, networks, common=None, width=None):
    figures = Result(networks, Table([]), [], module.plot, common or {}).plot(width)
    for figure in figures.values():
        figure.draw_without_rendering()
    return figures


def words(figure):
    """The entries of the legends of a figure, which lie outside of all axes."""
    assert not any(axes.get_legend() for axes in figure.axes), "a legend inside the axes may hide data"
    found = [text.get_text() for legend in figure.legends for text in legend.get_texts()]
    return [text for text in found if text != curves.BAND]


def titles(figure):
    return [axes.get_title().replace("\n", " ") for axes in figure.axes if axes.get_title()]


def flow(rate, steps=(0, 600), first=0.0):
    """A gradient that grows by a rate a step back, whose norm at lag 0 is given; alike in all networks but for a
    factor."""
    norms = np.exp(rate * np.arange(T)) * np.array([1.0, 2.0, 3.0])[:, None]
    norms = np.tile(norms, (len(steps), 1, 1))
    norms[..., 0] = first
    share = np.full((len(steps), N, T), 1 / T)
    return {"steps": np.array(steps), "norms": {"h": norms}, "carry": norms, "share": share}


# Gradient flow


def test_norms_are_relative_to_lag_one_whatever_they_are_at_lag_zero():
    """dL/dc is exactly zero at lag 0; all curves begin at one, and the axis ends where the data do."""
    figure = drawn(gradient_flow, {"lstm": flow(-0.2), "elman": flow(0.0, first=5.0)})["gradient_flow"]
    for axes in figure.axes:
        curves = [line for line in axes.lines if len(line.get_xdata()) == T - 1]
        assert len(curves) == 2
        for line in curves:
            assert line.get_xdata()[0] == 1
            assert line.get_ydata()[0] == pytest.approx(1)
    low, high = figure.axes[0].get_ylim()
    smallest = np.exp(-0.2 * (T - 2))
    assert smallest / 3 < low < smallest
    assert 1 < high < 3
    assert "T-1" in figure.axes[0].get_ylabel()


def test_what_explodes_vanishes_and_is_preserved_is_said_and_coloured():
    networks = {"a": flow(0.3), "b": flow(-0.3), "c": flow(0.0)}
    figure = drawn(gradient_flow, networks)["gradient_flow"]
    assert titles(figure) == ["a: exploding", "b: vanishing", "c: preserved"]
    assert words(figure)[:3] == ["exploding", "vanishing", "preserved"]
    colours = {line.get_color() for axes in figure.axes for line in axes.lines if len(line.get_xdata()) == T - 1}
    assert colours == {style.RED, style.BLUE, style.GREEN}


def test_a_checkpoint_is_called_before_training_only_where_it_is():
    for steps, first in (((0, 600), "before training"), ((200, 600), "after 200 updates")):
        for figure in drawn(gradient_flow, {"gru": flow(-0.1, steps)}).values():
            assert words(figure)[-2:] == [first, "after 600 updates"]
            assert curves.BAND in [text.get_text() for text in figure.legends[0].get_texts()]


def test_the_heat_map_begins_at_the_first_report_and_has_a_panel_for_every_layer():
    networks = {"gru, layer 1": flow(-0.1, (200, 400, 600)), "gru, layer 2": flow(0.1, (200, 400, 600))}
    figure = drawn(gradient_flow, networks)["gradient_flow_training"]
    assert titles(figure) == list(networks)
    meshes = [mesh for axes in figure.axes[:2] for mesh in axes.findobj(QuadMesh)]
    for mesh in meshes:
        edges = mesh.get_coordinates()[0, :, 0]
        assert edges[0] == 200
        assert edges[-1] == 600
    assert not np.array_equal(meshes[0].get_array(), meshes[1].get_array())


def test_what_float32_cannot_tell_is_not_drawn():
    """A curve from 1e-28 ends where float32 does; one from 1 leaves the axes; zeros are no curve; the axis fits."""
    small, large, zero = flow(-0.5, (0, 300, 600)), flow(-3.0, (0, 300, 600)), flow(0.0, (0, 300, 600))
    small["carry"] = (1e-28 * small["carry"]).astype(np.float32)
    large["carry"], zero["carry"] = large["carry"].astype(np.float32), np.zeros_like(zero["carry"])
    figures = drawn(gradient_flow, {"small": small, "large": large, "zero": zero})
    figure = figures["gradient_flow"]
    assert titles(figure) == ["small: vanishing", "large: vanishing", "zero: zero"]
    shown = [axes.lines[1].get_ydata() for axes in figure.axes]
    seen = np.isfinite(shown[0])
    assert seen.sum() == 13
    assert shown[0][seen].min() * 1e-28 > 1e-31
    assert np.isfinite(shown[1]).all()
    assert not np.isfinite(shown[2]).any()
    assert 1e-11 < figure.axes[0].get_ylim()[0] < 1e-9
    grids = [axes.collections[0].get_array() for axes in figures["gradient_flow_training"].axes[:3]]
    assert [np.ma.getmaskarray(grid).any() for grid in grids] == [True, False, True]


@pytest.mark.costly
def test_seven_networks_have_panels_of_their_own():
    networks = {f"network {k}": flow(-0.05 * k) for k in range(7)}
    for width in (3.4, 7.0):
        figure = drawn(gradient_flow, networks, width=width)["gradient_flow"]
        assert len(titles(figure)) == 7
        assert figure.get_figwidth() == width


# The other studies


def test_jacobian_names_every_curve_once_and_none_ends_early():
    logs = np.linspace(0, -1, T)[None, None, :, None] * np.array([1.0, 20, 30, 300]) * np.ones((2, N, 1, 1))
    own = {"steps": np.array([0, 9]), "one": np.ones((2, N, 4)), "products": logs, "bound": np.ones((2, N))}
    figure = drawn(jacobian, {"elman": own})["jacobian"]
    assert len(set(words(figure))) == len(words(figure)) == 7
    for line in figure.axes[0].lines[:6]:
        assert np.isfinite(line.get_ydata()).all()
        assert len(line.get_ydata()) == T


def test_fixed_points_have_no_marker_in_the_plane_that_is_no_eigenvalue():
    own = {"z": np.zeros((1, 2)), "speed": np.zeros(1), "fixed": np.ones(1, bool), "step": 0, "input": np.zeros(1, int)}
    own |= {
        "eigenvalues": np.array([[0.5, -0.5]], complex),
        "trajectories": np.random.default_rng(0).normal(size=(9, 2, 2)),
    }
    figure = drawn(fixed_points, {"gru": own | {"inputs": np.zeros((1, 1))}})["fixed_points_eigenvalues"]
    assert words(figure) == ["stable fixed point"]
    [marks] = figure.axes[0].collections
    np.testing.assert_array_equal(marks.get_offsets(), [[0.5, 0], [-0.5, 0]])


def test_long_lag_has_numbers_on_both_axes_and_no_empty_panel():
    common = {"lengths": np.array([50, 100]), "max_sequences": np.array(1000)}
    solved = {"gru": {"seen": np.array([[400.0, 500, 700], [800, 900, np.nan]])}}
    figure = drawn(long_lag, solved, common)["long_lag"]
    assert [axis for axis in titles(figure)] == ["share of networks that learned", "sequences needed"]
    shown = figure.axes[1].yaxis
    inside = [tick for tick in (*shown.get_major_ticks(), *shown.get_minor_ticks()) if tick.label1.get_text()]
    low, high = figure.axes[1].get_ylim()
    assert [tick for tick in inside if low <= tick.get_loc() <= high]
    figure = drawn(long_lag, {"elman": {"seen": np.full((2, 3), np.nan)}}, common)["long_lag"]
    assert len(figure.axes) == 1


def clipped(before, loss):
    own = {"loss": loss, "before": before, "after": before, "clipped": np.zeros(loss.shape)}
    return {"baseline": np.array(1.0), **{way: own for way in clipping.WAYS}}


def test_clipping_marks_what_diverged_and_offers_no_best_where_nothing_succeeds():
    grid = np.array([0.1, 10.0, np.inf])
    before = np.array([[1.0, 1, 1], [np.inf, np.inf, 2], [np.inf] * 3])
    common = {"thresholds": grid, "success": np.array(0.5)}
    figure = drawn(clipping, {"irnn": clipped(before, before)}, common)["clipping"]
    crosses = [line.get_xdata() for line in figure.axes[2].lines if line.get_marker() == "x"]
    assert len(crosses) == len(clipping.WAYS)
    np.testing.assert_array_equal(crosses[0], [10.0])
    text = clipping._words(np.array([0.0, 0, 0]), grid, before)
    assert text.startswith("no network succeeds at any threshold")
    assert "100% diverge" in text
    assert clipping._words(np.array([0.5, 1.0, 0]), grid, before).startswith("100% succeed at 10;")


def test_gates_are_named_at_their_curves_and_by_their_letters_colour():
    means = {gate: np.full((1, N, T), level) for gate, level in (("i", 0.2), ("f", 0.98), ("o", 0.5))}
    own = {"steps": np.array([0]), "means": means, "saturated": {g: np.zeros((1, N, 2)) for g in means}}
    figure = drawn(gates, {"lstm": own | {"time_scales": np.ones((1, N, 4)) * 3}})["gates"]
    assert words(figure) == ["i", "f", "o"]
    assert [line.get_color() for line in figure.axes[0].lines] == [style.LETTERS[gate] for gate in "ifo"]
    assert [text.get_text() for text in figure.axes[0].texts] == ["i", "o", "f"]  # from below, at the curves' ends
    own["means"] = {gate: np.full((1, N, T), 0.5) for gate in "rz"}
    figure = drawn(gates, {"gru": own | {"time_scales": np.ones((1, N, 4)) * 3}})["gates"]
    assert [text.get_text() for text in figure.axes[0].texts] == ["r, z"]


def test_lyapunov_shows_every_entry_of_its_legend_and_no_spread_of_one_network():
    single = {"steps": np.array([0]), "lam": np.full((1, 1, 1), -0.3), "error": np.full((1, 1, 1), 0.01)}
    figure = drawn(lyapunov, {"jordan": single})["lyapunov"]
    assert words(figure) == ["before training"]
    assert figure.axes[0].lines[0].get_marker() == "o"  # a spectrum of one exponent is a point
    text = lyapunov._words(single, 0)
    assert "interval" not in text
    assert "spread" not in text
    assert "-0.3000" in text


# Layout


def lines_of(axes, length):
    """{label: (x, y)} of the curves of axes."""
    return {line.get_label(): line.get_xydata().T for line in axes.lines if len(line.get_xdata()) == length}


def test_in_the_layout_of_curves_all_networks_share_a_panel():
    """The same medians as in the panels, of the last checkpoint, told apart by colour, style and marker."""
    networks = {"lstm": flow(-0.2), "elman": flow(0.1)}
    result = Result(networks, Table([]), [], gradient_flow.plot)
    panels, together = result.plot(), result.plot(layout="curves")
    (axes,) = together["gradient_flow"].axes
    curves_by_label = lines_of(axes, T - 1)
    assert list(curves_by_label) == ["lstm: vanishing, after 600 updates", "elman: exploding, after 600 updates"]
    for panel, values in zip(panels["gradient_flow"].axes, curves_by_label.values(), strict=True):
        *_, last = [line for line in panel.lines if len(line.get_xdata()) == T - 1]
        np.testing.assert_array_equal(last.get_xydata().T, values)
    looks = [(line.get_color(), line.get_linestyle(), line.get_marker()) for line in axes.lines[:2]]
    assert all(one != other for one, other in zip(*looks, strict=True))
    assert [text.get_text() for text in together["gradient_flow"].legends[0].get_texts()][-1] == curves.BAND
    assert set(together) == set(panels)


def test_in_the_layout_of_curves_each_gate_has_a_panel():
    gated = ["i", "f"]

    def arrays(level):
        means = {gate: np.full((2, N, T), level + number / 10) for number, gate in enumerate(gated)}
        scales = np.full((2, N, 4), 3.0)
        return {"steps": np.array([0, 600]), "means": means, "time_scales": scales}

    result = Result({"a": arrays(0.2), "b": arrays(0.5)}, Table([]), [], gates.plot, layout="curves")
    figure = result.plot()["gates"]
    assert titles(figure) == gated
    assert [axes.lines[1].get_ydata()[0] for axes in figure.axes] == [0.5, 0.6]


def test_bands_of_many_networks_are_left_out_and_no_two_curves_look_alike():
    networks = {f"size={size}": flow(-size / 100) for size in range(9)}
    (axes,) = Result(networks, Table([]), [], gradient_flow.plot).plot(layout="curves")["gradient_flow"].axes
    assert not axes.collections
    lines = [line for line in axes.lines if len(line.get_xdata()) == T - 1]
    assert len({(line.get_color(), str(line.get_linestyle()), line.get_marker()) for line in lines}) == 9


def test_an_unknown_layout_is_refused():
    with pytest.raises(ConfigError, match="layout=rows: should be 'panels' or 'curves'"):
        Result({"a": flow(0.1)}, Table([]), [], gradient_flow.plot).plot(layout="rows")
