"""What the shipped data sets ask of a network, and that every weight of their networks learns from it."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxrnn.errors import ConfigError
from jaxrnn.experiments import build

ROOT = Path(__file__).parents[2]
OWN = {"custom", "csv", "labelled_series", "labels", "pairs", "text"}  # data sets of the user's own files
DATA = sorted(path.stem for path in (ROOT / "conf/data").glob("*.yaml") if path.stem not in OWN)
FURTHER = ["parity data.every=false", "sunspots data.target=last", "digits data.by=pixels", "forecast data.target=last"]
SMALL = ["model.cell.size=4", "trainer.batch_size=4", "trainer.steps=10", "trainer.report_every=10", "seed=1"]
PLAIN = ("vowels", "delayed_xor", "sunspots")  # the others are slow tests


def each(plain=PLAIN):
    """Every data set, those that are not plain as slow tests, of which a share runs each day."""
    marks = [pytest.mark.slow, pytest.mark.share(4)]
    return [words if words in plain else pytest.param(words, marks=marks) for words in (*DATA, *FURTHER)]


def experiment(configure, words, *overrides):
    return build.build(configure(*f"data={words}".split(), *SMALL, *overrides))


def asked(dataset):
    """What the weights of the validation split say: whether every sequence counts at its last valid step only."""
    batch = next(iter(dataset.splits.values()))
    counts = np.asarray(batch.weights) > 0
    steps = np.arange(len(counts))[:, None]
    valid = np.ones(counts.shape, bool) if batch.mask is None or hasattr(batch.xs, "source") else np.asarray(batch.mask)
    return bool((counts == (steps == np.max(np.where(valid, steps, -1), axis=0))).all())


@pytest.mark.parametrize("words", each())
def test_data_sets_say_what_their_weights_say(configure, words):
    dataset = experiment(configure, words).task.dataset

    @jax.jit
    def first_batch(arrays):
        items = dataset.train.plan(jax.random.key(0), jnp.arange(1), 4)
        return dataset.train.batch(arrays, jax.tree.map(lambda a: a[0], items))

    train = first_batch(dataset.train.arrays)
    last_only = asked(dataset._replace(splits={"train": train}))
    assert (dataset.targets == "per_sequence") == (last_only and len(train.weights) > 1)
    if dataset.series is not None and dataset.targets != "per_sequence":
        assert dataset.targets == "next_step"


def zero_gradients(task):
    """The names of the leaves whose gradient is exactly zero on the second of two batches.

    Recurrent weights of an encoder that reads one step are left out: they multiply the zero carry it begins with.
    """
    net, dataset = task.net, task.dataset
    items = dataset.train.plan(jax.random.key(0), jnp.arange(2), 4)

    def gradient(params, number):
        batch = dataset.train.batch(dataset.train.arrays, jax.tree.map(lambda a: a[number], items))

        def loss(params):
            carry = net.initial(params, batch.fresh.shape)
            ys = net.apply(params, carry, batch.xs, mask=batch.mask, reset=batch.reset)[1]
            return jnp.sum(jnp.where(batch.weights > 0, batch.weights * dataset.loss(ys, batch.targets), 0))

        return jax.grad(loss)(params)

    take = jax.jit(gradient)
    params = jax.jit(net.init, static_argnums=1)(jax.random.key(1), dataset.input_size)
    params = jax.tree.map(lambda p, g: p - 1e-3 * g, params, take(params, 0))  # factors that begin at zero have moved
    leaves = jax.tree_util.tree_leaves_with_path(take(params, 1))
    names = [jax.tree_util.keystr(path) for path, leaf in leaves if not np.any(np.asarray(leaf))]
    source = getattr(next(iter(dataset.splits.values())).xs, "source", ())
    return [name for name in names if not (len(source) == 1 and ".encoder" in name and name.endswith(".w_h"))]


@pytest.mark.parametrize("model", ["default", "concat", pytest.param("sum", marks=pytest.mark.slow)])
@pytest.mark.parametrize("words", each())
@pytest.mark.sample(1, 2)
def test_every_weight_learns(configure, words, model, x32):
    overrides = [] if model == "default" else [f"model.bidirectional={model}"]
    if model != "default":
        dataset = experiment(configure, words, "model.bidirectional=null").task.dataset
        if dataset.train.stateful or dataset.targets == "next_step":
            with pytest.raises(ConfigError, match="reads the future"):
                experiment(configure, words, *overrides)
            return
    assert zero_gradients(experiment(configure, words, *overrides).task) == []
