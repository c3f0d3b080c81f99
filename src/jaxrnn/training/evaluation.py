"""Predictions of a whole batch, their scores, and the continuation of a series: traceable and compiled functions."""

import dataclasses
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.sharding import NamedSharding
from jax.sharding import PartitionSpec as P
from jaxtyping import Array, Float

from jaxrnn.jax_internals import compiler_options
from jaxrnn.losses import weighted_sum
from jaxrnn.metrics import share_right
from jaxrnn.nets import decode
from jaxrnn.precision import within
from jaxrnn.runtime import ROWS, mesh
from jaxrnn.training.priming import GenerationInputs
from jaxrnn.training.update import cast
from jaxrnn.types import Batch, Params
from jaxrnn.windows import Windows


class Evaluator(NamedTuple):
    """Functions of a task that evaluate params, compiled once for all callers.

    Fields:
      predict: (params, Batch) -> ys [T, B, K], with the rows of the batch sharded over the devices.
      scores: (ys, Batch) -> {metric: float}, as `scores`.
      baseline: Batch -> mean loss of the trivial predictor.
      baselines: Batch -> {name: {metric: float}} of all baselines of the data set.
      generate: (params, `GenerationInputs`) -> medians [length, V], as `continued`.
      paths: (params, `GenerationInputs`, count, seed) -> drawn values [length, count, V], as `drawn_paths`.
    """

    predict: Callable[[Params, Batch], Float[Array, "T B K"]]
    scores: Callable[[Float[Array, "T B K"], Batch], dict[str, float]]
    baseline: Callable[[Batch], float]
    baselines: Callable[[Batch], dict[str, dict[str, float]]]
    generate: Callable[[Params, GenerationInputs], Float[Array, "length V"]]
    paths: Callable[[Params, GenerationInputs, int, int], Float[Array, "length count V"]]

    def measure(self, params: Params, batch: Batch) -> dict[str, float]:
        """Returns {metric: float} of params on a batch, from one forward pass."""
        return self.scores(self.predict(params, batch), batch)


def evaluator(task):
    """Builds the `Evaluator` of a `Task`."""
    dataset = task.dataset
    score = jax.jit(lambda ys, batch: scores(task, ys, batch))
    continue_series = jax.jit(partial(continued, task), static_argnums=3)
    draw_paths = jax.jit(partial(drawn_paths, task), static_argnums=(3, 4))
    trivial_loss = jax.jit(lambda batch: mean_loss(dataset.loss, dataset.trivial(batch), batch))
    trivial_losses = {}  # {id of a batch: (the batch, its loss)}: the runs of a group ask for the same ones

    def baseline(batch):
        if id(batch) not in trivial_losses:
            trivial_losses[id(batch)] = (batch, float(trivial_loss(batch)))
        return trivial_losses[id(batch)][1]

    functions = Evaluator(
        predict=_shard_rows(lambda params, batch: outputs(task, params, batch)),
        scores=lambda ys, batch: {name: float(value) for name, value in score(ys, batch).items()},
        baseline=baseline,
        baselines=lambda batch: {
            name: {metric: float(value) for metric, value in score(jnp.asarray(predict(batch)), batch).items()}
            for name, predict in dataset.baselines.items()
        },
        generate=lambda params, inputs: continue_series(params, inputs.xs, inputs.ahead, inputs.length),
        paths=lambda params, inputs, count, seed: draw_paths(
            params, inputs.xs, inputs.ahead, inputs.length, count, jax.random.key(seed)
        ),
    )
    precision = task.trainer.precision
    return functions._replace(**{name: within(precision, call) for name, call in functions._asdict().items()})


def outputs(task, params, batch):
    """Returns the predictions ys [T, B, K] of the task's net, each sequence from an initial carry.

    For `Windows` it returns [1, B, K], the predictions after the last step of each window.
    """
    params = cast(params, task.trainer.precision)
    if isinstance(batch.xs, Windows):
        return batch.xs.last_outputs(lambda xs: task.net.apply(params, task.net.initial(params, xs.shape[1:-1]), xs)[1])
    carry = task.net.initial(params, batch.fresh.shape)
    return task.net.apply(params, carry, batch.xs, mask=batch.mask, reset=batch.reset)[1]


def scores(task, ys, batch):
    """Scores outputs ys [T, B, K]: {"loss", "solved" if the data set defines it, and all metrics}."""
    dataset = task.dataset
    values = {"loss": mean_loss(dataset.loss, ys, batch)}
    if dataset.memory.solved is not None:
        values["solved"] = share_right(dataset.memory.solved(ys, batch), batch.weights)
    return values | {name: metric(ys, batch) for name, metric in task.measured.items()}


def continued(task, params, xs, ahead, length):
    """Continues a series after the inputs xs: values [length, ..., V] in the network's units.

    A network with horizon 1 runs freely: step by step, it reads its own medians as inputs. A network with a longer
    horizon predicts all values at once.

    Args:
      task: a `Task` whose data set is a time series.
      params: params of its net.
      xs: [T, ..., D].
      ahead: [length, h Q], the covariates known in advance at the steps after xs, or None.
      length: number of values.
    """
    distribution = task.dataset.series.distribution
    return _continue(task, params, xs, ahead, length, lambda key, ys: distribution.median(ys), None, None)


def drawn_paths(task, params, xs, ahead, length, count, key):
    """Draws continuations of a series after the inputs xs [T, D]: values [length, count, V], one column per path.

    Args:
      task, params, xs, ahead, length: as in `continued`.
      count: number of paths.
      key: PRNG key of the draws.
    """
    return _continue(task, params, xs, ahead, length, task.dataset.series.distribution.draw, count, key)


def _continue(task, params, xs, ahead, length, draw, count, key):
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
    """Returns the weighted mean loss of outputs ys [T, B, K] over a batch."""
    total, weight = weighted_sum(loss, ys, batch.targets, batch.weights)
    return total / weight


def _shard_rows(predict):
    """Compiles (params, Batch) -> [T, B, K] with the rows sharded over as many devices as divide their number."""

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

    # The params may still be placed for the devices of another batch.
    return lambda params, batch: shared(jax.device_put(params, NamedSharding(devices(params, batch), P())), batch)
