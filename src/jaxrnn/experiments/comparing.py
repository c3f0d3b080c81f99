"""Configurations compared: their leaves, {dotted name: value}, by which checkpoints and reports tell runs apart."""

import contextlib
import re

READS = re.compile(r"\$\{(\.*)([\w.]+)\}")


def leaves(cfg):
    """{dotted name: value} of a configuration, as `container` gives it."""

    def walk(node, path):
        for key, value in node.items():
            if isinstance(value, dict):
                yield from walk(value, f"{path}{key}.")
            else:
                yield f"{path}{key}", value

    return dict(walk(container(cfg), ""))


def sources(cfg):
    """{dotted name: names that it is read from} of the leaves that are written as interpolations, ${trainer.steps}."""
    from omegaconf import OmegaConf

    def absolute(path, dots, name):
        return ".".join([*path.split(".")[: -len(dots)], name]) if dots else name

    def walk(node, path):
        for key, value in node.items():
            if isinstance(value, dict):
                yield from walk(value, f"{path}{key}.")
            elif found := READS.findall(str(value)):
                yield f"{path}{key}", [absolute(f"{path}{key}", *each) for each in found]

    return dict(walk(OmegaConf.to_container(cfg, resolve=False), ""))


def typed(names, *cfgs):
    """The names of leaves as a user types them: one that is read from others by the names of those."""
    reads = {}
    for cfg in cfgs:
        reads |= sources(cfg)
    return list(dict.fromkeys(each for name in names for each in reads.get(name, [name])))


def container(cfg):
    """A configuration as dicts and lists, interpolations resolved; those that only building fills, such as the size of
    the outputs, stay as they are written."""
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
            return OmegaConf.to_container(cfg, resolve=False)[key]
        return container(value) if isinstance(value, Container) else value

    if isinstance(cfg, DictConfig):
        return {key: plain(key) for key in cfg}
    return [plain(place) for place in range(len(cfg))]


def telling(many):
    """The names of the leaves that tell configurations apart; where a factory differs, not what only its like know.

    Args:
      many: what `leaves` gives for each.
    """
    names = dict.fromkeys(name for each in many for name in each)
    differ = [name for name in names if len({str(each.get(name)) for each in many}) > 1]
    targets = tuple(name.removesuffix("_target_") for name in differ if name.endswith("._target_"))
    return [n for n in differ if n.endswith("._target_") or not n.startswith(targets) or _tells_alike(n, many)]


def _tells_alike(name, many):
    """Whether a leaf differs between configurations that all have it or have the factories around it in common."""
    if all(name in each for each in many):
        return True
    found = {}
    for each in many:
        factories = tuple(v for n, v in each.items() if n.endswith("_target_") and name.startswith(n[:-8]))
        found.setdefault(factories, set()).add(str(each.get(name)))
    return any(len(values) > 1 for values in found.values())


def shown(name, values):
    """{value: what tables call it} of a leaf's values: a factory by its module, lstm for jaxrnn.cells.lstm.cell, and by
    as much of its name as tells it from the others of that module."""
    values = dict.fromkeys(values)
    if not name.endswith("_target_"):
        return {value: value for value in values}
    factories = [value for value in values if isinstance(value, str) and "." in value]
    return {value: _short(value, factories) if value in factories else value for value in values}


def _short(factory, others):
    parts = factory.split(".")
    alike = [other for other in others if other.split(".")[-2] == parts[-2] and other != factory]
    if not alike:
        return parts[-2]
    count = 2
    while any(other.split(".")[-count:] == parts[-count:] for other in alike):
        count += 1
    return ".".join(parts[-count:])
