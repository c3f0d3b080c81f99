"""The figures of a sweep: what they draw of odd values."""

import warnings

import matplotlib
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
