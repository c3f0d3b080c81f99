"""Checks a configuration against the signatures of the factories that it names, and builds the objects of its nodes.

The signature of a factory is the schema of its node: parameter names are the valid keys, annotations the valid values.
"""

import functools
import inspect
import pydoc
import typing

from jaxrnn import arguments
from jaxrnn.arguments import is_checkable, nearest
from jaxrnn.errors import ConfigError
from jaxrnn.experiments.nodes import COLLECTIONS, DESCRIPTIONS, PARTS, STACKS
from jaxrnn.signatures import hints, signature


def check(cfg, path="", skipped=()):
    """Checks every node with a `_target_` against its factory's signature, except nodes under keys in `skipped`.

    `path` is the dotted name of `cfg` in the whole configuration, with a dot at its end, or empty.

    It converts a number to the type that the signature requires if the value stays the same (1e3 to an integer).

    Raises:
      ConfigError: at the first unknown key, value of the wrong type, value out of range, or missing value.
    """
    from omegaconf import DictConfig, OmegaConf

    for key in (key for key in cfg if key not in skipped):
        name = f"{path}{key}"
        if OmegaConf.is_missing(cfg, key):
            raise ConfigError(f"{name} is missing; give it: {name}=...")
        if OmegaConf.is_interpolation(cfg, key):  # its source is checked under its own key
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
    return ConfigError(f"{name}={value}: expected a node, not a value; set its keys: {name}.NAME=...")


@functools.cache
def _plain():
    """Returns {key: annotation} for the keys that scripts read themselves, without a factory."""
    from jaxrnn.types import NonNegative, Positive, Seed, Size  # imported here so that --help does not import JAX

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
    """Raises a `ConfigError` for a node without a `_target_` if a `_target_` is required."""
    if path == "" and key not in COLLECTIONS:
        raise ConfigError(f"{key}: no such part of the configuration{nearest(key, [k for k in cfg if k != key])}")
    if path.removesuffix(".") in COLLECTIONS:
        group = path.removesuffix(".")
        raise ConfigError(f"{path}{key} has no _target_; choose it with {group}={key}, or set {path}{key}._target_=...")


def listed(value, name):
    """Returns the list of strings of a key whose value is a string, a list of strings or null.

    Raises:
      ConfigError: if the value is anything else.
    """
    texts = validated(value, str | list[str] | None, name)
    return [] if texts is None else [texts] if isinstance(texts, str) else texts


def build(node, **arguments):
    """Builds the object that a checked node describes, with `hydra.utils.instantiate`.

    Raises:
      ConfigError: if the factory raises a ConfigError, ValueError or OSError; the message stays the same.
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
    """Calls `jaxrnn.arguments.validated` (same arguments) for a value that may be a node of a configuration."""
    from omegaconf import DictConfig, ListConfig, OmegaConf

    plain = OmegaConf.to_container(value) if isinstance(value, ListConfig | DictConfig) else value
    return arguments.validated(plain, hint, name)


def _check_call(cfg, path):
    from omegaconf import DictConfig, OmegaConf

    parameters, annotations = options(factories(cfg._target_, path))
    open_ended = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters.values())
    for key in cfg:
        if str(key).startswith("_") or (open_ended and key not in parameters):
            continue
        if key not in parameters:
            raise ConfigError(f"{path}{key}: {cfg._target_} has no such option{nearest(key, list(parameters))}")
        hint = _checkable(annotations.get(key), parameters[key].default)
        if OmegaConf.is_interpolation(cfg, key):
            _check_resolved(cfg, path, key, hint)
        elif not isinstance(cfg[key], DictConfig):
            cfg[key] = validated(cfg[key], hint, f"{path}{key}")
        elif "_target_" in cfg[key]:
            _check_result(cfg[key], annotations.get(key), f"{path}{key}.")
        elif not _takes_keys(annotations.get(key)):
            raise ConfigError(f"{path}{key}: it has no _target_")


def factories(target, path):
    """Returns the functions that a `_target_` stands for, in the order of `nodes.STACKS` if the data set chooses one.

    Raises:
      ConfigError: if there is no such function.
    """
    function = _locate(target, path)
    stacks = [_locate(name, path) for name in STACKS.values()]
    return stacks if function is stacks[0] else [function]


def options(functions):
    """Returns ({name: parameter}, {name: annotation}) of functions; the first one that has a name decides."""
    parameters, annotations = {}, {}
    for function in reversed(functions):
        parameters |= signature(function).parameters
        annotations |= hints(function)
    return parameters, annotations


def _check_result(node, hint, path):
    """Raises a `ConfigError` if a factory's return annotation is not the type that the key requires."""
    result = hints(_locate(node._target_, path)).get("return")
    expected = tuple(part for part in (hint, *typing.get_args(hint)) if hasattr(part, "_fields"))
    if expected and hasattr(result, "_fields") and not issubclass(result, expected) and not node.get("_partial_"):
        raise ConfigError(
            f"{path}_target_={node._target_}: expected a {expected[0].__name__}, but it makes a {result.__name__}"
        )


def _takes_keys(hint):
    """Returns True if an annotation allows a dict, and also without an annotation (None)."""
    return hint in (None, typing.Any, dict) or any(
        typing.get_origin(part) is dict or part is dict for part in (hint, *typing.get_args(hint))
    )


def _check_resolved(cfg, path, key, hint):
    """Checks the value of an interpolation against an annotation, unless the value is known only after building."""
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
        raise ConfigError(f"{path}_target_={target}: no such function; give the import path of a callable")
    return function


def _checkable(hint, default):
    """Returns the annotation if it can be checked; else, as for other libraries, a type guessed from the default."""
    if is_checkable(hint):
        return hint
    return float if isinstance(default, int | float) and not isinstance(default, bool) else typing.Any
