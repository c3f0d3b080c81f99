"""Checks and normalises a configuration, and instantiates its nodes.

The signature of a factory is the schema of its node: parameter names are the valid keys, annotations the valid values.
"""

import functools
import inspect
import re
import typing

from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import InterpolationResolutionError

from jaxrnn import arguments, other_names
from jaxrnn.arguments import is_checkable, nearest
from jaxrnn.errors import ConfigError, last_line
from jaxrnn.experiments import targets
from jaxrnn.experiments.nodes import COLLECTIONS, DESCRIPTIONS, FUNCTIONS, OPTIONAL, PARTS, SET_BY_PROGRAM
from jaxrnn.signatures import hints, options

UNKNOWN = object()  # value of an interpolation that cannot be resolved yet


def prepare(cfg, path="", skipped=()):
    """Checks a configuration and then normalises it, in place: its numbers get the types that its factories require.

    Args:
      cfg: the configuration.
      path: the dotted name of `cfg` in the whole configuration, with a dot at its end, or empty.
      skipped: keys of `cfg` that were prepared before.

    Returns:
      `cfg`.

    Raises:
      ConfigError: at the first unknown key, value of the wrong type, value out of range, or missing value.
    """
    normalise(check(cfg, path, skipped))
    return cfg


def check(cfg, path="", skipped=()):
    """Checks every key of a configuration, which stays unchanged. Arguments and errors as in `prepare`.

    Returns:
      [(node, key, value)] for every value that a factory requires with another type, such as 1000 for 1e3.
    """
    values = []
    for node, key, name, value, annotation in _annotated(cfg, path, skipped):
        converted = validated(value, annotation, name)
        if type(converted) is not type(value) and not OmegaConf.is_interpolation(node, key):
            values.append((node, key, converted))
    return values


def normalise(values):
    """Sets the values that `check` returned."""
    for node, key, value in values:
        node[key] = value


def _annotated(cfg, path, skipped=()):
    """Yields (node, key, dotted name, value, annotation) for every value that has an annotation.

    Interpolations of nodes, and of values that are known only after building, are left out.

    Raises:
      ConfigError: at the first missing value, unknown key, or node that is not valid at its position.
    """
    for key in (key for key in cfg if key not in skipped):
        name = f"{path}{key}"
        if OmegaConf.is_missing(cfg, key):
            raise ConfigError(f"{name} is missing; give it: {name}={'MODULE.FUNCTION' if key == '_target_' else '...'}")
        is_interpolation, value = _resolved(cfg, key)
        is_node = isinstance(value, DictConfig)
        if is_interpolation:  # its source is checked under its own key
            if name in (*PARTS, *COLLECTIONS) and not is_node:
                raise _no_part(name, value)
        elif is_node and name not in DESCRIPTIONS:
            _check_part(cfg, path, key)
            if path == "" and key in _kinds() and value.get("_target_"):
                _check_result(value, _kinds()[key], f"{name}.")
            yield from _annotated(value, f"{name}.")
        elif path.removesuffix(".") in COLLECTIONS:
            _check_part(cfg, path, key)
        elif name in PARTS or (name in COLLECTIONS and value):
            raise _no_part(name, value)
        if name in _plain() and value is not UNKNOWN:
            yield cfg, key, name, value, _plain()[name]
    if "_target_" in cfg:
        yield from _annotated_arguments(cfg, path)


def _resolved(cfg, key):
    """Returns (whether a value is an interpolation, the value); UNKNOWN if it is known only after building."""
    is_interpolation = OmegaConf.is_interpolation(cfg, key)
    try:
        return is_interpolation, cfg[key]
    except InterpolationResolutionError:
        return is_interpolation, UNKNOWN


def _no_part(name, value):
    return ConfigError(f"{name}={value}: expected a node, not a value; set its keys: {name}.NAME=...")


@functools.cache
def _kinds():
    """Returns {part: the type that its factory makes}."""
    from jaxrnn.types import Dataset, Net  # imported here so that --help does not import JAX

    return {"model": Net, "data": Dataset}


@functools.cache
def _plain():
    """Returns {key: annotation} for the keys that scripts read themselves, without a factory."""
    from jaxrnn.plotting.style import Layout  # imported here so that --help does not import JAX
    from jaxrnn.types import NonNegative, Positive, Seed, Size

    class Keys:
        figures: bool | None
        together: list[str] | None
        horizon: Size | None
        split: str | None
        prime: Size | None
        start: Size | str | None
        length: Size | None
        temperature: NonNegative
        top_k: Size | None
        top_p: Positive | None
        beam: Size
        penalty: float
        bias: NonNegative
        seed: Seed

    return Keys.__annotations__ | {"study.layout": Layout}


def _check_part(cfg, path, key):
    """Raises a `ConfigError` for an unknown node, or a value in place of a node."""
    collection, name = path.removesuffix("."), f"{path}{key}"
    if path == "" and key not in (*PARTS, *OPTIONAL, *COLLECTIONS):
        parts = [part for part in cfg if part != key]
        nested = [f"{part}.{key}" for part in parts if isinstance(node := cfg.get(part), DictConfig) and key in node]
        advice = f"; nearest: {', '.join(nested)}" if nested else nearest(key, parts)
        raise ConfigError(f"{key}: no such part of the configuration{advice}")
    if collection in COLLECTIONS and key == "_target_":
        raise ConfigError(f"{name}={cfg[key]}: give it a name: {path}NAME._target_={cfg[key]}")
    needs_target = collection in COLLECTIONS or (path == "" and key not in COLLECTIONS)
    if needs_target and "_target_" not in (list(cfg[key]) if isinstance(cfg[key], DictConfig) else ()):
        target = cfg[key] if isinstance(cfg[key], str) else "MODULE.FUNCTION"
        raise ConfigError(f"{name} has no _target_; give it: {name}._target_={target}")


def listed(value, name):
    """Returns the list of strings of a key whose value is a string, a list of strings or null.

    Raises:
      ConfigError: if the value is anything else.
    """
    texts = validated(value, str | list[str] | None, name)
    return [] if texts is None else [texts] if isinstance(texts, str) else texts


def instantiate(node, **arguments):
    """Builds the object that a checked node describes, with `hydra.utils.instantiate`.

    Raises:
      ConfigError: if a factory raises an error. The message of a ConfigError, ValueError or OSError stays the same; for
        other errors the message names the node and its factory.
    """
    from hydra import utils
    from hydra.errors import InstantiationException

    try:
        return utils.instantiate(node, **arguments)
    except InstantiationException as error:
        cause = error.__cause__
        if cause is None or isinstance(cause, ValueError | OSError | ConfigError):
            raise ConfigError(str(cause or error)) from error
        target = match[1] if (match := re.search("target '([^']+)'", str(error))) else str(node._target_)
        name = match[1] if (match := re.search("full_key: (.+)", str(error))) else "the configuration"
        line = last_line(cause, targets.file(target))
        raise ConfigError(f"{name}: {target}{line}: {type(cause).__name__}: {' '.join(str(cause).split())}") from error


def validated(value, hint, name):
    """Calls `jaxrnn.arguments.validated` (same arguments) for a value that may be a node of a configuration."""
    plain = OmegaConf.to_container(value) if isinstance(value, ListConfig | DictConfig) else value
    return arguments.validated(plain, hint, name)


def _annotated_arguments(cfg, path):
    """Yields as `_annotated` does for the arguments of a node's factory."""
    parameters, annotations = options(targets.factories(cfg._target_, path))
    open_ended = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters.values())
    for key in cfg:
        if str(key).startswith("_") or f"{path}{key}" in _plain() or (open_ended and key not in parameters):
            continue
        if key not in parameters:
            advice = other_names.hint(str(key)) or (nearest(key, list(parameters)) if parameters else "; it has none")
            raise ConfigError(f"{path}{key}: {cfg._target_} has no such option{advice}")
        is_interpolation, value = _resolved(cfg, key)
        is_container = isinstance(value, DictConfig | ListConfig)
        if value is UNKNOWN or (is_interpolation and is_container):
            continue
        if not isinstance(value, DictConfig):
            yield cfg, key, f"{path}{key}", value, _checkable(annotations.get(key), parameters[key].default)
        elif "_target_" in value:
            _check_result(value, annotations.get(key), f"{path}{key}.")
        elif not _takes_keys(annotations.get(key)):
            raise ConfigError(f"{path}{key}: it has no _target_")
    if (not cfg.get("_partial_") or path == "study.") and "_args_" not in cfg:  # a study is called with its networks
        _check_complete(cfg, parameters, path)


def _check_complete(cfg, parameters, path):
    """Raises a `ConfigError` if an argument without a default is missing that neither the user nor a script sets."""
    for name, parameter in parameters.items():
        is_variadic = parameter.kind in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
        is_set = is_variadic or name in cfg or f"{path}{name}" in SET_BY_PROGRAM
        if parameter.default is inspect.Parameter.empty and not is_set:
            part = path.partition(".")[0]
            advice = f"; {path}_target_ is called to make the function, so it must return one" * (part in FUNCTIONS)
            raise ConfigError(f"{path}{name} is missing: {cfg._target_} requires it; give it: {path}{name}=...{advice}")


def _check_result(node, hint, path):
    """Raises a `ConfigError` if a factory's return annotation is not the type that the key requires."""
    result: typing.Any = hints(targets.locate(node._target_, path)).get("return")
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


def _checkable(hint, default):
    """Returns the annotation if it can be checked; else, as for other libraries, a type guessed from the default."""
    if is_checkable(hint):
        return hint
    return float if isinstance(default, int | float) and not isinstance(default, bool) else typing.Any
