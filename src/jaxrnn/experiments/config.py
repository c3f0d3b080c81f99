"""A configuration held to the signatures of the factories that it names, and the objects that it describes.

A factory's signature is the schema of its node: its names are the valid keys, its annotations the valid values.
"""

import functools
import inspect
import pydoc
import typing

from jaxrnn import arguments
from jaxrnn.arguments import hints, is_checkable, nearest
from jaxrnn.errors import ConfigError

COLLECTIONS = ("callbacks", "metrics", "probes")  # nodes of nodes, each under a name of the user's
DESCRIPTIONS = ("compare", "networks")  # nodes that describe other configurations
PARTS = ("model", "data", "optimizer", "unroll", "trainer", "checkpoints", "figure", "study", "tune")


def check(cfg, path="", skipped=()):
    """Holds every node with a `_target_` to its factory's signature, but those under keys that are skipped.

    Numbers that mean the same are made the type that the signature asks for (1e3 for an integer).

    Raises:
      ConfigError: at the first key that the factory does not know, value of the wrong type or range, or missing value.
    """
    from omegaconf import DictConfig, OmegaConf

    for key in (key for key in cfg if key not in skipped):
        name = f"{path}{key}"
        if OmegaConf.is_missing(cfg, key):
            raise ConfigError(f"{name} is missing; give it: {name}=...")
        if OmegaConf.is_interpolation(cfg, key):  # what it points to is checked there
            if name in (*PARTS, *COLLECTIONS) and not isinstance(cfg[key], DictConfig):
                raise _no_part(name, cfg[key])
            if name in _plain():
                validated(cfg[key], _plain()[name], name)
            continue
        if isinstance(cfg[key], DictConfig) and name not in DESCRIPTIONS:
            if "_target_" not in cfg[key]:
                _check_part(cfg, path, key)
            check(cfg[key], f"{name}.")
        elif path.removesuffix(".") in COLLECTIONS:
            _check_part(cfg, path, key)
        elif name in PARTS or (name in COLLECTIONS and cfg[key]):
            raise _no_part(name, cfg[key])
        elif name in _plain():
            cfg[key] = validated(cfg[key], _plain()[name], name)
    if "_target_" in cfg:
        _check_call(cfg, path)


def _no_part(name, value):
    return ConfigError(f"{name}={value}: it is a part of the configuration; set its keys, {name}.NAME=...")


@functools.cache
def _plain():
    """{key: annotation} of the scripts' keys that no factory reads."""
    from jaxrnn.types import NonNegative, Positive, Seed, Size  # here, so that --help need not import JAX

    return {
        "figures": bool | None,
        "tensorboard": bool,
        "together": list[str] | None,
        "horizon": Size | None,
        "split": str | None,
        "prime": Size | None,
        "start": Size | str | None,
        "length": Size | None,
        "temperature": NonNegative,
        "top_k": Size | None,
        "top_p": Positive | None,
        "beam": Size,
        "penalty": float,
        "seed": Seed,
    }


def _check_part(cfg, path, key):
    """Refuses a node without a `_target_` where there should be one."""
    if path == "" and key not in COLLECTIONS:
        raise ConfigError(f"{key}: no such part of the configuration{nearest(key, [k for k in cfg if k != key])}")
    if path.removesuffix(".") in COLLECTIONS:
        group = path.removesuffix(".")
        raise ConfigError(f"{path}{key} names no factory; choose it, {group}={key}, or give {path}{key}._target_=...")


def listed(value, name):
    """The texts of a key that takes one, many or none.

    Raises:
      ConfigError: if it holds anything else.
    """
    found = validated(value, str | list[str] | None, name)
    return [] if found is None else [found] if isinstance(found, str) else found


def build(node, **arguments):
    """The object that a checked node describes, as `hydra.utils.instantiate` makes it.

    Raises:
      ConfigError: where the factory raises it, ValueError or OSError, with its message.
    """
    from hydra.errors import InstantiationException
    from hydra.utils import instantiate

    try:
        return instantiate(node, **arguments)
    except InstantiationException as error:
        if isinstance(error.__cause__, ValueError | OSError | ConfigError):
            raise ConfigError(str(error.__cause__)) from error
        raise


def validated(value, hint, name):
    """`jaxrnn.arguments.validated` for a value that may be a node of a configuration."""
    from omegaconf import DictConfig, ListConfig, OmegaConf

    plain = OmegaConf.to_container(value) if isinstance(value, ListConfig | DictConfig) else value
    return arguments.validated(plain, hint, name)


def _check_call(cfg, path):
    from omegaconf import DictConfig, OmegaConf

    function = _locate(cfg._target_, path)
    signature = inspect.signature(function)
    open_ended = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in signature.parameters.values())
    annotations = hints(function)
    for key in cfg:
        if str(key).startswith("_") or (open_ended and key not in signature.parameters):
            continue
        if key not in signature.parameters:
            raise ConfigError(
                f"{path}{key}: {cfg._target_} has no such option{nearest(key, list(signature.parameters))}"
            )
        hint = _checkable(annotations.get(key), signature.parameters[key].default)
        if OmegaConf.is_interpolation(cfg, key):
            _check_resolved(cfg, path, key, hint)
        elif not isinstance(cfg[key], DictConfig):
            cfg[key] = validated(cfg[key], hint, f"{path}{key}")
        elif "_target_" in cfg[key]:
            _check_result(cfg[key], annotations.get(key), f"{path}{key}.")
        elif not _takes_keys(annotations.get(key)):
            raise ConfigError(f"{path}{key}: it has no _target_")


def _check_result(node, hint, path):
    """Refuses a factory whose annotation says that it makes another object than the key asks for."""
    made = hints(_locate(node._target_, path)).get("return")
    expected = tuple(part for part in (hint, *typing.get_args(hint)) if hasattr(part, "_fields"))
    if expected and hasattr(made, "_fields") and not issubclass(made, expected) and not node.get("_partial_"):
        raise ConfigError(
            f"{path}_target_={node._target_}: expected a {expected[0].__name__}, and it makes a {made.__name__}"
        )


def _takes_keys(hint):
    """Whether an annotation, None for none, allows a dict."""
    return hint in (None, typing.Any, dict) or any(
        typing.get_origin(part) is dict or part is dict for part in (hint, *typing.get_args(hint))
    )


def _check_resolved(cfg, path, key, hint):
    """Holds what an interpolation stands for to an annotation; what is known only when it is built is left."""
    from omegaconf import Container
    from omegaconf.errors import InterpolationResolutionError

    try:
        value = cfg[key]
    except InterpolationResolutionError:
        return
    if not isinstance(value, Container):
        validated(value, hint, f"{path}{key}")


def _locate(target, path):
    try:
        function = pydoc.locate(str(target))
    except pydoc.ErrorDuringImport as error:
        raise ConfigError(f"{path}_target_={target}: {error}") from error
    if not callable(function):
        raise ConfigError(f"{path}_target_={target}: there is no such function")
    return function


def _checkable(hint, default):
    """The annotation, or what the default says where there is none that can be checked, as in other libraries."""
    if is_checkable(hint):
        return hint
    return float if isinstance(default, int | float) and not isinstance(default, bool) else typing.Any
