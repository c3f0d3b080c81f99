"""Compares configurations by their leaves, {dotted name: value}. Checkpoints and reports use it to tell runs apart."""

import contextlib
import re
from collections import Counter
from typing import Any

REFERENCE = re.compile(r"\$\{(\.*)([\w.]+)\}")


def leaves(cfg):
    """Returns all values of a configuration as {dotted name: value}, resolved by `container`."""

    def walk(node, path):
        for key, value in node.items():
            if isinstance(value, dict):
                yield from walk(value, f"{path}{key}.")
            else:
                yield f"{path}{key}", value

    return dict(walk(container(cfg), ""))


def sources(cfg):
    """Returns {dotted name: names that it refers to} for the leaves that are interpolations like ${trainer.steps}."""
    from omegaconf import OmegaConf

    def absolute(path, dots, name):
        return ".".join([*path.split(".")[: -len(dots)], name]) if dots else name

    def walk(node, path):
        for key, value in node.items():
            if isinstance(value, dict):
                yield from walk(value, f"{path}{key}.")
            elif references := REFERENCE.findall(str(value)):
                yield f"{path}{key}", [absolute(f"{path}{key}", dots, name) for dots, name in references]

    return dict(walk(OmegaConf.to_container(cfg, resolve=False), ""))


def typed(names, *cfgs):
    """Replaces the name of each interpolation by the names that it refers to. These are the keys that a user sets.

    Args:
      names: dotted names of leaves.
      cfgs: the configurations that contain them.
    """
    sources_by_name = {}
    for cfg in cfgs:
        sources_by_name |= sources(cfg)
    return list(dict.fromkeys(source for name in names for source in sources_by_name.get(name, [name])))


def container(cfg):
    """Converts a configuration to dicts and lists and resolves its interpolations.

    Interpolations that get their value only when the experiment is built, such as the output size, stay as written.
    """
    from omegaconf import Container, DictConfig, OmegaConf
    from omegaconf.errors import InterpolationResolutionError

    with contextlib.suppress(InterpolationResolutionError):
        return OmegaConf.to_container(cfg, resolve=True)

    def plain(key):
        if OmegaConf.is_missing(cfg, key):
            return "???"
        try:
            value = cfg[key]
        except InterpolationResolutionError:
            content: Any = OmegaConf.to_container(cfg, resolve=False)
            return content[key]
        return container(value) if isinstance(value, Container) else value

    if isinstance(cfg, DictConfig):
        return {key: plain(key) for key in cfg}
    return [plain(index) for index in range(len(cfg))]


def differing_names(configurations):
    """Returns the names of the leaves that differ between configurations.

    If two configurations differ in a factory, the arguments that only one of these factories has are left out.

    Args:
      configurations: the result of `leaves` for each configuration.
    """
    names = dict.fromkeys(name for values in configurations for name in values)
    differ = [name for name in names if len({str(values.get(name)) for values in configurations}) > 1]
    targets = tuple(name.removesuffix("_target_") for name in differ if name.endswith("._target_"))
    return [
        n
        for n in differ
        if n.endswith("._target_") or not n.startswith(targets) or _differs_within_factory(n, configurations)
    ]


def _differs_within_factory(name, configurations):
    """Returns True if all configurations have the leaf, or if it differs between two with the same factories."""
    if all(name in values for values in configurations):
        return True
    values_by_factories = {}
    for leaves_of_run in configurations:
        factories = tuple(v for n, v in leaves_of_run.items() if n.endswith("_target_") and name.startswith(n[:-8]))
        values_by_factories.setdefault(factories, set()).add(str(leaves_of_run.get(name)))
    return any(len(values) > 1 for values in values_by_factories.values())


def settings(configurations):
    """Tells runs apart by their settings. Runs of the same setting differ only in their seeds.

    Args:
      configurations: the result of `leaves` for each run.

    Returns:
      (factors, one {column: label} per run). Factors are {dotted name: column in tables} of the leaves that differ,
      except the seed; a column is the last part of the name if no other name ends with the same part.
    """
    names = [name for name in differing_names(configurations) if name != "seed"]
    long_names = {name: name.removesuffix("._target_") for name in names}
    short_names = {name: long_name.split(".")[-1] for name, long_name in long_names.items()}
    counts = Counter(short_names.values())
    factors = {name: short if counts[short] == 1 else long_names[name] for name, short in short_names.items()}
    values = {name: [_label(leaves_of_run.get(name, "")) for leaves_of_run in configurations] for name in factors}
    labels_by_name = {name: labels(name, values_of_name) for name, values_of_name in values.items()}
    rows = [
        {column: labels_by_name[name][values[name][number]] for name, column in factors.items()}
        for number in range(len(configurations))
    ]
    return factors, rows


def _label(value):
    """Returns a number or a string as it is, and any other value as text."""
    return value if isinstance(value, int | float | str) and not isinstance(value, bool) else str(value)


def labels(name, values):
    """Returns {value: label for tables} for the values of a leaf.

    The label of a factory is its module: lstm for jaxrnn.cells.lstm.cell. If two factories have the same module name,
    the label is longer, until it is unique.
    """
    values = dict.fromkeys(values)
    if not name.endswith("_target_"):
        return {value: value for value in values}
    factories = [value for value in values if isinstance(value, str) and "." in value]
    return {value: _short(value, factories) if value in factories else value for value in values}


def _short(factory, others):
    parts = factory.split(".")
    same_module = [other for other in others if other.split(".")[-2] == parts[-2] and other != factory]
    if not same_module:
        return parts[-2]
    count = 2
    while any(other.split(".")[-count:] == parts[-count:] for other in same_module):
        count += 1
    return ".".join(parts[-count:])
