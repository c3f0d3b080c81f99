"""Which runs fit in one compiled program: those that differ in their seeds and in float values that can be traced."""

import json
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from omegaconf import OmegaConf

from jaxrnn.errors import ConfigError
from jaxrnn.experiments import comparing
from jaxrnn.experiments.build import NODES, assemble, built, with_values
from jaxrnn.precision import computing
from jaxrnn.training.update import updates

FURTHER = ("regularizer", "callbacks", "metrics", "probes", "checkpoints")  # nodes that a run may have


class Group(NamedTuple):
    """Runs that one program trains.

    Fields:
      members: indices of their configurations.
      cfg: the configuration of the first.
      names: dotted names of the float leaves in which they differ.
      values: a float for each name and member, [N] arrays in the order of the names.
      seeds: the members' seeds.
      experiment: the `Experiment` of the first, where it was built to find out what can vary; else None.
    """

    members: list[int]
    cfg: Any
    names: tuple[str, ...]
    values: tuple[np.ndarray, ...]
    seeds: list[int]
    experiment: Any


class Plan(NamedTuple):
    """How configurations were grouped.

    Fields:
      groups: a list of `Group`s.
      reasons: {name: why} of the leaves that split them.
    """

    groups: list[Group]
    reasons: dict[str, str]

    def lines(self):
        """The groups and why they are groups, as text."""
        runs = sum(len(group.members) for group in self.groups)
        lines = [f"{runs} runs, " + ("one group" if len(self.groups) == 1 else f"{len(self.groups)} compiled groups")]
        described = [_flat(group.cfg) for group in self.groups]
        shown = [name for name in comparing.telling(described) if name in self.reasons]
        words = {name: comparing.shown(name, [each[name] for each in described if name in each]) for name in shown}
        for number, (group, leaves) in enumerate(zip(self.groups, described, strict=True), 1):
            varied = [*(["seed"] if len(set(group.seeds)) > 1 else []), *group.names]
            what = ", ".join(f"{name}={words[name][leaves[name]]}" for name in shown if name in leaves)
            together = f" together over {', '.join(varied)}" if varied else ""
            count = f"{len(group.members)} run" + "s" * (len(group.members) > 1)
            lines.append(f"  group {number}: {count}{together}" + (f"; {what}" if what else ""))
        if shown:
            lines.append("  split by " + ", ".join(f"{name} ({self.reasons[name]})" for name in shown))
        return lines


def plan(cfgs):
    """Groups checked configurations: as few programs as can train them all.

    Leaves that are no floats split groups, as do floats that are read before anything is traced, that no traced
    code reads, or that the data themselves are made of.

    Args:
      cfgs: configurations that `jaxrnn.experiments.config.check` has let pass.
    """
    alike, reasons = {}, {}
    flat = [_flat(cfg) for cfg in cfgs]
    for index, leaves in enumerate(flat):
        kinds = {name: _kind(value) for name, value in leaves.items() if name != "seed"}
        alike.setdefault(json.dumps(kinds), []).append(index)
    for name in dict.fromkeys(name for leaves in flat for name in leaves):
        if name != "seed" and len({json.dumps(_kind(leaves.get(name))) for leaves in flat}) > 1:
            reasons[name] = "no float" if all(name in leaves for leaves in flat) else "not in all"
    groups = []
    for members in alike.values():
        found, fixed = _split(cfgs, flat, members)
        groups += found
        reasons |= fixed
    return Plan(groups, reasons)


def _split(cfgs, flat, members):
    """(groups of members that differ in nothing but seeds and floats, {name: why} of the floats that split them)."""
    first = members[0]
    varied = [name for name in flat[first] if len({flat[index][name] for index in members}) > 1 and name != "seed"]
    rows = [tuple(flat[index][name] for name in varied) for index in members]
    with computing(cfgs[first].trainer.get("precision")):
        experiment, fixed = _fixed(cfgs[first], varied, rows)
    parts, groups = {}, []
    for index in members:
        parts.setdefault(tuple(flat[index][name] for name in fixed), []).append(index)
    for part in parts.values():
        free = [name for name in varied if name not in fixed and len({flat[index][name] for index in part}) > 1]
        values = tuple(np.array([flat[index][name] for index in part]) for name in free)
        seeds = [int(cfgs[index].seed) for index in part]
        own = experiment if part[0] == first else None
        groups.append(Group(part, cfgs[part[0]], tuple(free), values, seeds, own))
    return groups, fixed


def _fixed(cfg, names, rows):
    """(the experiment of a configuration, {name: why} of its float leaves that cannot vary inside a program)."""
    if not names:
        return None, {}
    try:
        experiment = built(cfg)
    except ConfigError:
        return None, dict.fromkeys(names, "refused for some")
    reasons = {
        name: why
        for name, values in zip(names, zip(*rows, strict=True), strict=True)
        if name.startswith("data.") and (why := _in_data(cfg, name, values))
    }
    for name in names:
        if name not in reasons and (why := _untraceable(cfg, experiment, name)):
            reasons[name] = why
    return experiment, reasons


def _in_data(cfg, name, values):
    """Why a leaf of the node data cannot vary, or None: the arrays and the splits must not depend on it."""
    built = []
    for value in sorted(set(values)):
        try:
            dataset = assemble(with_values(cfg, [name], [value])).dataset
        except ConfigError:
            return "refused for some"
        built.append(jax.tree.leaves((dataset.arrays, dataset.splits, dataset.series and dataset.series.values)))
    same = all(
        len(one) == len(built[0])
        and all(np.array_equal(a, b, equal_nan=True) for a, b in zip(one, built[0], strict=True))
        for one in built
    )
    return None if same else "the data are made of it"


def _untraceable(cfg, experiment, name):
    """Why a float leaf cannot be an argument of the compiled program, or None."""

    def one_update(value):
        dataset = None if name.startswith("data.") else experiment.task.dataset
        run = updates(assemble(with_values(cfg, [name], [value]), dataset))
        state = run.init(jax.random.key(0))
        return run.run(state, experiment.task.dataset.arrays, run.plan(state), 1, 0)

    value = OmegaConf.select(cfg, name)
    try:
        traced, shapes = jax.make_jaxpr(one_update, return_shape=True)(jnp.asarray(value, float))
    except Exception as error:  # whatever tracing meets, the value was needed as a number
        return f"read before compiling: {type(error.__cause__ or error).__name__}"
    argument = traced.jaxpr.invars[0]
    if not any(argument is used for equation in traced.jaxpr.eqns for used in equation.invars):
        return "no compiled code reads it"
    return None if shapes == jax.eval_shape(lambda: one_update(value)) else "it changes the precision"


def _flat(cfg):
    """{dotted name: value} of what a run is made of, seed included."""
    nodes = {"seed", *(node for node in (*NODES, *FURTHER) if cfg.get(node))}
    named = {name: value for name, value in comparing.leaves(cfg).items() if name.partition(".")[0] in nodes}
    return {name: json.dumps(value) if isinstance(value, list) else value for name, value in named.items()}


def _kind(value):
    return {"float": None} if isinstance(value, float) else value
