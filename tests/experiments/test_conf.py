"""Overrides as a user types them."""

import pytest

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
