"""What tells the data of a checkpoint from others."""

from types import SimpleNamespace

import numpy as np
import pytest

from jaxrnn.storage import fingerprint


@pytest.mark.parametrize("large", [False, True])
def test_data_of_another_order_or_with_other_values_are_other_data(monkeypatch, large):
    monkeypatch.setattr(fingerprint, "MAX_SAMPLES", 640)
    if large:
        monkeypatch.setattr(fingerprint, "LARGE_ARRAY", 1000)
    values = np.random.default_rng(0).integers(0, 200, 100_000).astype(np.uint8)

    def of(array):
        return fingerprint.of_data(SimpleNamespace(train=SimpleNamespace(arrays=array), splits={}))

    own = of(values)
    assert of(values.copy()) == own
    for other in (values[::-1], values[:-1], values + 1, np.roll(values, 1)):
        assert not fingerprint._same_data(of(other), own)
