"""`run.save` and `jaxrnn.load`: with a configuration nothing else is needed, without one the net and the data set."""

import numpy as np
import pytest

import jaxrnn
from jaxrnn.cells import elman
from jaxrnn.data import series
from jaxrnn.errors import ConfigError
from jaxrnn.experiments import run_folder

VALUES = np.sin(np.arange(80) / 5)
SMALL = ["model.cell.size=3", "trainer.steps=36", "trainer.report_every=18"]


def test_a_configured_run_needs_only_its_folder(tmp_path):
    run = jaxrnn.fit(jaxrnn.experiment(*SMALL))
    run.save(tmp_path / "a")
    again = jaxrnn.load(tmp_path / "a")
    np.testing.assert_array_equal(again.predict("test"), run.predict("test"))
    assert again.metrics == run.metrics
    for split in ("train", "validation"):
        losses = [one.history.where(split=split)["loss"] for one in (again, run)]
        np.testing.assert_array_equal(*losses)
    assert (again.best_step, again.step, again.seed) == (run.best_step, run.step, run.seed)
    with pytest.raises(ConfigError, match=r"saved by run.save without the state of its optimizer"):
        run_folder.resume(tmp_path / "a", 72)
    with pytest.raises(ConfigError, match="already contains a run; choose another folder"):
        run.save(tmp_path / "a")
    again.save(tmp_path / "b")
    assert jaxrnn.load(tmp_path / "b").metrics == run.metrics


def test_a_run_of_objects_says_what_to_hand_over(tmp_path):
    net, dataset = jaxrnn.rnn(elman.cell(3), 1), series.dataset(VALUES, window=6)
    run = jaxrnn.fit(net, dataset, steps=2, batch_size=2, learning_rate=1e-2)
    run.save(tmp_path / "a")
    with pytest.raises(ConfigError, match=r"call jaxrnn.load\(folder, net, dataset\)"):
        jaxrnn.load(tmp_path / "a")
    again = jaxrnn.load(tmp_path / "a", net, dataset)
    np.testing.assert_array_equal(again.predict(VALUES), run.predict(VALUES))
    with pytest.raises(ConfigError, match="of another model"):
        jaxrnn.load(tmp_path / "a", jaxrnn.rnn(elman.cell(4), 1), dataset)


def test_a_run_with_a_folder_can_be_resumed_in_the_copy(tmp_path):
    run = jaxrnn.fit(jaxrnn.experiment(*SMALL), folder=tmp_path / "a")
    run.save(tmp_path / "b")
    assert (tmp_path / "b/metrics.csv").read_bytes() == (tmp_path / "a/metrics.csv").read_bytes()
    assert run_folder.resume(tmp_path / "b", 54)["steps"] == 54
