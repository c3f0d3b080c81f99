"""Updates in which no step counts, and gradients that are large but finite: the run goes on, its numbers are right."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxrnn import nets
from jaxrnn.cells import elman
from jaxrnn.data import noisy_cosine
from jaxrnn.dataset import Loss, MemoryTask
from jaxrnn.errors import ConfigError
from jaxrnn.experiments.api import fit_task
from jaxrnn.metrics import classified, exact_match
from jaxrnn.optimizers import as_optimizer, optimizer
from jaxrnn.training import Task, Trainer, engine, online
from jaxrnn.training.batches import draw
from jaxrnn.training.evaluation import evaluator
from jaxrnn.training.history import report_rows
from jaxrnn.types import Batch
from jaxrnn.unroll import rtrl

NET = nets.rnn(elman.cell(3), 1)
SGD = as_optimizer(optax.sgd(0.1))


def without(dataset, left_out):
    """The data set with weights of zero, and targets that are no numbers, in every row of the updates `left_out`."""

    def plan(key, steps, batch_size):
        counts = ~jnp.isin(steps, jnp.asarray(left_out))
        return dataset.train.plan(key, steps, batch_size), jnp.broadcast_to(counts[:, None], (len(steps), batch_size))

    def batch(arrays, items):
        whole, counts = dataset.train.batch(arrays, items[0]), items[1]
        targets = jnp.where(counts[:, None], whole.targets, jnp.nan)
        return whole._replace(weights=whole.weights * counts, targets=targets)

    return dataset._replace(train=dataset.train._replace(plan=plan, batch=batch))


ENGINES = {
    "two devices": lambda task: engine.single(task, 0),
    "group": lambda task: engine.group(lambda _: task, [0, 1], measured=()),
}


@pytest.mark.parametrize("kind", ENGINES)
@pytest.mark.sample(1, 1)
def test_a_batch_that_counts_nothing_is_left_out(kind):
    """Its gradient is zero, and the report's loss is the mean of the other updates'."""
    dataset = noisy_cosine.dataset(window=4)
    tasks = [Task(NET, each, SGD, Trainer(4, 4, 4, "f64")) for each in (without(dataset, [1, 3]), dataset)]
    some, every = (ENGINES[kind](task) for task in tasks)
    (states, report), (_, whole) = some.advance(some.init(), 4), every.advance(every.init(), 4)
    assert report.grad_norm[0, [1, 3]].tolist() == report.update_norm[0, [1, 3]].tolist() == [0, 0]
    np.testing.assert_allclose(report.loss[0, 0], whole.loss[0, 0], rtol=1e-12)
    row = report_rows(report, False)[0]
    assert row.bad is None
    np.testing.assert_allclose(row.row["loss"], report.loss[0, [0, 2]].mean(), rtol=1e-12)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(states.params))


def test_a_report_of_updates_that_count_nothing_has_no_loss_and_ends_no_run():
    dataset = without(noisy_cosine.dataset(window=4), [2, 3])
    run = fit_task(Task(NET, dataset, SGD, Trainer(6, 4, 2, "f64")))
    assert run.status == "finished"
    losses = [row["loss"] for row in run.history.where(split="train").rows]
    assert np.isnan(losses).tolist() == [False, True, False]


@pytest.mark.parametrize("split", ["validation", "test"])
def test_a_split_that_counts_nothing_is_refused(split):
    dataset = noisy_cosine.dataset(window=4)
    empty = dataset.splits[split]._replace(weights=jnp.zeros_like(dataset.splits[split].weights))
    dataset = dataset._replace(splits={**dataset.splits, split: empty})
    with pytest.raises(ConfigError, match=f"^the {split} split has nothing to evaluate: all its weights are zero; "):
        fit_task(Task(NET, dataset, SGD, Trainer(2, 4, 2, "f64")))


@pytest.mark.slow
@pytest.mark.share(2)
def test_online_training_leaves_it_out_too():
    task = Task(NET, noisy_cosine.dataset(window=4), SGD, Trainer(1, 4, 1, "f64"))
    state = online.begin(task, NET.init(jax.random.key(0), 1))
    batch = draw(task.dataset, 4, jax.random.key(1))
    batch = batch._replace(weights=jnp.zeros_like(batch.weights))
    for after, loss in (
        online.after_the_batch(task, state, batch, jax.random.key(2)),
        online.through(task, rtrl.rule(), "rtrl", state, batch, jax.random.key(2)),
    ):
        jax.tree.map(np.testing.assert_array_equal, after.params, state.params)
        assert loss == 0


def test_sequences_that_count_nothing_are_neither_right_nor_wrong():
    """Three sequences: right, wrong, and one of which nothing is asked."""
    logits = jnp.array([[[2.0, 1.0], [2.0, 1.0], [2.0, 1.0]]])
    batch = Batch(logits, jnp.array([[[0], [1], [0]]]), jnp.array([[1.0, 1.0, 0.0]]), jnp.ones(3, bool))
    assert exact_match()(logits, batch) == 0.5
    dataset = noisy_cosine.dataset(window=4)._replace(
        memory=MemoryTask(classified), loss=Loss(lambda ys, targets: ys[..., 0], "first"), splits={"test": batch}
    )
    assert evaluator(Task(NET, dataset, SGD, Trainer(1, 1, 1, "f64"))).scores(logits, batch)["solved"] == 0.5


@pytest.mark.usefixtures("x32")
@pytest.mark.parametrize(
    ("clip", "size", "status"),
    [
        ({"clip_value": 1e-3}, 1e20, "finished"),
        ({"clip_norm": 1e-3}, 1e20, "finished"),
        ({}, 1e20, "finished"),
        ({"clip_value": 1e-3}, 4e38, "finished"),
        ({"clip_norm": 1e-3}, 4e38, "diverged"),
    ],
)
@pytest.mark.sample(2, 2)
def test_a_gradient_that_is_large_but_finite_ends_no_run_that_clipping_helps(clip, size, status):
    """4e38 is the norm of two weights' gradients that float32 holds, and does not hold itself."""
    dataset = noisy_cosine.dataset(window=4)

    @jax.custom_vjp
    def steep(y):
        return jnp.tanh(y)

    steep.defvjp(lambda y: (steep(y), None), lambda _, g: (size / 2**0.5 * g,))

    def batch(arrays, items):
        whole = dataset.train.batch(arrays, items)
        return whole._replace(xs=jnp.ones_like(whole.xs))  # weight and bias have the same gradient

    net = nets.affine(1)
    zeros = net._replace(init=lambda key, size: jax.tree.map(jnp.zeros_like, net.init(key, size)))
    tx = optimizer(optax.identity(), 1e-3, **clip)
    loss, train = Loss(lambda ys, targets: steep(ys[..., 0]), "steep"), dataset.train._replace(batch=batch)
    changed = dataset._replace(loss=loss, train=train)
    run = fit_task(Task(zeros, changed, tx, Trainer(4, 4, 2)))
    assert run.status == status
    first = run.history.where(split="train").rows[0]["grad_norm_max"]
    assert first == pytest.approx(size if size < 3e38 else np.inf, rel=1e-5)
