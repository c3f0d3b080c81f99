"""Configurations compared: their leaves, {dotted name: value}, by which checkpoints and reports tell runs apart."""

import contextlib


def leaves(cfg):
    """{dotted name: value} of a configuration, as `container` gives it."""

    def walk(node, path):
        for key, value in node.items():
            if isinstance(value, dict):
                yield from walk(value, f"{path}{key}.")
            else:
                yield f"{path}{key}", value

    return dict(walk(container(cfg), ""))


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
    common = {name for name in differ if all(name in each for each in many)}
    return [n for n in differ if n in common or n.endswith("._target_") or not n.startswith(targets)]


def short(name, value):
    """A leaf's value for tables: a factory by its module alone, lstm for jaxrnn.cells.lstm.cell."""
    return value.split(".")[-2] if name.endswith("_target_") and isinstance(value, str) and "." in value else value
