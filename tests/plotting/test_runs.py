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


def test_an_accuracy_stands_beside_the_loss():
    rows = [{"split": "train", "step": 10, "loss": 0.7}, {"split": "validation", "step": 10, "loss": 0.6}]
    assert len(runs.learning_curves(rows, "loss", "mean", 0.7).axes) == 1
    rows += [{"split": "validation", "step": step, "loss": 0.5, "accuracy": step / 40} for step in (20, 30)]
    loss, accuracy = runs.learning_curves(rows, "loss", "mean", 0.7).axes
    assert loss.get_ylabel() == "loss: loss"
    (line,) = accuracy.get_lines()
    assert (accuracy.get_ylabel(), line.get_xydata().tolist()) == ("accuracy", [[20, 0.5], [30, 0.75]])
