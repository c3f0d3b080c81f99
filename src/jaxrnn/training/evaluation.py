"""What a network predicts of a whole batch, what that is worth, what it goes on with: traceable, and compiled."""

import dataclasses
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.sharding import NamedSharding
from jax.sharding import PartitionSpec as P

from jaxrnn.jax_internals import compiler_options
from jaxrnn.losses import weighted_sum
from jaxrnn.metrics import share_right
from jaxrnn.nets import decode
from jaxrnn.precision import within
from jaxrnn.runtime import ROWS, mesh
from jaxrnn.training.update import cast
from jaxrnn.types import Batch, Params
from jaxrnn.windows import Windows


class Evaluator(NamedTuple):
    """The functions of a task that evaluate params, compiled once for all who call them.

    Fields:
      predict: (params, Batch) -> ys [T, B, K], the rows of the batch shared out over the devices.
      scores: (ys, Batch) -> {metric: float}, as `scores`.
      baseline: Batch -> the trivial predictor's mean loss.
      baselines: Batch -> {name: {metric: float}} of all the predictors that the data set names.
      generate: (params, `Primed`) -> values [length, V], the medians, as `continued`.
      paths: (params, `Primed`, count, seed) -> values [length, count, V], drawn, as `drawn_paths`.
    """

    predict: Any
    scores: Any
    baseline: Any
    baselines: Any
    generate: Any
    paths: Any

    def measure(self, params: Params, batch: Batch) -> dict[str, float]:
        """The metrics of params on a batch, by one forward pass: {metric: float}."""
        return self.scores(self.predict(params, batch), batch)


def evaluator(task):
    """The `Evaluator` of a `Task`."""
    dataset = task.dataset
    score = jax.jit(lambda ys, batch: scores(task, ys, batch))
    goes_on = jax.jit(partial(continued, task), static_argnums=3)
    draws = jax.jit(partial(drawn_paths, task), static_argnums=(3, 4))
    baseline = jax.jit(lambda batch: mean_loss(dataset.loss, dataset.trivial(batch), batch))
    functions = Evaluator(
        predict=_shared_out(lambda params, batch: outputs(task, params, batch)),
        scores=lambda ys, batch: {name: float(value) for name, value in score(ys, batch).items()},
        baseline=lambda batch: float(baseline(batch)),
        baselines=lambda batch: {
            name: {metric: float(value) for metric, value in score(jnp.asarray(predict(batch)), batch).items()}
            for name, predict in dataset.baselines.items()
        },
        generate=lambda params, primed: goes_on(params, primed.xs, primed.ahead, primed.length),
        paths=lambda params, primed, count, seed: draws(
            params, primed.xs, primed.ahead, primed.length, count, jax.random.key(seed)
        ),
    )
    return Evaluator(*(within(task.trainer.precision, function) for function in functions))


def outputs(task, params, batch):
    """What the task's net predicts of a batch, each sequence from a fresh carry: ys [T, B, K]; of `Windows` after their
    last steps, [1, B, K]."""
    params = cast(params, task.trainer.precision)
    if isinstance(batch.xs, Windows):
        return batch.xs.last_outputs(lambda xs: task.net.apply(params, task.net.initial(params, xs.shape[1:-1]), xs)[1])
    carry = task.net.initial(params, batch.fresh.shape)
    return task.net.apply(params, carry, batch.xs, mask=batch.mask, reset=batch.reset)[1]


def scores(task, ys, batch):
    """What outputs ys [T, B, K] are worth: {"loss", "correct" where the data say it, and all metrics}."""
    dataset = task.dataset
    found = {"loss": mean_loss(dataset.loss, ys, batch)}
    if dataset.correct is not None:
        found["correct"] = share_right(dataset.correct(ys, batch), batch.weights)
    return found | {name: metric(ys, batch) for name, metric in task.measured.items()}


def continued(task, params, xs, ahead, length):
    """What the task's net goes on with after the inputs xs: values [length, ..., V] in the network's units.

    One step after the other, its medians being read as if they were true; or at once where its outputs reach more steps
    ahead than one.

    Args:
      task: a `Task` whose data are a series.
      params: of its net.
      xs: [T, ..., D].
      ahead: [length, h Q], what is known in advance afterwards, or None.
      length: of what is said.
    """
    return _said(task, params, xs, ahead, length, lambda key, ys: task.dataset.distribution.median(ys), None, None)


def drawn_paths(task, params, xs, ahead, length, count, key):
    """Values [length, count, V] that the task's net draws after the inputs xs [T, D], one path beside the other.

    Args:
      task, params, xs, ahead, length: as in `continued`.
      count: paths.
      key: PRNG key of the draws.
    """
    return _said(task, params, xs, ahead, length, task.dataset.distribution.draw, count, key)


def _said(task, params, xs, ahead, length, draw, count, key):
    net, series, params = task.net, task.dataset.series, cast(params, task.trainer.precision)
    carry, last = net.initial(params, xs.shape[1:-1]), xs[-1]
    carry = decode.warm_up(net, params, carry, xs[:-1])
    if count is not None:
        carry, last = jax.tree.map(lambda a: jnp.broadcast_to(a, (count, *a.shape)), (carry, last))
    if series.horizon > 1:
        values = draw(key, decode.step(net, params, carry, last)[1])
        return jnp.moveaxis(values.reshape(*values.shape[:-1], series.horizon, -1), -2, 0)[:length]
    return decode.sample(net, params, carry, last, length, draw, key, ahead, series.following)[1]


def mean_loss(loss, ys, batch):
    """The weighted mean loss of outputs ys [T, B, K] over a batch."""
    total, weight = weighted_sum(loss, ys, batch.targets, batch.weights)
    return total / weight


def _shared_out(predict):
    """(params, Batch) -> [T, B, K] compiled, the rows of the batch shared out over as many devices as divide them."""

    def devices(params, batch):
        return mesh(len(batch.fresh), params=params)

    @partial(jax.jit, compiler_options=compiler_options())
    def shared(params, batch):
        rows = batch._replace(**{name: P(None, ROWS) for name in batch._fields})._replace(fresh=P(ROWS))
        if isinstance(batch.xs, Windows):
            rows = rows._replace(xs=dataclasses.replace(batch.xs, inputs=P(), targets=P(), starts=P(ROWS)))
        on = devices(params, batch)
        return jax.shard_map(predict, mesh=on, in_specs=(P(), rows), out_specs=P(None, ROWS), check_vma=False)(
            params, batch
        )

    # The params may lie on the devices of a batch that was shared out otherwise.
    return lambda params, batch: shared(jax.device_put(params, NamedSharding(devices(params, batch), P())), batch)
