"""One update of the params, and many in a row: pure functions, to be compiled, shared out and vmapped."""

from collections.abc import Callable
from functools import partial
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import lax

from jaxrnn.losses import mean_of, weighted_sum
from jaxrnn.optimizers import Optimizer, global_norm, global_norms
from jaxrnn.runtime import ROWS
from jaxrnn.types import Dataset, Net, Size

Precision = Literal["f32", "bf16", "f64"]
ROUNDING = 1e-6  # of two norms of the same gradient, which XLA may sum in different orders


class Trainer(NamedTuple):
    """How long and in what pieces a network is trained.

    Fields:
      steps: updates.
      batch_size: B, sequences an update.
      report_every: updates between two reports, and in one compiled call.
      precision: of the products; carries and sums are float32 at least.
    """

    steps: Size
    batch_size: Size
    report_every: Size = 100
    precision: Precision = "f32"


class Task(NamedTuple):
    """What is trained on what, and how.

    Fields:
      net: a `Net`, already given the unroll that it is trained with.
      dataset, optimizer, trainer: a `Dataset`, an `Optimizer`, a `Trainer`.
      regularizer: (net, params, loss, batch, step, share) -> the objective, from the loss of this device's rows, where
        share is one over the number of devices; None for the loss alone.
      metrics: {name: (ys, Batch) -> a number}, reported beside the loss and the data set's own.
    """

    net: Net
    dataset: Dataset
    optimizer: Optimizer
    trainer: Trainer
    regularizer: Callable[..., Any] | None = None
    metrics: dict[str, Callable[..., Any]] = {}  # noqa: RUF012

    @property
    def measured(self) -> dict[str, Any]:
        """{name: metric} of all that is reported beside the loss: the data set's own, and further ones."""
        return {**self.dataset.metrics, **self.metrics}


class TrainState(NamedTuple):
    """All that the next update depends on."""

    step: jax.Array  # [], int32
    params: Any
    opt_state: Any
    carry: Any  # [B, ...]
    key: jax.Array  # the run's PRNG key; a step's draws are functions of it and of the step


class Report(NamedTuple):
    """What each update measured.

    Fields, each [n]:
      loss: the weighted mean loss of the batch, before the update; zero, and so is its gradient, where no step counts.
      grad_norm: global L2 norm of the gradient, before clipping.
      clipped_norm: the same after clipping.
      clipped: 1 where clipping made the gradient shorter, else 0.
      update_norm: global L2 norm of what the update added to the params.
      param_norm: global L2 norm of the params after the last update, in its row; zero in the others.
      correct: share of the batch's sequences that were right before the update; zero where the data do not say.
      counted: 1 where a step of the batch counts in the loss, else 0.
    """

    loss: jax.Array
    grad_norm: jax.Array
    clipped_norm: jax.Array
    clipped: jax.Array
    update_norm: jax.Array
    param_norm: jax.Array
    correct: jax.Array
    counted: jax.Array


class Updates(NamedTuple):
    """A training run as pure functions, to be compiled, shared out and vmapped.

    Fields:
      init: key -> TrainState.
      plan: TrainState -> items, what each row of each of the next `report_every` updates is.
      run: (TrainState, arrays, items, n, step) -> (TrainState, Report [report_every]), n updates; step is the state's,
        the same for all runs of a group.
    """

    init: Any
    plan: Any
    run: Any


def updates(task, shards=1):
    """The pure functions of a training run.

    Args:
      task: a `Task`.
      shards: devices that the rows of a batch are shared out over, along the mesh axis `ROWS`; with 1 there is no axis.
    """
    net, dataset, optimizer, trainer = task[:4]
    update = _update(task, shards)

    def init(key):
        key_params, key_run = jax.random.split(key)
        params = net.init(key_params, dataset.input_size)
        return TrainState(
            step=jnp.zeros((), jnp.int32),
            params=params,
            opt_state=optimizer.rule.init(params),
            carry=net.initial(params, (trainer.batch_size,)),
            key=key_run,
        )

    def run(state, arrays, items, n, step):
        steps = step + jnp.arange(trainer.report_every)
        which = None if dataset.buckets is None else dataset.buckets.which(steps, trainer.batch_size)

        def body(i, loop_state):
            state, reports = loop_state
            rows = jax.tree.map(lambda a: a[i], items)
            if which is None:
                state, report = update(state, dataset.batch(arrays, rows), steps[i])
            else:
                ways = [partial(_on_batch, update, batch) for batch in dataset.buckets.batches]
                state, report = lax.switch(which[i], ways, state, arrays, rows, steps[i])
            return state, reports.at[i].set(jnp.stack([jnp.asarray(a, reports.dtype) for a in report]))

        reports = jnp.zeros((trainer.report_every, len(Report._fields)))
        state, reports = lax.fori_loop(0, n, body, (state, reports))
        report = Report(*reports.T)
        return state, report._replace(
            param_norm=jnp.where(jnp.arange(len(reports)) == n - 1, global_norm(state.params), 0.0)
        )

    def plan(state):
        steps = state.step + jnp.arange(trainer.report_every)
        return dataset.plan(jax.random.fold_in(state.key, 0), steps, trainer.batch_size)

    return Updates(init, plan, run)


def _on_batch(update, batch, state, arrays, rows, step):
    return update(state, batch(arrays, rows), step)


def _update(task, shards):
    """(TrainState, Batch, step) -> (TrainState, `Report` of one update), on each device that shares out the rows.

    The step is the state's, and the same for all runs of a group: what it decides is decided once, not for each run.
    """
    net, dataset, optimizer, trainer = task[:4]
    local_rows = trainer.batch_size // shards

    def total(values):
        return lax.psum(values, ROWS) if shards > 1 else values

    def objective(params, loss, batch, step):
        if task.regularizer is None:
            return loss
        return task.regularizer(net, params, loss, batch, step, 1 / shards)

    def update(state, batch, step):
        row = (lax.axis_index(ROWS) * local_rows if shards > 1 else 0) + jnp.arange(local_rows)
        step_key = jax.random.fold_in(jax.random.fold_in(state.key, 1), state.step)
        keys = jax.vmap(jax.random.fold_in, (None, 0))(step_key, row)
        total_weight, asked = total(jnp.sum(batch.weights)), (batch.weights > 0).any(axis=0)

        def batch_loss(params):
            low = cast(params, trainer.precision)
            carry = start(net, low, batch.fresh, state.carry)
            carry, ys = net.apply(low, carry, batch.xs, mask=batch.mask, reset=batch.reset, key=keys)
            loss = mean_of(weighted_sum(dataset.loss, ys, batch.targets, batch.weights)[0], total_weight)
            right = 0.0 if dataset.correct is None else jnp.sum(dataset.correct(ys, batch) & asked) / total(asked.sum())
            return objective(params, loss, batch, step), (loss, carry, right)

        (_, (loss, carry, right)), grads = jax.value_and_grad(batch_loss, has_aux=True)(state.params)
        loss, right, grads = total((loss, right, grads))
        clipped, _ = optimizer.clip.update(grads, optimizer.clip.init(grads))
        changes, opt_state = optimizer.rule.update(clipped, state.opt_state, state.params)
        params = optax.apply_updates(state.params, changes)
        grad_norm, clipped_norm, update_norm = global_norms(grads, clipped, changes)
        was_clipped = clipped_norm < (1 - ROUNDING) * grad_norm
        report = Report(loss, grad_norm, clipped_norm, was_clipped, update_norm, 0.0, right, total_weight > 0)
        return TrainState(state.step + 1, params, opt_state, carry, state.key), report

    return update


def cast(params, precision):
    """The params in the precision of the products, which only matrices enter; vectors stay as they are."""
    if precision != "bf16":
        return params

    def in_products(a):
        return a.ndim > 1 and jnp.issubdtype(a.dtype, jnp.floating)

    return jax.tree.map(lambda a: a.astype(jnp.bfloat16) if in_products(a) else a, params)


def start(net, params, fresh, carry):
    """The carry of a batch: initial for the rows that begin, handed on for the rows that go on."""
    initial = net.initial(params, fresh.shape)

    def choose(first, handed_on):
        return jnp.where(fresh.reshape(*fresh.shape, *[1] * (first.ndim - 1)), first, handed_on)

    return jax.tree.map(choose, initial, carry)
