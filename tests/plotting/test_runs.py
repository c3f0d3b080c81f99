"""The figures of a run."""

import pytest

from jaxrnn.plotting import runs


@pytest.mark.parametrize(("last", "scale"), [(0.1, "log"), (-1.8, "linear")])
def test_losses_below_zero_are_drawn_too(last, scale):
    rows = [
        {"split": split, "step": step, "loss": loss}
        for split in ("train", "validation")
        for step, loss in ((10, 1.0), (20, last))
    ]
    figure = runs.learning_curves(rows, "negative log-likelihood", "persistence", -1.5 if last < 0 else 0.5)
    assert figure.axes[0].get_yscale() == scale
