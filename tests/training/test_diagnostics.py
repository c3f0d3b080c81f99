"""Warnings at the end of a run."""

import optax
import pytest

import jaxrnn
from jaxrnn.cells import elman
from jaxrnn.data import noisy_cosine, sine
from jaxrnn.experiments import run_report
from jaxrnn.table import Table
from jaxrnn.training.diagnostics import notes, worse_than_trivial


@pytest.mark.parametrize("loss", [2.0, float("inf"), float("nan")])
def test_a_run_worse_than_its_trivial_predictor_says_so(loss):
    train, validation = {"loss": 0.1, "baseline": 1.0}, {"loss": loss, "baseline": 1.0}
    (note,) = worse_than_trivial({"train": train, "validation": validation}, "persistence")
    assert f"validation loss, {loss:.4g}, is worse than the loss of the trivial predictor (persistence), 1; try" in note
    assert len(worse_than_trivial({"test": validation}, "persistence")) == 1


def test_a_run_as_good_as_its_trivial_predictor_says_nothing():
    assert worse_than_trivial({"validation": {"loss": 1.0, "baseline": 1.0}}, "persistence") == []
    assert worse_than_trivial({}, "persistence") == []


@pytest.mark.parametrize("data", [sine.dataset(), noisy_cosine.dataset()])
def test_an_untrained_network_says_so_in_its_summary_and_at_the_end_of_the_command(data, tmp_path):
    run = jaxrnn.fit(
        jaxrnn.rnn(elman.cell(2), data.output_size), data, optimizer=optax.sgd(1e-9), steps=2, batch_size=1
    )
    summary = run.summary()
    (note,) = [note for note in summary["notes"] if "is worse than the loss of the trivial predictor" in note]
    assert f"note: {note}" in run_report.report(summary, tmp_path, "")


@pytest.mark.parametrize(("largest", "told"), [(1e5, False), (1e8, True)])
def test_an_update_that_moves_the_params_far_away_is_told(largest, told):
    rows = [{"step": 2, "split": "train", "loss": 1.0, "grad_norm": 1.0, "update_norm": largest}]
    rows += [rows[0] | {"step": 2 * n, "loss": 1.0 / n, "update_norm": 0.1} for n in range(2, 9)]
    warnings = notes(Table(rows))
    assert [warning[:56] for warning in warnings] == told * ["the gradient exploded: the updates up to step 2 had a no"]
