"""Checks that net, data set and settings fit each other, by tracing, before anything is compiled."""

import inspect
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from jaxrnn.arguments import described, dotted, refuse_factory, validated
from jaxrnn.dataset import Loss
from jaxrnn.errors import ConfigError
from jaxrnn.signatures import hints
from jaxrnn.training import evaluation
from jaxrnn.training.cell_contract import checking_unroll
from jaxrnn.training.history import COLUMNS
from jaxrnn.training.probes import Probe
from jaxrnn.training.store import Checkpointing
from jaxrnn.training.update import Trainer, cast
from jaxrnn.types import Pair
from jaxrnn.windows import Windows

UNROLL = "an unroll takes (cell, params, carry, xs, *, mask, reset, reverse) and returns (carry, ys [T, B, H])"


def check(task, checkpointing=Checkpointing(), callbacks=(), probes=None, configured=False):
    """Checks that the parts of a training fit each other.

    Args:
      task: a `Task`.
      checkpointing: a `Checkpointing`.
      callbacks, probes: as in `jaxrnn.fit`.
      configured: True if messages name configuration keys such as trainer.batch_size, False for arguments such as
        batch_size.

    Raises:
      ConfigError: at the first part that does not fit.
    """

    def key(name):
        return name if configured else name.rpartition(".")[2]

    _check_pairs(task)
    _check_settings(task, checkpointing, key)
    _check_functions(task, callbacks, probes)
    _check_symbols(task)
    _check_outputs(task, configured)
    _check_regularizer_and_metrics(task)


def _check_pairs(task):
    """Refuses an encoder-decoder for data without answers of their own length."""
    if task.net.decoding is not None and not isinstance(two_step_batch(task.dataset).xs, Pair):
        raise ConfigError(
            "the net is an encoder-decoder, but the answers of the data set have no length of their own: build the net "
            "with jaxrnn.rnn, or with nets.symbol_rnn for symbols"
        )


def _check_settings(task, checkpointing, key):
    trainer, dataset = task.trainer, task.dataset
    for name, value in trainer._asdict().items():
        validated(value, hints(Trainer)[name], key(f"trainer.{name}"))
    if checkpointing.keep_every is not None and checkpointing.keep_every % trainer.report_every:
        raise ConfigError(
            f"{key('checkpoints.keep_every')}={checkpointing.keep_every} must be a multiple of "
            f"{key('trainer.report_every')}={trainer.report_every}: checkpoints are saved at reports"
        )
    rows = dataset.train.rows
    if rows is not None and trainer.batch_size > rows:
        raise ConfigError(
            f"{key('trainer.batch_size')}={trainer.batch_size} is larger than the data set, which has {rows} sequences"
        )
    if dataset.train.stateful and not task.net.causal:
        raise ConfigError(
            f"{key('model.bidirectional')} reads the future, so its carry cannot continue from batch to batch; "
            f"set {key('data.stateful')}=false and a {key('data.window')} of more than one step"
        )
    if dataset.targets == "next_step" and not task.net.causal:
        raise ConfigError(
            f"{key('model.bidirectional')} reads the future, and so the values that it must predict; leave it out, or "
            f"set {key('data.target')}=last if the data set has that key"
        )
    for name, batch in dataset.splits.items():
        is_concrete = not isinstance(batch.weights, Tracer)
        if is_concrete and not (np.asarray(batch.weights) > 0).any():
            raise ConfigError(
                f"the {name} split has nothing to evaluate: all its weights are zero; give some steps a positive "
                "weight, or leave the split out"
            )


def _check_functions(task, callbacks, probes):
    """Refuses factories that were not called, and callbacks that do not take one argument."""
    for callback in callbacks:
        refuse_factory(callback, "callbacks")
        if not callable(callback):
            raise ConfigError(f"callbacks: expected functions of a Progress, got {described(callback)}")
        if not _takes_one(callback):
            parameters = inspect.signature(callback)
            raise ConfigError(f"callbacks: {dotted(callback)}{parameters} must take one argument, a Progress")
    for name, probe in (probes or {}).items():
        validated(probe, Probe, f"probes.{name}")
    validated(task.dataset.loss, Loss, "dataset.loss")
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
    """Refuses a net that reads symbols as values or values as symbols, or that has too few symbols."""
    net, dataset = task.net, task.dataset
    if dataset.symbols.inputs is None:
        if net.vocabulary is not None and _reads_values(dataset):
            raise ConfigError(
                f"the net reads {net.vocabulary} symbols, but the inputs of the data set are values: leave out "
                "nets.symbol_rnn, nets.one_hot and nets.embed"
            )
        return
    count = dataset.symbols.inputs.size
    if net.vocabulary is None:
        raise ConfigError(
            f"the inputs of the data set are symbols, {count} of them, but the net would read them as values: call "
            f"nets.symbol_rnn with vocabulary_size={count}, or begin with nets.one_hot({count}); a net of your own "
            f"declares that it reads symbols by net._replace(vocabulary={count})"
        )
    if net.vocabulary < count:
        raise ConfigError(
            f"the net reads {net.vocabulary} symbols, but the data set has {count}: build the net with "
            f"vocabulary_size={count}"
        )
    decoder = None if net.decoding is None or dataset.symbols.outputs is None else net.decoding.decoder
    if decoder is not None and decoder.vocabulary is not None and decoder.vocabulary <= dataset.output_size:
        raise ConfigError(
            f"the decoder reads {decoder.vocabulary} symbols, but needs {dataset.output_size + 1}: the symbols of the "
            "answers, and one that starts an answer"
        )


def _reads_values(dataset):
    xs = two_step_batch(dataset).xs
    return jnp.issubdtype((xs.source if isinstance(xs, Pair) else xs).dtype, jnp.floating)


def two_step_batch(dataset):
    """Returns the shapes of a batch of one sequence of two steps."""

    def first_batch():
        items = dataset.train.plan(jax.random.key(0), jnp.arange(1), 1)
        return dataset.train.batch(dataset.train.arrays, jax.tree.map(lambda a: a[0], items))

    return jax.tree.map(
        lambda a: jax.ShapeDtypeStruct((*a.shape[:-1], 1) if a.ndim == 1 else (2, 1, *a.shape[2:]), a.dtype),
        jax.eval_shape(first_batch),
    )


def two_steps(task, key, batch):
    """Applies a task's net in training mode to a `two_step_batch`: ys [2, 1, K]; `key` draws its params and dropout."""
    params = cast(task.net.init(key, task.dataset.input_size), task.trainer.precision)
    return task.net.apply(params, task.net.initial(params, (1,)), batch.xs, mask=batch.mask, key=key[None])[1]


def _check_outputs(task, configured):
    """Traces two steps; refuses a cell, an unroll or a net that is invalid, or does not fit the data set."""
    dataset, where = task.dataset, "model" if configured else "net"
    with_checks = task._replace(net=task.net.with_unroll(checking_unroll))
    expected = _traced_outputs(with_checks, where)
    outputs = _traced_outputs(task, "unroll")  # the same net with another unroll has passed
    if outputs.shape != expected.shape:
        raise ConfigError(f"unroll: its outputs have the shape {outputs.shape}, expected {expected.shape}; {UNROLL}")
    if outputs.shape[-1] != dataset.output_size:
        fix = (
            "model.readout=true adds a readout of the right width"
            if configured
            else f"build the net with output_size={dataset.output_size} and a readout"
        )
        raise ConfigError(
            f"{where}: its outputs are {outputs.shape[-1]} wide, but the data set needs {dataset.output_size}; {fix}"
        )


def _traced_outputs(task, where):
    try:
        return jax.eval_shape(partial(two_steps, task), jax.random.key(0), two_step_batch(task.dataset))
    except (ValueError, TypeError) as error:
        advice = f"; {UNROLL}" if where == "unroll" and isinstance(error, TypeError) else ""
        raise ConfigError(f"{where}: {str(error).splitlines()[0]}{advice}") from error
    except (AttributeError, LookupError, NameError) as error:
        if isinstance(two_step_batch(task.dataset).xs, Pair) and task.net.decoding is None:
            raise ConfigError(
                f"{where}: cannot read the data set, whose answers have their own length; build the net with "
                "nets.seq2seq or nets.encoder_decoder"
            ) from error
        if where != "unroll":
            raise
        raise ConfigError(f"{where}: {type(error).__name__}: {error}") from error  # a mistake in the user's code


def _check_regularizer_and_metrics(task):
    """Traces the regularizer and the further metrics on each split."""
    params = jax.eval_shape(lambda: task.net.init(jax.random.key(0), task.dataset.input_size))
    for batch in task.dataset.splits.values():
        if task.regularizer is not None:
            objective = lambda p, b: task.regularizer(task.net, p, jnp.zeros(()), b, 0, 1.0)  # noqa: E731
            sequences = batch.xs.cut(jnp.arange(1)) if isinstance(batch.xs, Windows) else batch
            _trace("regularizer", objective, params, sequences)
        for name, metric in task.metrics.items():
            if name in (*COLUMNS, "baseline"):
                raise ConfigError(f"metrics.{name}: jaxrnn reports a number of this name itself; choose another name")
            score = lambda p, b, m=metric: m(evaluation.outputs(task, p, b), b)  # noqa: E731
            _trace(f"metrics.{name}", score, params, batch)


def _trace(where, function, params, batch):
    """Refuses a function that cannot be traced or does not return one number."""
    try:
        result = jax.eval_shape(function, params, batch)
    except (ValueError, TypeError) as error:
        raise ConfigError(f"{where}: {str(error).splitlines()[0]}") from error
    except (AttributeError, LookupError, NameError) as error:  # a mistake in code of the user's own
        raise ConfigError(f"{where}: {type(error).__name__}: {error}") from error
    if not hasattr(result, "dtype"):
        raise ConfigError(f"{where}: expected one number, got {described(result)}")
    if result.shape != ():
        raise ConfigError(f"{where}: expected one number, got an array of shape {result.shape}")
