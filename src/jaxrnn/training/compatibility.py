"""Whether net, data set and settings fit each other: found out by tracing, before anything compiles."""

import inspect
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from jaxrnn.arguments import described, dotted, hints, refuse_factory, validated
from jaxrnn.errors import ConfigError
from jaxrnn.training import evaluation
from jaxrnn.training.checkpoints import Checkpointing
from jaxrnn.training.probes import Probe
from jaxrnn.training.update import Trainer, cast
from jaxrnn.types import Pair
from jaxrnn.windows import Windows


def check(task, checkpointing=Checkpointing(), callbacks=(), probes=None, configured=False):
    """Refuses what cannot be trained together.

    Args:
      task: a `Task`.
      checkpointing: a `Checkpointing`.
      callbacks, probes: as of `jaxrnn.training.fit`.
      configured: whether the user gave the keys of a configuration, trainer.batch_size, or arguments, batch_size.

    Raises:
      ConfigError: at the first thing that does not fit.
    """

    def key(name):
        return name if configured else name.rpartition(".")[2]

    _check_settings(task, checkpointing, key)
    _check_functions(task, callbacks, probes)
    _check_symbols(task)
    _check_outputs(task, configured)
    _check_further(task)


def _check_settings(task, checkpointing, key):
    trainer, dataset = task.trainer, task.dataset
    for name, value in trainer._asdict().items():
        validated(value, hints(Trainer)[name], key(f"trainer.{name}"))
    if checkpointing.keep_every is not None and checkpointing.keep_every % trainer.report_every:
        raise ConfigError(
            f"{key('checkpoints.keep_every')}={checkpointing.keep_every} is no multiple of "
            f"{key('trainer.report_every')}={trainer.report_every}: checkpoints are taken at reports"
        )
    if dataset.rows is not None and trainer.batch_size > dataset.rows:
        raise ConfigError(
            f"{key('trainer.batch_size')}={trainer.batch_size} is larger than the data: it holds {dataset.rows} "
            "sequences"
        )
    if dataset.continues and not task.net.causal:
        raise ConfigError(
            f"{key('model.bidirectional')} reads the future, which a carry cannot hand on from batch to batch; "
            f"set {key('data.stateful')}=false with a {key('data.window')} of more than one step"
        )
    if dataset.targets == "next_step" and not task.net.causal:
        raise ConfigError(
            f"{key('model.bidirectional')} reads the future, and so the very values that it is to predict at every "
            f"step; leave it out, or set {key('data.target')}=last where the data have that key"
        )
    for name, batch in dataset.splits.items():
        known = not isinstance(batch.weights, jax.core.Tracer)
        if known and not (np.asarray(batch.weights) > 0).any():
            raise ConfigError(
                f"the {name} split has nothing to evaluate: all its weights are zero; give it steps that count, or "
                "leave it out"
            )


def _check_functions(task, callbacks, probes):
    """Refuses factories in the place of what they return, and callbacks that do not take one argument."""
    for callback in callbacks:
        refuse_factory(callback, "callbacks")
        if not callable(callback):
            raise ConfigError(f"callbacks: expected functions of a Progress, got {described(callback)}")
        if not _takes_one(callback):
            parameters = inspect.signature(callback)
            raise ConfigError(f"callbacks: {dotted(callback)}{parameters} must take one argument, a Progress")
    for name, probe in (probes or {}).items():
        validated(probe, Probe, f"probes.{name}")
    for name, metric in task.metrics.items():
        refuse_factory(metric, f"metrics.{name}")
    refuse_factory(task.regularizer, "regularizer")


def _takes_one(callback):
    try:
        inspect.signature(callback).bind(None)
    except TypeError:
        return False
    except ValueError:  # a function in C without a signature
        return True
    return True


def _check_symbols(task):
    """Refuses a net that reads numbers of symbols as values, values as symbols, or fewer symbols than there are."""
    net, dataset = task.net, task.dataset
    if dataset.inputs is None:
        if net.vocabulary is not None and _reads_values(dataset):
            raise ConfigError(
                f"the net reads symbols, {net.vocabulary} of them, and the data set gives values: leave out "
                "symbols=..., nets.one_hot and nets.embed"
            )
        return
    count = dataset.inputs.size
    if net.vocabulary is None:
        raise ConfigError(
            f"the data set gives symbols, {count} of them, and the net would read their numbers as values: give rnn "
            f"symbols={count}, or begin with nets.one_hot({count}); a net of your own that reads symbols says so by "
            f"net._replace(vocabulary={count})"
        )
    if net.vocabulary < count:
        raise ConfigError(
            f"the net reads {net.vocabulary} symbols and the data set has {count}: make it with symbols={count}"
        )
    decoder = None if net.decoding is None or dataset.outputs is None else net.decoding.decoder
    if decoder is not None and decoder.vocabulary is not None and decoder.vocabulary <= dataset.output_size:
        raise ConfigError(
            f"the decoder reads {decoder.vocabulary} symbols and needs {dataset.output_size + 1}, those of the answers "
            "and one that starts an answer"
        )


def _reads_values(dataset):
    xs = two_step_batch(dataset).xs
    return jnp.issubdtype((xs.source if isinstance(xs, Pair) else xs).dtype, jnp.floating)


def two_step_batch(dataset):
    """The shapes of a batch of one sequence of two steps."""

    def a_batch():
        items = dataset.plan(jax.random.key(0), jnp.arange(1), 1)
        return dataset.batch(dataset.arrays, jax.tree.map(lambda a: a[0], items))

    return jax.tree.map(
        lambda a: jax.ShapeDtypeStruct((*a.shape[:-1], 1) if a.ndim == 1 else (2, 1, *a.shape[2:]), a.dtype),
        jax.eval_shape(a_batch),
    )


def two_steps(task, key, batch):
    """What a task's net says to one sequence of two steps, ys [2, 1, K], in training."""
    params = cast(task.net.init(key, task.dataset.input_size), task.trainer.precision)
    return task.net.apply(params, task.net.initial(params, (1,)), batch.xs, mask=batch.mask, key=key[None])[1]


def _check_outputs(task, configured):
    """Traces the shapes of two steps, so that a net that cannot be, or does not fit the data, is refused."""
    dataset, where = task.dataset, "model" if configured else "net"
    try:
        outputs = jax.eval_shape(partial(two_steps, task), jax.random.key(0), two_step_batch(dataset))
    except (ValueError, TypeError) as error:
        raise ConfigError(f"{where}: {str(error).splitlines()[0]}") from error
    if outputs.shape[-1] != dataset.output_size:
        fix = (
            "model.readout=true adds a readout of the right width"
            if configured
            else f"make the net with output_size={dataset.output_size}, and with a readout"
        )
        raise ConfigError(
            f"{where}: its outputs are {outputs.shape[-1]} wide, the targets of the data {dataset.output_size}; {fix}"
        )


def _check_further(task):
    """Traces a regularizer and further metrics on one sequence."""
    params = jax.eval_shape(lambda: task.net.init(jax.random.key(0), task.dataset.input_size))
    for batch in task.dataset.splits.values():
        if task.regularizer is not None:
            objective = lambda p, b: task.regularizer(task.net, p, jnp.zeros(()), b, 0, 1.0)  # noqa: E731
            sequences = batch.xs.cut(jnp.arange(1)) if isinstance(batch.xs, Windows) else batch
            _trace("regularizer", objective, params, sequences)
        for name, metric in task.metrics.items():
            score = lambda p, b, m=metric: m(evaluation.outputs(task, p, b), b)  # noqa: E731
            _trace(f"metrics.{name}", score, params, batch)


def _trace(where, function, params, batch):
    """Refuses a function that cannot be traced, or gives more than one number."""
    try:
        result = jax.eval_shape(function, params, batch)
    except (ValueError, TypeError) as error:
        raise ConfigError(f"{where}: {str(error).splitlines()[0]}") from error
    if jnp.shape(result) != ():
        raise ConfigError(f"{where}: gives an array of shape {result.shape}, not one number")
