"""Changes to a `Task` for another training: starting params, frozen parts, and another loss."""

from typing import Any

import jax
import jax.numpy as jnp

from jaxrnn import losses
from jaxrnn.arguments import refuse_factory, validated
from jaxrnn.dataset import Loss
from jaxrnn.errors import ConfigError
from jaxrnn.net_summary import parts
from jaxrnn.precision import as_computed
from jaxrnn.training import compatibility
from jaxrnn.training.frozen import zero_frozen


def changed(task, params=None, frozen=None, loss=None):
    """Returns a task with starting params, frozen parts and a loss; arguments and errors as in `jaxrnn.fit`."""
    if loss is not None:
        task = task._replace(dataset=task.dataset._replace(loss=_loss(loss, task.dataset)))
    shapes = jax.eval_shape(lambda: task.net.init(jax.random.key(0), task.dataset.input_size))
    if params is not None:
        _check_params(params, shapes)
        task = task._replace(net=task.net._replace(init=lambda key, input_size: as_computed(params)))
    if frozen is not None:
        task = task._replace(frozen=_mask(frozen, shapes))
        _check_mask(task, shapes)
    return task


def _loss(loss, dataset):
    """Returns the `Loss` of a name or a function."""
    refuse_factory(loss, "loss")
    if callable(loss):
        function: Any = loss
        return loss if isinstance(loss, Loss) else Loss(function, getattr(loss, "__name__", "loss"))
    name = validated(loss, losses.LossName, "loss")
    is_values = jnp.issubdtype(compatibility.two_step_batch(dataset).targets.dtype, jnp.floating)
    if is_values == (name == "cross_entropy"):
        raise ConfigError(f"loss={name}: the targets of this data set are {'values' if is_values else 'labels'}")
    if dataset.series is not None and dataset.series.distribution.size > 1:
        raise ConfigError(
            f"loss={name}: the outputs are the parameters of a distribution, which has its own loss; build the data "
            "set without distribution, or pass a function"
        )
    return losses.NAMED[name]


def _check_params(params, shapes):
    """Raises a `ConfigError` for params of another net."""
    actual, expected = (
        {name: list(leaf.shape) for name, leaf in parts(tree)} for tree in (jax.eval_shape(lambda: params), shapes)
    )
    for name in {**expected, **actual}:
        if actual.get(name) != expected.get(name):
            raise ConfigError(
                f"params: they belong to another net; {name or 'the params'}: expected "
                f"{expected.get(name, 'nothing')}, got {actual.get(name, 'nothing')}"
            )
    if jax.tree.structure(params) != jax.tree.structure(shapes):
        raise ConfigError("params: their structure does not fit the net; pass run.params, or what the import returned")


def _mask(frozen, shapes):
    if not callable(frozen):
        return frozen
    names = iter([name for name, _ in parts(shapes)])
    return jax.tree.map(lambda _: bool(frozen(next(names))), shapes)


def _check_mask(task, shapes):
    """Raises a `ConfigError` for a mask of another structure, and for one that leaves nothing to train."""
    leaves = jax.tree.leaves(task.frozen)
    try:
        zero_frozen(task.frozen, jax.tree.map(lambda leaf: 0, shapes))
    except ValueError as error:
        names = ", ".join(name for name, _ in parts(shapes))
        raise ConfigError(
            f"frozen: its structure does not fit the params, whose parts are {names}; pass a function of such a name"
        ) from error
    if not all(isinstance(leaf, bool) for leaf in leaves):
        raise ConfigError("frozen: expected True or False for every part of the params")
    if all(leaves):
        names = ", ".join(name for name, _ in parts(shapes))
        raise ConfigError(f"frozen: every part is frozen, so there is nothing to train; the parts are {names}")
