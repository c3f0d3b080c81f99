"""What a configuration that was found in a folder may build: what jaxrnn and Optax offer, and what the user names.

A configuration names functions to call. Of one that somebody else may have written only those are called that stand in
the catalogues, function by function, and no file is read that lies elsewhere.
"""

import inspect
import pkgutil
import re
from functools import cache
from pathlib import Path

from jaxrnn import hints
from jaxrnn.errors import ConfigError
from jaxrnn.experiments import references
from jaxrnn.experiments.comparing import container
from jaxrnn.experiments.conf import CONF

CATALOGUES = {"cells": ("cell",), "data": ("dataset",), "distributions": ("distribution",), "unroll": ("unroll",),
              "studies": ("study", "probe")}  # fmt: skip
FUNCTIONS = ("initializers", "metrics", "nets", "optimizers", "training.callbacks", "training.regularizers")
NOT_OF_RUNS = ("benchmarks", "experiments", "sweeps")  # rooms that our configurations name, but never those of a run
LONGEST, DEEPEST = 10_000, 50  # characters and brackets of an override
TRANSFORMATIONS = ("GradientTransformation", "GradientTransformationExtraArgs")
UNTYPED = (
    "exponential_decay",
    "nadam",
    "nadamw",
    "scale_by_factored_rms",
)  # without a type


def check(cfg, folder, trusted=()):
    """Refuses a configuration that would call, read or ask for what the user has not allowed.

    Args:
      cfg: a configuration that was read from a folder.
      folder: that folder.
      trusted: modules of the user's own, and files or folders, that it may use too.

    Raises:
      ConfigError: at the first function that is in no catalogue, or path outside the folder and the working directory.
    """
    if (found := next(_refused(cfg, folder, trusted), None)) is None:
        return
    name, value, key = found
    hint = hints.argument("trust", [*trusted, *needed(cfg, folder, trusted)])
    if key == "path":
        raise ConfigError(
            f"{folder}: its configuration reads {name}={value}, outside this folder and the working directory; if you "
            f"want that, add {hint}"
        )
    raise ConfigError(
        f"{folder}: its configuration calls {name}={value}, which is none of jaxrnn's or Optax's; if you trust it, add "
        f"{hint}"
    )


def needed(cfg, folder, trusted=()):
    """The modules and files that a configuration uses and that are not trusted yet; arguments as of `check`."""
    return list(dict.fromkeys(
        value if key == "path" else str(value).partition(".")[0] for _, value, key in _refused(cfg, folder, trusted)
    ))  # fmt: skip


def _refused(cfg, folder, trusted):
    """(dotted name, value, "_target_" or "path") of all that a configuration may not use."""
    for name, value in _leaves(container(cfg)):
        key = re.sub(r"(\.\d+)+$", "", name).rpartition(".")[2]  # of a list's items the list's own
        if key == "_target_" and not _is_allowed(value, trusted):
            yield name, value, key
        if key == "path" and isinstance(value, str) and not _is_near(value, folder, trusted):
            yield name, value, key


def check_overrides(words, path):
    """Refuses overrides that Hydra would not only set values by.

    Hydra imports the package of `hydra.searchpath=[pkg://NAME]`, and reads YAML files wherever the choice of a group
    leads, as `model=../../NAME` does.

    Args:
      words: overrides that were read from a folder.
      path: of their file, for the message.

    Raises:
      ConfigError: at the first one that does more than set a value or choose a configuration of ours.
    """
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    parser = OverridesParser.create()
    for word in words:
        if len(word) > LONGEST or sum(map(word.count, "([{")) > DEEPEST:
            raise ConfigError(f"{path} is damaged: {word[:40]}... is longer or deeper than a run's overrides are")
        try:
            override = parser.parse_override(word)
        except HydraException as error:
            raise ConfigError(f"{path} is damaged: {word!r} is not an override") from error
        if override.is_sweep_override() or not _is_ours(override):
            raise ConfigError(f"{path} holds {word}, which the overrides of a run never hold")


def _is_ours(override):
    """Whether an override sets a value of a run, or chooses a group's configuration by its name."""
    key, value = override.key_or_group, override.value()
    if re.split(r"[./]", key)[0] == "hydra" or (isinstance(value, str) and not references.are_plain(value)):
        return False
    names = value if isinstance(value, list) else [value]
    return not (CONF / key).is_dir() or all(re.fullmatch(r"\w[\w.-]*|", str(name or "")) for name in names)


def _leaves(node, name=""):
    """(dotted name, value) of all that a container holds, lists too."""
    if isinstance(node, dict | list) and not name.endswith("_target_"):
        for key, value in node.items() if isinstance(node, dict) else enumerate(node):
            yield from _leaves(value, f"{name}.{key}" if name else str(key))
    else:
        yield name, node


def _is_allowed(target, trusted):
    if not isinstance(target, str):
        return False
    own = any(target == module or target.startswith(f"{module}.") for module in trusted)
    return own or target in _factories() or _is_of_optax(target)


def _is_near(path, folder, trusted):
    places = [Path(str(folder)), Path(), *(Path(place) for place in trusted)]
    return any(Path(path).resolve().is_relative_to(place.resolve()) for place in places)


@cache
def _factories():
    """The functions that jaxrnn's own configurations name, and those that their signatures say how to name."""
    files = sorted(CONF.rglob("*.yaml"))
    found = {name for file in files for name in re.findall(r"_target_:\s*(jaxrnn\.[\w.]+)", file.read_text())}
    found = {name for name in found if name.split(".")[1] not in NOT_OF_RUNS}
    package = Path(__file__).parents[1]
    for room, names in CATALOGUES.items():
        modules = [module.name for module in pkgutil.iter_modules([str(package / room)])]
        found |= {f"jaxrnn.{room}.{module}.{name}" for module in modules if module[0] != "_" for name in names}
    return frozenset(found | _public())


def _public():
    """The public functions of the rooms that YAML files build from, by each name that leads to them."""
    import importlib

    found = set()
    for room in FUNCTIONS:
        module = importlib.import_module(f"jaxrnn.{room}")
        for name in dir(module):
            each = getattr(module, name)
            if not name.startswith("_") and callable(each) and getattr(each, "__module__", "").startswith(
                f"jaxrnn.{room}"
            ):  # fmt: skip
                found |= {f"jaxrnn.{room}.{name}", f"{each.__module__}.{name}"}
    return found


def _is_of_optax(target):
    """Whether a name is a transformation or a schedule of Optax: optax.NAME, by the type that it gives."""
    import optax

    name = target.removeprefix("optax.")
    if name == target or not name.isidentifier():
        return False
    if name in UNTYPED:
        return True
    function = getattr(optax, name, None)
    if not inspect.isfunction(function):
        return False
    given = inspect.signature(function).return_annotation
    typed = str(getattr(given, "__name__", given)).rpartition(".")[2] in TRANSFORMATIONS
    return typed or name.endswith("_schedule")
