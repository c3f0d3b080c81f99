"""An experiment: what a configuration describes, built and checked before anything compiles."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from omegaconf import DictConfig

from jaxrnn import config, prediction
from jaxrnn.config import Refusal
from jaxrnn.optimizers import Optimizer
from jaxrnn.training import Trainer
from jaxrnn.types import Dataset, Net, Seed


class Compiled(NamedTuple):
    """The functions of an experiment, here so that each is compiled once for all who call it.

    Fields:
      predict: (params, Batch) -> ys [T, B, K].
      measure: (params, Batch) -> the mean loss.
      score: (params, Batch) -> the share of sequences that are right, or None where the data do not say.
      trivial: Batch -> the trivial predictor's mean loss.
      go_on: (params, xs [T, K], length) -> ys [length, K], generated after the true values xs.
    """

    predict: Any
    measure: Any
    score: Any
    trivial: Any
    go_on: Any


class Parts(NamedTuple):
    """What the nodes of a configuration describe.

    Fields:
      trainer, dataset, optimizer: the objects of the nodes trainer, data and optimizer.
      make_net: unroll -> the net of the node model, unrolled so.
    """

    trainer: Trainer
    dataset: Dataset
    optimizer: Optimizer
    make_net: Callable[..., Net]

    def arguments(self):
        """What `jaxrnn.training.program` and `updates` take."""
        return self.make_net(self.trainer.unrolled()), self.dataset, self.optimizer, self.trainer


class Experiment(NamedTuple):
    """What a configuration describes.

    Fields:
      cfg, dataset, net, optimizer, trainer: the configuration and what its nodes describe.
      make_net: unroll -> the same net unrolled so.
      compiled: its functions.
    """

    cfg: DictConfig
    dataset: Dataset
    make_net: Callable[..., Net]
    net: Net
    optimizer: Optimizer
    trainer: Trainer
    compiled: Compiled


def build(cfg):
    """The experiment of a configuration, checked, before anything compiles.

    Raises:
      Refusal: if the configuration cannot be used.
    """
    cfg.seed = config.validated(cfg.seed, Seed, "seed")
    config.check(cfg)
    jax.config.update("jax_enable_x64", cfg.trainer.get("precision") == "f64")
    parts = assemble(cfg)
    trainer, dataset = parts.trainer, parts.dataset
    try:
        unroll = trainer.unrolled()
    except ValueError as error:
        raise Refusal(str(error)) from error
    if trainer.keep_every is not None and trainer.keep_every % trainer.report_every:
        raise Refusal(
            f"trainer.keep_every={trainer.keep_every} is no multiple of trainer.report_every={trainer.report_every}: "
            "checkpoints are taken at reports"
        )
    if dataset.rows is not None and trainer.batch_size > dataset.rows:
        raise Refusal(
            f"trainer.batch_size={trainer.batch_size} is larger than the data: it holds {dataset.rows} sequences"
        )
    net = parts.make_net(unroll)
    if dataset.continues and not net.causal:
        raise Refusal(
            "model.bidirectional reads the future, which a carry cannot hand on from batch to batch; "
            "set data.stateful=false with a data.window of more than one step"
        )
    _check_outputs(net, dataset)
    _check_flossing(net, dataset, trainer)
    _check_cudnn(dataset, trainer)
    return Experiment(cfg, dataset, parts.make_net, net, parts.optimizer, trainer, _compiled(dataset, net, trainer))


def assemble(cfg, dataset=None):
    """The parts of a checked configuration, whose float values may be traced.

    Args:
      cfg: the configuration.
      dataset: what stands for the node data, where that is built already.

    Raises:
      Refusal: where a factory refuses its arguments.
    """
    dataset = config.build(cfg.data) if dataset is None else dataset

    def make_net(unroll):
        return config.build(cfg.model, output_size=dataset.output_size, unroll=unroll)

    return Parts(config.build(cfg.trainer), dataset, config.build(cfg.optimizer), make_net)


def _check_outputs(net, dataset):
    """Traces the shapes of two steps, so that a net that cannot be, or does not fit the data, is refused."""

    def two_steps(key):
        params = net.init(key, dataset.input_size)
        xs = jnp.zeros((2, 1, dataset.input_size))
        return net.apply(params, net.initial(params, (1,)), xs, key=key[None])[1]

    try:
        outputs = jax.eval_shape(two_steps, jax.random.key(0))
    except (ValueError, TypeError) as error:
        raise Refusal(f"model: {str(error).splitlines()[0]}") from error
    if outputs.shape[-1] != dataset.output_size:
        raise Refusal(
            f"model: its outputs are {outputs.shape[-1]} wide, the targets of the data {dataset.output_size}; "
            "model.readout=true adds a readout of the right width"
        )


def _check_flossing(net, dataset, trainer):
    if trainer.flossing is None:
        return
    if not net.causal:
        raise Refusal("trainer.flossing needs a network that does not read the future; this one is bidirectional")
    params = jax.eval_shape(lambda: net.init(jax.random.key(0), dataset.input_size))
    exponents = sum(leaf.size for leaf in jax.tree.leaves(jax.eval_shape(lambda p: net.initial(p, ()), params)))
    if trainer.flossing > exponents:
        raise Refusal(f"trainer.flossing={trainer.flossing}: this network has {exponents} Lyapunov exponents")


def _check_cudnn(dataset, trainer):
    if trainer.unroll != "cudnn":
        return
    if trainer.precision != "f32":
        raise Refusal(f"trainer.unroll=cudnn computes in float32; trainer.precision={trainer.precision} needs another")
    if any(batch.mask is not None or batch.reset is not None for batch in dataset.splits.values()):
        raise Refusal("trainer.unroll=cudnn knows no masks and no resets, which these data have; use deferred")


def _compiled(dataset, net, trainer):
    predict = prediction.predictor(net, trainer.precision)
    return Compiled(
        predict=predict,
        measure=prediction.evaluator(predict, dataset.loss),
        score=prediction.scorer(predict, dataset.correct),
        trivial=jax.jit(lambda batch: prediction.mean_loss(dataset.loss, dataset.trivial(batch), batch)),
        go_on=jax.jit(prediction.generator(net, trainer.precision), static_argnums=2),
    )
