"""Decides which functions and files the configuration of a run folder may use.

A configuration names functions to call, and someone else may have written it. Therefore it may use only:

- the functions of jaxrnn that build runs, listed one by one, and the transformations and schedules of Optax,
- files in the run folder and in the working directory,
- modules and files that the user trusts explicitly, in the call or in the user's file (`trust_file`).
"""

import inspect
import re
from functools import cache
from pathlib import Path

from jaxrnn import hints
from jaxrnn.errors import ConfigError
from jaxrnn.experiments import references, trust_file
from jaxrnn.experiments.comparing import container
from jaxrnn.experiments.compose import CONF
from jaxrnn.lazy import entries

CATALOGUES = {
    "cells": ("cell",),
    "data": ("dataset",),
    "distributions": ("distribution",),
    "unroll": ("unroll",),
    "studies": ("study", "probe"),
    "storage.trackers": ("tracker",),
}
FUNCTIONS = (
    "initializers",
    "metrics",
    "nets",
    "optimizers",
    "parametrizations",
    "training.callbacks",
    "training.regularizers",
)
PARTS = (
    "jaxrnn.plotting.style.Page",
    "jaxrnn.training.Trainer",
    "jaxrnn.training.Checkpointing",
    "jaxrnn.training.early_stopping",
)
LONGEST, DEEPEST = 10_000, 50  # most characters and brackets in an override
TRANSFORMATIONS = ("GradientTransformation", "GradientTransformationExtraArgs")
UNTYPED = ("exponential_decay", "nadam", "nadamw", "scale_by_factored_rms")  # Optax annotates no return type


def check(cfg, folder, trusted=()):
    """Raises an error if a configuration uses a function or a file that is not trusted.

    Args:
      cfg: a configuration, or a dict of the same form, that was read from a folder.
      folder: that folder.
      trusted: additional modules, files and folders that it may use.

    Raises:
      ConfigError: at the first function that is not listed, or path outside the folder and the working directory.
    """
    if not (untrusted := _untrusted(cfg, folder, trusted)):
        return
    name, value, key = untrusted[0]
    names = [*trusted, *needed(cfg, folder, trusted)]
    hint = hints.argument("trust", names)
    line = f"{Path(str(folder)).resolve()}: {names}"
    advice = f"if you trust it, pass trusted={names} in Python, write the line {line} once into {trust_file.path()}"
    advice += f", or on the command line add {hint}"
    if key == "path":
        raise ConfigError(
            f"{folder}: its configuration reads {name}={value}, outside this folder and the working directory; {advice}"
        )
    raise ConfigError(
        f"{folder}: its configuration calls {name}={value}, which does not belong to jaxrnn or Optax; {advice}"
    )


def needed(cfg, folder, trusted=()):
    """Lists the modules and files that a configuration uses but that are not trusted yet. Arguments as in `check`."""
    return list(
        dict.fromkeys(
            value if key == "path" else str(value).partition(".")[0]
            for _, value, key in _untrusted(cfg, folder, trusted)
        )
    )


def _untrusted(cfg, folder, trusted):
    """Lists (dotted name, value, "_target_" or "path") of every function and file that is not trusted."""
    if not (untrusted := list(_outside(cfg, folder, trusted))):
        return []
    granted = trust_file.granted(folder)
    return list(_outside(cfg, folder, (*trusted, *granted))) if granted else untrusted


def _outside(cfg, folder, trusted):
    """Yields (dotted name, value, "_target_" or "path") for every function and file that `trusted` does not cover."""
    for name, value in _leaves(cfg if isinstance(cfg, dict) else container(cfg)):
        key = re.sub(r"(\.\d+)+$", "", name).rpartition(".")[2]  # for an item of a list, the key of the list
        if key == "_target_" and not _is_allowed(value, trusted):
            yield name, value, key
        if key == "path" and isinstance(value, str) and not _is_near(value, folder, trusted):
            yield name, value, key


def check_overrides(words, path):
    """Raises an error for overrides that make Hydra do more than set values.

    For example, Hydra imports the package in `hydra.searchpath=[pkg://NAME]`, and `model=../../NAME` makes it read a
    YAML file outside `conf/`.

    Args:
      words: overrides that were read from a folder.
      path: path of their file, for the message.

    Raises:
      ConfigError: at the first override that does more than set a value or choose one of jaxrnn's configurations.
    """
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    parser = OverridesParser.create()
    for word in words:
        if len(word) > LONGEST or sum(map(word.count, "([{")) > DEEPEST:
            raise ConfigError(f"{path} is damaged: {word[:40]}... is too long or nested too deeply for an override")
        try:
            override = parser.parse_override(word)
        except HydraException as error:
            raise ConfigError(f"{path} is damaged: {word!r} is not an override") from error
        if override.is_sweep_override() or not _is_ours(override):
            raise ConfigError(f"{path} contains {word}, which a run never writes; remove it")


def _is_ours(override):
    """Returns True if an override only sets a value of a run, or chooses a configuration by name."""
    key, value = override.key_or_group, override.value()
    if re.split(r"[./]", key)[0] == "hydra" or (isinstance(value, str) and not references.are_plain(value)):
        return False
    names = value if isinstance(value, list) else [value]
    return not (CONF / key).is_dir() or all(re.fullmatch(r"\w[\w.-]*|", str(name or "")) for name in names)


def _leaves(node, name=""):
    """Yields (dotted name, value) for all values in nested dicts and lists."""
    if isinstance(node, dict | list) and not name.endswith("_target_"):
        for key, value in node.items() if isinstance(node, dict) else enumerate(node):
            yield from _leaves(value, f"{name}.{key}" if name else str(key))
    else:
        yield name, node


def _is_allowed(target, trusted):
    if not isinstance(target, str):
        return False
    is_trusted = any(target == module or target.startswith(f"{module}.") for module in trusted)
    return is_trusted or target in _factories() or _is_of_optax(target)


def _is_near(path, folder, trusted):
    allowed = [Path(str(folder)), Path(), *(Path(name) for name in trusted)]
    return any(Path(path).resolve().is_relative_to(parent.resolve()) for parent in allowed)


@cache
def _factories():
    """Lists the parts of a configuration, the factories in jaxrnn's catalogues, and its public functions."""
    factories, package = set(PARTS), Path(__file__).parents[1]
    for room, names in CATALOGUES.items():
        folder = package.joinpath(*room.split("."))
        factories |= {f"jaxrnn.{room}.{module}.{name}" for name in names for module in entries(folder, name)}
    return frozenset(factories | _public_functions())


def _public_functions():
    """Lists the public functions that YAML files may name, under every import path that leads to them."""
    import importlib

    names = set()
    for room in FUNCTIONS:
        module = importlib.import_module(f"jaxrnn.{room}")
        for name in dir(module):
            function = getattr(module, name)
            if name.startswith("_") or not callable(function):
                continue
            if getattr(function, "__module__", "").startswith(f"jaxrnn.{room}"):
                names |= {f"jaxrnn.{room}.{name}", f"{function.__module__}.{name}"}
    return names


def _is_of_optax(target):
    """Returns True if a name (optax.NAME) is a transformation or a schedule of Optax, judged by its return type."""
    import optax

    name = target.removeprefix("optax.")
    if name == target or not name.isidentifier():
        return False
    if name in UNTYPED:
        return True
    function = getattr(optax, name, None)
    if not inspect.isfunction(function):
        return False
    annotation = inspect.signature(function).return_annotation
    is_transformation = str(getattr(annotation, "__name__", annotation)).rpartition(".")[2] in TRANSFORMATIONS
    return is_transformation or name.endswith("_schedule")
