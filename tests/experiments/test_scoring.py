"""`run.evaluate` on other data: a data set, a series in the source's units, sequences with targets."""

import numpy as np
import pytest

import jaxrnn
from jaxrnn.cells import elman
from jaxrnn.data import arrays, series
from jaxrnn.errors import ConfigError

VALUES = 50 + 8 * np.sin(np.arange(200) / 5)
X = np.random.default_rng(0).normal(3, 2, (40, 6, 2))


def quick(net, dataset):
    return jaxrnn.fit(net, dataset, steps=1, batch_size=2, learning_rate=1e-2)


@pytest.fixture(scope="module")
def level():
    return quick(jaxrnn.rnn(elman.cell(3), 1), series.dataset(VALUES, window=8))


def test_a_series_is_scored_on_its_later_values(level):
    values = VALUES[:30]
    errors = (level.predict(values)[:-1, 0] - values[1:]) / level.dataset.series.std
    np.testing.assert_allclose(level.evaluate(values)["loss"], (errors**2).mean(), rtol=1e-5)


def test_a_data_set_is_scored_on_all_its_splits(level):
    scores = level.evaluate(level.dataset)
    for split, metrics in scores.items():
        assert metrics == {name: level.metrics[split][name] for name in metrics}
    with pytest.raises(ConfigError, match=r"scaled by its own training part.*run.evaluate\(values\)"):
        level.evaluate(series.dataset(2 * VALUES, window=8))
    with pytest.raises(ConfigError, match="its input_size is 2, but the network has 1"):
        level.evaluate(series.dataset(np.stack([VALUES, VALUES], axis=1), window=8))


def test_values_and_classes_with_their_targets():
    y = 100 + X.mean(axis=(1, 2))
    run = quick(jaxrnn.rnn(elman.cell(3), 1), arrays.dataset(X, y))
    errors = (run.predict(X)[:, 0] - y) / run.dataset.scales.targets.std
    np.testing.assert_allclose(run.evaluate(X, y)["loss"], (errors**2).mean(), rtol=1e-5)
    names = np.array(["no", "yes"] * 20)
    run = quick(jaxrnn.rnn(elman.cell(3), 2), arrays.dataset(X, names))
    assert run.evaluate(X, names)["accuracy"] == pytest.approx((run.predict(X) == names).mean())
    for x, y, message in (
        (X, None, r"the targets are missing; call run.evaluate\(x, y\)"),
        (X, ["maybe"] * 40, "y: no class 'maybe'; there are no, yes"),
        (X, names[:3], "y: 40 sequences but 3 targets"),
    ):
        with pytest.raises(ConfigError, match=message):
            run.evaluate(x, y)


def test_one_target_per_step():
    y = X.cumsum(axis=1)[..., :1]
    run = quick(jaxrnn.rnn(elman.cell(3), 1), arrays.dataset(X, y))
    errors = (run.predict(X) - y) / run.dataset.scales.targets.std
    np.testing.assert_allclose(run.evaluate(X, y)["loss"], (errors**2).mean(), rtol=1e-5)
    ragged = [x[: 3 + row % 3] for row, x in enumerate(X)]
    targets = [values[: 3 + row % 3] for row, values in enumerate(y)]
    expected = np.concatenate([(a - b)[:, 0] for a, b in zip(run.predict(ragged), targets, strict=True)])
    expected = (expected / run.dataset.scales.targets.std) ** 2
    np.testing.assert_allclose(run.evaluate(ragged, targets)["loss"], expected.mean(), rtol=1e-5)
