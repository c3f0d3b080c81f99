"""One training update, and many in a loop: pure functions that can be compiled, sharded and vmapped."""

from collections.abc import Callable
from functools import partial
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import lax
from jaxtyping import Array, Float, Int, PRNGKeyArray

from jaxrnn.arrays import AnyArray
from jaxrnn.losses import mean_of, weighted_sum
from jaxrnn.optimizers import Optimizer, global_norm, global_norms
from jaxrnn.runtime import ROWS
from jaxrnn.training.frozen import zero_frozen
from jaxrnn.types import Carry, Dataset, Net, Params, Size

Precision = Literal["f32", "bf16", "f64"]
ROUNDING = 1e-6  # relative difference of two norms of one gradient: XLA may sum them in different orders


class Trainer(NamedTuple):
    """Length of a training run, batch size, report interval and precision.

    Fields:
      steps: number of updates.
      batch_size: B, sequences per update.
      report_every: updates between two reports; one compiled call makes all of them.
      precision: of matrix products; carries and sums are at least float32.
    """

    steps: Size
    batch_size: Size
    report_every: Size = 100
    precision: Precision = "f32"


class Task(NamedTuple):
    """A network, the data that it learns, and how it is trained.

    Fields:
      net: a `Net` that already has the unroll to train with.
      dataset, optimizer, trainer: a `Dataset`, an `Optimizer`, a `Trainer`.
      regularizer: (net, params, loss, batch, step, share) -> the objective to minimise. The loss is the loss of this
        device's rows, and share is 1 / number of devices. None to minimise the loss.
      metrics: {name: (ys, Batch) -> number}, reported with the loss and the data set's own metrics.
      frozen: a pytree of bools with the structure of the params, or a prefix of it: true for parts that are not
        trained; None to train all.
    """

    net: Net
    dataset: Dataset
    optimizer: Optimizer
    trainer: Trainer
    regularizer: Callable[..., Any] | None = None
    metrics: dict[str, Callable[..., Any]] = {}  # noqa: RUF012
    frozen: Any = None

    @property
    def measured(self) -> dict[str, Any]:
        """{name: metric} of all metrics except the loss: the data set's own and the further `metrics`."""
        return {**self.dataset.metrics, **self.metrics}


class TrainState(NamedTuple):
    """Everything that the next update depends on. Its arrays have a leading axis N for N runs.

    Fields:
      step: number of updates made, int32.
      params, opt_state: weights, and the state of the optimizer's rule.
      carry: state of the network after the last batch, leaves [B, ...].
      key: PRNG key of the run; every draw is a function of this key and the step.
    """

    step: Int[Array, ""]
    params: Params
    opt_state: optax.OptState
    carry: Carry
    key: PRNGKeyArray


class Report(NamedTuple):
    """Measurements of n updates.

    Fields, each [n]:
      loss: weighted mean loss of the batch before the update. If no step counts, the loss and its gradient are zero.
      grad_norm: global L2 norm of the gradient before clipping.
      clipped_norm: the same norm after clipping.
      clipped: 1 if clipping made the gradient shorter, else 0.
      update_norm: global L2 norm of the change that the update made to the params.
      param_norm: global L2 norm of the params after the last update, in the last entry; the others are zero.
      solved: fraction of the batch's sequences that were solved before the update; zero if the data set does not
        define it.
      counted: 1 if at least one step of the batch counts in the loss, else 0.
    """

    loss: Float[AnyArray, " n"]
    grad_norm: Float[AnyArray, " n"]
    clipped_norm: Float[AnyArray, " n"]
    clipped: Float[AnyArray, " n"]
    update_norm: Float[AnyArray, " n"]
    param_norm: Float[AnyArray, " n"]
    solved: Float[AnyArray, " n"]
    counted: Float[AnyArray, " n"]


class Updates(NamedTuple):
    """Pure functions of one training run, to be compiled, sharded and vmapped.

    Fields:
      init: key -> TrainState before the first update.
      plan: TrainState -> items: which sequence each row of the next `report_every` batches reads.
      run: (TrainState, arrays, items, n, step) -> (TrainState, Report [report_every]). Makes n updates; step is the
        state's step and the same for all runs of a group.
    """

    init: Callable[[PRNGKeyArray], TrainState]
    plan: Callable[[TrainState], Any]
    run: Callable[[TrainState, Any, Any, int, int | Int[Array, ""]], tuple[TrainState, Report]]


def updates(task, shards=1):
    """Builds the pure functions of a training run.

    Args:
      task: a `Task`.
      shards: number of devices that share the rows of a batch. If it is above 1, they form the mesh axis `ROWS`.
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
        buckets = dataset.train.buckets
        bucket_numbers = [] if buckets is None else buckets.which(steps, trainer.batch_size)

        def body(i, loop_state):
            state, reports = loop_state
            rows = jax.tree.map(lambda a: a[i], items)
            if buckets is None:
                state, report = update(state, dataset.train.batch(arrays, rows), steps[i])
            else:
                branches = [partial(_update_on, batch, update) for batch in buckets.batches]
                state, report = lax.switch(bucket_numbers[i], branches, state, arrays, rows, steps[i])
            return state, reports.at[i].set(jnp.stack([jnp.asarray(a, reports.dtype) for a in report]))

        reports = jnp.zeros((trainer.report_every, len(Report._fields)))
        state, reports = lax.fori_loop(0, n, body, (state, reports))
        report = Report(*reports.T)
        return state, report._replace(
            param_norm=jnp.where(jnp.arange(len(reports)) == n - 1, global_norm(state.params), 0.0)
        )

    def plan(state):
        steps = state.step + jnp.arange(trainer.report_every)
        return dataset.train.plan(jax.random.fold_in(state.key, 0), steps, trainer.batch_size)

    return Updates(init, plan, run)


def _update_on(build_batch, update, state, arrays, rows, step):
    return update(state, build_batch(arrays, rows), step)


def _update(task, shards):
    """Builds (TrainState, Batch, step) -> (TrainState, `Report` of one update), for the rows of one device.

    The step is the state's step and the same for all runs of a group. It is not vmapped, so a branch that depends on
    it is taken once for the group, not computed for every run.
    """
    net, dataset, optimizer, trainer = task[:4]
    local_rows = trainer.batch_size // shards

    def sum_over_devices(values):
        return lax.psum(values, ROWS) if shards > 1 else values

    def objective(params, loss, batch, step):
        if task.regularizer is None:
            return loss
        return task.regularizer(net, params, loss, batch, step, 1 / shards)

    def update(state, batch, step):
        row = (lax.axis_index(ROWS) * local_rows if shards > 1 else 0) + jnp.arange(local_rows)
        step_key = jax.random.fold_in(jax.random.fold_in(state.key, 1), state.step)
        keys = jax.vmap(jax.random.fold_in, (None, 0))(step_key, row)
        total_weight, is_scored = sum_over_devices(jnp.sum(batch.weights)), (batch.weights > 0).any(axis=0)

        def batch_loss(params):
            cast_params = cast(params, trainer.precision)
            carry = start(net, cast_params, batch.fresh, state.carry)
            carry, ys = net.apply(cast_params, carry, batch.xs, mask=batch.mask, reset=batch.reset, key=keys)
            loss = mean_of(weighted_sum(dataset.loss, ys, batch.targets, batch.weights)[0], total_weight)
            solved = 0.0
            if dataset.memory.solved is not None:
                solved = jnp.sum(dataset.memory.solved(ys, batch) & is_scored) / sum_over_devices(is_scored.sum())
            return objective(params, loss, batch, step), (loss, carry, solved)

        (_, (loss, carry, solved)), grads = jax.value_and_grad(batch_loss, has_aux=True)(state.params)
        loss, solved, grads = sum_over_devices((loss, solved, grads))
        grads = zero_frozen(task.frozen, grads)
        clipped, _ = optimizer.clip.update(grads, optimizer.clip.init(grads))
        changes, opt_state = optimizer.rule.update(clipped, state.opt_state, state.params)
        changes = zero_frozen(task.frozen, changes)  # weight decay would change frozen parts too
        params = optax.apply_updates(state.params, changes)
        grad_norm, clipped_norm, update_norm = global_norms(grads, clipped, changes)
        was_clipped = clipped_norm < (1 - ROUNDING) * grad_norm
        later: Any = 0.0  # `run` computes the norm of the params
        report = Report(loss, grad_norm, clipped_norm, was_clipped, update_norm, later, solved, total_weight > 0)
        return TrainState(state.step + 1, params, opt_state, carry, state.key), report

    return update


def cast(params, precision):
    """Returns the params with matrices in the precision of the products; vectors keep their type."""
    if precision != "bf16":
        return params

    def in_products(a):
        return a.ndim > 1 and jnp.issubdtype(a.dtype, jnp.floating)

    return jax.tree.map(lambda a: a.astype(jnp.bfloat16) if in_products(a) else a, params)


def start(net, params, fresh, carry):
    """Returns the carry of a batch: initial for rows that start a sequence, which `fresh` [B] marks, else `carry`."""
    initial = net.initial(params, fresh.shape)

    def choose(first, last):
        return jnp.where(fresh.reshape(*fresh.shape, *[1] * (first.ndim - 1)), first, last)

    return jax.tree.map(choose, initial, carry)
