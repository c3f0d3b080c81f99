"""From a configuration to objects, and every refusal in one line, before anything compiles.

A factory's signature is the schema of its node: its names are the valid keys, its annotations the valid values.
"""

import contextlib
import difflib
import functools
import inspect
import math
import os
import pydoc
import re
import sys
import typing
from pathlib import Path

FULL_ERROR = os.environ.get("HYDRA_FULL_ERROR") == "1"


class Refusal(Exception):
    """The user's input cannot be used; the message says in one line what, where, and what to do."""


@contextlib.contextmanager
def refusals():
    """Prints a refusal, Hydra's own included, as one line on standard error and exits with status 2.

    Dotted keys need no `+`: whether a factory knows them is for `check` to say. HYDRA_FULL_ERROR=1 shows the stack.
    """
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra then raises instead of printing
    sys.argv[1:] = [force(argument) for argument in sys.argv[1:]]
    try:
        yield
    except (Refusal, HydraException, OmegaConfBaseException) as error:
        if FULL_ERROR:
            raise
        print(f"error: {_one_line(error)}", file=sys.stderr)
        raise SystemExit(2) from None
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        raise SystemExit(130) from None


def check(cfg, path=""):
    """Holds every node with a `_target_` to its factory's signature.

    Numbers that mean the same are made the type that the signature asks for (1e3 for an integer).

    Raises:
      Refusal: at the first key that the factory does not know, value of the wrong type or range, or missing value.
    """
    from omegaconf import DictConfig, OmegaConf

    for key in cfg:
        name = f"{path}{key}"
        if OmegaConf.is_missing(cfg, key):
            raise Refusal(f"{name} is missing; give it: {name}=...")
        if OmegaConf.is_interpolation(cfg, key):  # checked where it points to
            continue
        if isinstance(cfg[key], DictConfig):
            if path == "" and "_target_" not in cfg[key]:
                raise Refusal(f"{name}: no such part of the configuration{_nearest(key, [k for k in cfg if k != key])}")
            check(cfg[key], f"{name}.")
    if "_target_" in cfg:
        _check_call(cfg, path)


def leaves(cfg):
    """{dotted name: value} of a configuration, interpolations resolved."""
    from omegaconf import OmegaConf

    def walk(node, path):
        for key, value in node.items():
            if isinstance(value, dict):
                yield from walk(value, f"{path}{key}.")
            else:
                yield f"{path}{key}", value

    return dict(walk(OmegaConf.to_container(cfg, resolve=True), ""))


def telling(many):
    """The names of the leaves that tell configurations apart; where a factory differs, not what only its like know.

    Args:
      many: what `leaves` gives for each.
    """
    names = dict.fromkeys(name for each in many for name in each)
    differ = [name for name in names if len({str(each.get(name)) for each in many}) > 1]
    targets = tuple(name.removesuffix("_target_") for name in differ if name.endswith("._target_"))
    common = {name for name in differ if all(name in each for each in many)}
    return [n for n in differ if n in common or n.endswith("._target_") or not n.startswith(targets)]


def short(name, value):
    """A leaf's value for tables: a factory by its module alone, lstm for jaxrnn.cells.lstm.cell."""
    return value.split(".")[-2] if name.endswith("_target_") and str(value).count(".") else value


def build(node, **arguments):
    """The object that a checked node describes, as `hydra.utils.instantiate` makes it.

    Raises:
      Refusal: where the factory raises ValueError or OSError, with its message.
    """
    from hydra.errors import InstantiationException
    from hydra.utils import instantiate

    try:
        return instantiate(node, **arguments)
    except InstantiationException as error:
        if isinstance(error.__cause__, ValueError | OSError):
            raise Refusal(str(error.__cause__)) from error
        raise


def validated(value, hint, name):
    """The value as the type that an annotation asks for.

    Raises:
      Refusal: if it is not of that type or out of its range.
    """
    from omegaconf import ListConfig, OmegaConf
    from pydantic import ValidationError

    if isinstance(value, float) and not math.isfinite(value):
        raise Refusal(f"{name}={value}: should be finite")
    value = OmegaConf.to_container(value) if isinstance(value, ListConfig) else value
    try:
        return _adapter(hint).validate_python(value, strict=isinstance(value, bool))  # true is no 1
    except ValidationError as error:
        reasons = dict.fromkeys(part["msg"].removeprefix("Input ") for part in error.errors())
        choices = [choice for part in (hint, *typing.get_args(hint)) for choice in _choices(part)]
        nearest = _nearest(value, choices) if isinstance(value, str) and choices else ""
        raise Refusal(f"{name}={value}: {' or '.join(reasons)}{nearest}") from error


def _check_call(cfg, path):
    from omegaconf import DictConfig, OmegaConf

    function = _locate(cfg._target_, path)
    signature = inspect.signature(function)
    open_ended = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in signature.parameters.values())
    hints = _hints(function)
    for key in cfg:
        if str(key).startswith("_") or (open_ended and key not in signature.parameters):
            continue
        if key not in signature.parameters:
            raise Refusal(f"{path}{key}: {cfg._target_} has no such option{_nearest(key, list(signature.parameters))}")
        if not OmegaConf.is_interpolation(cfg, key) and not isinstance(cfg[key], DictConfig):
            hint = _checkable(hints.get(key), signature.parameters[key].default)
            cfg[key] = validated(cfg[key], hint, f"{path}{key}")


def _locate(target, path):
    try:
        function = pydoc.locate(target)
    except pydoc.ErrorDuringImport as error:
        raise Refusal(f"{path}_target_={target}: {error}") from error
    if not callable(function):
        raise Refusal(f"{path}_target_={target}: there is no such function")
    return function


def _checkable(hint, default):
    """The annotation, or what the default says where there is none that can be checked, as in other libraries."""
    from pydantic import PydanticSchemaGenerationError

    try:
        _adapter(hint)
    except PydanticSchemaGenerationError:
        hint = None
    if hint is not None:
        return hint
    return float if isinstance(default, int | float) and not isinstance(default, bool) else typing.Any


@functools.cache
def _adapter(hint):
    from pydantic import TypeAdapter

    return TypeAdapter(hint)


@functools.cache
def _hints(function):
    target = function.__init__ if inspect.isclass(function) and not hasattr(function, "_fields") else function
    try:
        return typing.get_type_hints(target, include_extras=True)
    except (NameError, TypeError):
        return {}


def _choices(hint):
    return list(typing.get_args(hint)) if typing.get_origin(hint) is typing.Literal else []


def force(argument):
    """`a.b=1` as `++a.b=1`: the key is set whether or not the YAML lists it; other arguments as they are."""
    key, equals, _ = argument.partition("=")
    plain = equals and "." in key and "/" not in key and not key.startswith(("+", "~", "-", "hydra."))
    return f"++{argument}" if plain else argument


def _nearest(name, names):
    close = difflib.get_close_matches(str(name), [str(n) for n in names], n=3, cutoff=0.5)
    return f"; nearest: {', '.join(close)}" if close else f"; there are: {', '.join(map(str, names))}"


def _one_line(error):
    from hydra.errors import MissingConfigException

    if isinstance(error, MissingConfigException) and error.missing_cfg_file and error.options:
        group, _, option = error.missing_cfg_file.rpartition("/")
        options = ", ".join(error.options)
        close = difflib.get_close_matches(option, error.options, n=3, cutoff=0.5)
        return (
            f"{group}={option}: no such {group}; "
            + (f"nearest: {', '.join(close)}; " if close else "")
            + (
                f"there are: {options}"
                + "; joblib and submitit need pip install -e '.[launch]'" * (group == "hydra/launcher")
            )
        )
    if unknown := re.match(r"Could not override '([^']+)'", str(error)):
        names = _known_names()
        return f"{unknown[1]}: " + (
            "cannot be set here" if unknown[1] in names else f"no such key{_nearest(unknown[1], names)}"
        )
    text = str(error) + (f": {error.__cause__}" if error.__cause__ and not isinstance(error, Refusal) else "")
    return "; ".join(line.strip() for line in text.splitlines() if line.strip())


def _known_names():
    """The groups and the top-level keys of the configurations beside the running script."""
    conf = Path(sys.argv[0]).resolve().parents[1] / "conf"
    keys = [key for file in sorted(conf.glob("*.yaml")) for key in re.findall(r"^(\w+):", file.read_text(), re.M)]
    groups = [folder.name for folder in sorted(conf.glob("*/"))]
    return [name for name in dict.fromkeys([*groups, *keys]) if name not in ("defaults", "hydra")]
