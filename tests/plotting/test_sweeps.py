"""The figures of a sweep: what they draw of odd values."""

import warnings

import matplotlib
import numpy as np
import pytest

from jaxrnn.plotting import sweeps


@pytest.mark.parametrize("values", [[60, 10**20], [1, 10**400], [1e-3, 1e308], ["adam", 3.0], [0.1]])
def test_a_factor_of_any_values_is_drawn_without_a_warning(values):
    matplotlib.use("Agg")
    points = [(value, [0.1 * place + 0.1, 0.3], 0.2) for place, value in enumerate(values)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = sweeps.one_factor(values, points, "data.points", "validation.loss", log=True)
        figure.canvas.draw()
    assert len(figure.axes[0].get_xticks()) == len(values)


@pytest.mark.parametrize("losses", [[], [0.0, 0.0], [0.0, 1.0], [2.0, 1.0]])
def test_learning_curves_of_any_losses_are_drawn_without_a_warning(losses):
    matplotlib.use("Agg")
    curves = {"all runs": {step: [loss] for step, loss in enumerate(losses)}} if losses else {}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = sweeps.learning_curves(curves, "validation loss")
        figure.canvas.draw()
    assert (figure.axes[0].get_yscale() == "log") == (losses == [2.0, 1.0])


def test_a_learning_curve_is_the_median_and_the_range_over_its_runs():
    matplotlib.use("Agg")
    axes = sweeps.learning_curves({"a": {20: [9.0, 2.0, 4.0], 10: [5.0, 3.0, 8.0]}}, "loss").axes[0]
    np.testing.assert_array_equal(axes.lines[0].get_xydata(), [(10, 5), (20, 4)])
    drawn = {tuple(point) for point in axes.collections[0].get_paths()[0].vertices}
    assert drawn == {(10, 3), (10, 8), (20, 2), (20, 9)}


def test_a_factor_is_drawn_with_its_median_and_its_best_setting():
    matplotlib.use("Agg")
    points = [(2, [1.0, 3.0], 2.0), (1, [5.0, 7.0], 6.0), (1, [9.0], 9.0)]
    axes = sweeps.one_factor([1, 2], points, "size", "loss", log=False).axes[0]
    lines = {line.get_label(): line.get_ydata() for line in axes.lines}
    np.testing.assert_array_equal(lines["median of all runs"], [7, 2])
    np.testing.assert_array_equal(lines["best setting (mean over seeds)"], [6, 2])
    assert sorted(y for line in axes.lines[:2] for y in line.get_ydata()) == [1, 3, 5, 7, 9]
