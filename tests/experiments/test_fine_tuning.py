"""`jaxrnn.fit` from given params, with frozen parts, and with another loss."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import jaxrnn
from jaxrnn.cells import elman
from jaxrnn.data import series
from jaxrnn.distributions import gaussian
from jaxrnn.errors import ConfigError

VALUES = np.sin(np.arange(80) / 5)
SETTINGS = {"batch_size": 2, "report_every": 1}


@pytest.fixture(scope="module")
def net():
    return jaxrnn.rnn(elman.cell(3), 1)


@pytest.fixture(scope="module")
def dataset():
    return series.dataset(VALUES, window=6)


@pytest.fixture(scope="module")
def run(net, dataset):
    return jaxrnn.fit(net, dataset, steps=2, learning_rate=1e-2, **SETTINGS)


@pytest.mark.costly
def test_training_begins_at_the_given_params(net, dataset, run):
    again = jaxrnn.fit(net, dataset, steps=1, optimizer=optax.sgd(0.0), params=run.params, **SETTINGS)
    jax.tree.map(np.testing.assert_array_equal, again.params, run.params)


def test_frozen_parts_keep_their_values_bit_for_bit(net, dataset, run):
    """Also with weight decay, which changes params without a gradient."""
    for frozen in (lambda name: name.startswith("0."), (True, False)):
        options = {"optimizer": optax.adamw(1e-2, weight_decay=0.1), "params": run.params, "frozen": frozen}
        tuned = jaxrnn.fit(net, dataset, steps=2, **options, **SETTINGS)
        jax.tree.map(np.testing.assert_array_equal, tuned.params[0], run.params[0])
        assert all(jax.tree.leaves(jax.tree.map(lambda a, b: (a != b).any(), tuned.params[1], run.params[1])))


def test_a_frozen_part_is_part_of_what_identifies_a_run(net, dataset, tmp_path):
    options = {"learning_rate": 1e-2, "folder": tmp_path, **SETTINGS}
    jaxrnn.fit(net, dataset, steps=1, frozen=lambda name: name == "0.w_h", **options)
    with pytest.raises(ConfigError, match="its checkpoint is of a run with another optimizer"):
        jaxrnn.fit(net, dataset, steps=2, **options)


def median_of_errors(ys, targets):
    return jnp.abs(ys - targets)[..., 0]


@pytest.mark.parametrize("loss", ["mae", median_of_errors])
def test_another_loss(net, dataset, loss):
    run = jaxrnn.fit(net, dataset, steps=1, learning_rate=1e-2, loss=loss, **SETTINGS)
    ys, batch = np.asarray(run.predict("test")), dataset.splits["test"]
    expected = np.abs(ys - np.asarray(batch.targets)).mean()
    np.testing.assert_allclose(run.metrics["test"]["loss"], expected, rtol=1e-5)
    assert run.dataset.loss.name == ("mean absolute error" if loss == "mae" else "median_of_errors")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"params": [{}, {}]}, r"params: they belong to another net; 0.w_x: expected \[1, 3\], got nothing"),
        ({"frozen": [True]}, "frozen: its structure does not fit the params"),
        ({"frozen": lambda name: True}, "nothing to train; the parts are 0.w_x, 0.w_h, 0.b, 1.w, 1.b"),
        ({"loss": "mea"}, "loss=mea: .*nearest: mse, mae"),
        ({"loss": "cross_entropy"}, "loss=cross_entropy: the targets of this data set are values"),
    ],
)
def test_mistakes(net, dataset, options, message):
    with pytest.raises(ConfigError, match=message):
        jaxrnn.fit(net, dataset, steps=1, learning_rate=1e-2, **options, **SETTINGS)


def test_a_distribution_has_its_own_loss():
    dataset = series.dataset(VALUES, window=6, distribution=gaussian.distribution())
    with pytest.raises(ConfigError, match="a distribution, which has its own loss"):
        jaxrnn.fit(jaxrnn.rnn(elman.cell(3), 2), dataset, steps=1, learning_rate=1e-2, loss="mae", **SETTINGS)


def test_an_experiment_says_how():
    with pytest.raises(ConfigError, match=r"jaxrnn.fit\(experiment.task.net, experiment.task.dataset, params="):
        jaxrnn.fit(jaxrnn.experiment("model.cell.size=2"), params=[])
