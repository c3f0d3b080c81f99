"""Overrides as a user types them."""

import pytest

from jaxrnn import optimizers
from jaxrnn.errors import ConfigError
from jaxrnn.experiments.conf import compose, force


def test_a_group_is_left_out():
    cfg = compose("train", ["data=forecast", "data/distribution=null", "optimizer/schedule=null"])
    assert cfg.data.get("distribution") is None
    assert cfg.optimizer.get("schedule") is None
    assert compose("train", ["experiment=null", "regularizer=null"]).data._target_ == "jaxrnn.data.sine.dataset"
    assert force("optimizer.clip_norm=null") == "++optimizer.clip_norm=null"
    with pytest.raises(ConfigError, match="data=null: a run cannot be without it"):
        compose("train", ["data=null"])


def test_data_bring_a_distribution_that_another_replaces():
    assert "student_t" in compose("train", ["data=forecast"]).data.distribution._target_
    assert "quantiles" in compose("train", ["data/distribution=quantiles", "data=forecast"]).data.distribution._target_


@pytest.mark.parametrize(("steps", "top"), [(20, 2), (4000, 100)])
def test_a_short_run_warms_up_for_a_tenth_of_it(steps, top):
    factor = optimizers.warmup_cosine(steps)
    assert [float(factor(step)) for step in (0, top, steps)] == pytest.approx([0, 1, 0], abs=1e-6)
    assert float(factor(top // 2)) == pytest.approx(0.5)
