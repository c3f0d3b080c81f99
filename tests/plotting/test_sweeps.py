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
