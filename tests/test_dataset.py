"""`Dataset`: its old fields are answered with the new place, and a data set of one's own is trained like the others."""

import jax.numpy as jnp
import numpy as np
import pytest

import jaxrnn
from jaxrnn.cells import elman
from jaxrnn.data import sine
from jaxrnn.data.examples import Examples, constant_logits, stored
from jaxrnn.dataset import MOVED_FIELDS, Dataset, TrainingSet
from jaxrnn.errors import ConfigError
from jaxrnn.losses import SQUARED_ERROR, squared_error

SETTINGS = {"steps": 40, "batch_size": 4, "learning_rate": 0.1, "precision": "f64"}


def doubling(**fields):
    """Numbers whose double is asked for, from the parts of a `Dataset`."""
    xs = jnp.linspace(-1.0, 1.0, 8).reshape(2, 4, 1)
    batch = jaxrnn.Batch(xs, 2 * xs, jnp.ones((2, 4)), jnp.ones(4, bool))
    train = TrainingSet(4, batch, lambda key, steps, size: jnp.zeros((len(steps), size)), lambda arrays, items: arrays)
    parts = {"input_size": 1, "output_size": 1, "train": train, "splits": {"validation": batch}}
    parts |= {"loss": SQUARED_ERROR, "baselines": {"zero": lambda batch: jnp.zeros_like(batch.targets)}}
    return Dataset(**parts | fields)


def test_a_data_set_of_parts_is_trained():
    run = jaxrnn.fit(jaxrnn.nets.affine(1), doubling(), **SETTINGS)
    assert run.metrics["validation"]["loss"] < 0.1 * run.metrics["validation"]["baseline"]


@pytest.mark.parametrize(("name", "place"), MOVED_FIELDS.items())
def test_an_old_field_is_answered_with_its_new_place(name, place):
    message = f"{name}: Dataset has no such field; it is {place} now"
    with pytest.raises(ConfigError, match=message):
        doubling(**{name: None})
    with pytest.raises(ConfigError, match=message):
        sine.dataset()._replace(**{name: None})
    with pytest.raises(AttributeError, match=message):
        getattr(sine.dataset(), name)


def test_an_old_field_has_a_new_place_that_exists():
    for place in MOVED_FIELDS.values():
        part, field = place.split(".")
        assert hasattr(getattr(sine.dataset(), part), field)


def test_a_function_is_no_loss():
    with pytest.raises(ConfigError, match=r"dataset\.loss: expected a Loss, got the function .*dataset\.Loss"):
        jaxrnn.fit(jaxrnn.rnn(elman.cell(2), 1), doubling(loss=squared_error), **SETTINGS)


def test_stored_examples_are_padded_and_counted_once():
    """Two labels per sequence of its own length: the loss of a guess is ln 2 wherever the steps are valid."""
    rng = np.random.default_rng(0)
    xs, targets = rng.normal(size=(12, 3, 1)), rng.integers(0, 2, (12, 3, 1))
    examples = Examples(xs, np.arange(12) % 3 + 1, targets)
    dataset = stored({"train": examples, "test": examples}, "all", 2, {"a guess": constant_logits([1, 1])})
    batch = dataset.splits["test"]
    assert batch.weights.sum() == (np.arange(12) % 3 + 1).sum()
    np.testing.assert_allclose(dataset.loss(dataset.trivial(batch), batch.targets), np.log(2), rtol=1e-6)
    assert len(dataset.train.buckets.batches) == 3
