"""Groups runs that fit in one compiled program: runs that differ only in their seeds and in floats that can be traced.

Grouping needs no list of these floats: to test a float, it traces one update with the float as an argument.
"""

import json
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from omegaconf import DictConfig, OmegaConf

from jaxrnn.errors import ConfigError
from jaxrnn.experiments import comparing, nodes
from jaxrnn.experiments.build import Experiment, assemble, instantiate, with_values
from jaxrnn.precision import computing
from jaxrnn.training.update import updates


class Setting(NamedTuple):
    """A run's seed, and its floats in the order of its group's names."""

    seed: int
    values: tuple[float, ...]


class Group(NamedTuple):
    """Runs that one program trains.

    Fields:
      settings: {index of a run's configuration: its `Setting`}.
      cfg: the configuration of the first run.
      names: dotted names of the float leaves in which the runs differ.
      experiment: the `Experiment` of the first run, if grouping had to build it; else None.
    """

    settings: dict[int, Setting]
    cfg: DictConfig
    names: tuple[str, ...]
    experiment: Experiment | None

    @property
    def members(self) -> list[int]:
        """Indices of the configurations of the runs."""
        return list(self.settings)

    @property
    def is_single(self) -> bool:
        """True if the group has one run, whose rows are then sharded over the devices."""
        return len(self.settings) == 1


class Plan(NamedTuple):
    """Groups of configurations.

    Fields:
      groups: a list of `Group`s.
      reasons: {name: reason} of the leaves that split the groups.
    """

    groups: list[Group]
    reasons: dict[str, str]

    def lines(self):
        """Describes the groups and the reasons for them, as lines of text."""
        runs = sum(len(group.settings) for group in self.groups)
        lines = [f"{runs} runs, " + ("one group" if len(self.groups) == 1 else f"{len(self.groups)} compiled groups")]
        leaves = [_flat(group.cfg) for group in self.groups]
        splitting = [name for name in comparing.differing_names(leaves) if name in self.reasons]
        labels = {name: comparing.labels(name, [flat[name] for flat in leaves if name in flat]) for name in splitting}
        for number, (group, flat) in enumerate(zip(self.groups, leaves, strict=True), 1):
            seeds = {setting.seed for setting in group.settings.values()}
            varied = [*(["seed"] if len(seeds) > 1 else []), *group.names]
            settings = ", ".join(f"{name}={labels[name][flat[name]]}" for name in splitting if name in flat)
            together = f" together over {', '.join(varied)}" if varied else ""
            count = f"{len(group.settings)} run" + "s" * (not group.is_single)
            lines.append(f"  group {number}: {count}{together}" + (f"; {settings}" if settings else ""))
        if splitting:
            lines.append("  split by " + ", ".join(f"{name} ({self.reasons[name]})" for name in splitting))
        return lines


def plan(cfgs):
    """Groups checked configurations into as few programs as can train them all.

    Configurations share a program if they differ only in their seeds and in floats that the program can take as
    arguments. A float cannot be an argument in three cases: Python reads it before anything is traced, no traced code
    reads it, or the arrays of the data set depend on it.

    Args:
      cfgs: configurations that `jaxrnn.experiments.schema.prepare` has accepted.
    """
    leaves = [_flat(cfg) for cfg in cfgs]
    members_by_kinds = {}
    for index, flat in enumerate(leaves):
        kinds = {name: _kind(value) for name, value in flat.items() if name != "seed"}
        members_by_kinds.setdefault(json.dumps(kinds), []).append(index)
    groups, reasons = [], _kind_differences(leaves)
    for members in members_by_kinds.values():
        new_groups, fixed = _split(cfgs, leaves, members)
        groups += new_groups
        reasons |= fixed
    return Plan(groups, reasons)


def _kind_differences(leaves):
    """Returns {name: reason} of the leaves that differ and are not floats in all configurations."""
    reasons = {}
    for name in dict.fromkeys(name for flat in leaves for name in flat):
        if name != "seed" and len({json.dumps(_kind(flat.get(name))) for flat in leaves}) > 1:
            reasons[name] = "not a float" if all(name in flat for flat in leaves) else "not set in all runs"
    return reasons


def _split(cfgs, leaves, members):
    """Splits members that differ only in seeds and floats: (groups, {name: reason} of the floats that split them)."""

    def varying(names, indices):
        return [name for name in names if len({leaves[index][name] for index in indices}) > 1]

    first = members[0]
    varied = varying([name for name in leaves[first] if name != "seed"], members)
    values_by_name = {name: [leaves[index][name] for index in members] for name in varied}
    with computing(cfgs[first].trainer.get("precision")):
        experiment, fixed = _find_fixed(cfgs[first], values_by_name)
    parts, groups = {}, []
    for index in members:
        parts.setdefault(tuple(leaves[index][name] for name in fixed), []).append(index)
    for part in parts.values():
        free = varying([name for name in varied if name not in fixed], part)
        settings = {
            index: Setting(int(cfgs[index].seed), tuple(float(leaves[index][name]) for name in free)) for index in part
        }
        groups.append(Group(settings, cfgs[part[0]], tuple(free), experiment if part[0] == first else None))
    return groups, fixed


def _find_fixed(cfg, values_by_name):
    """Finds floats that cannot vary inside a program.

    Returns:
      (the experiment of the configuration or None, {name: reason}).
    """
    if not values_by_name:
        return None, {}
    try:
        experiment = instantiate(cfg)
    except ConfigError:
        return None, dict.fromkeys(values_by_name, "some values are invalid")
    reasons = {}
    for name, values in values_by_name.items():
        if name.startswith("data.") and (reason := _why_not_in_data(cfg, name, values)):
            reasons[name] = reason
    for name in values_by_name:
        if name not in reasons and (reason := _why_not_traced(cfg, experiment, name)):
            reasons[name] = reason
    return experiment, reasons


def _why_not_in_data(cfg, name, values):
    """Returns why a float of the node data cannot vary, or None.

    All runs of a group read the same arrays and splits. The float must therefore not change them.
    """
    arrays_by_value = []
    for value in sorted(set(values)):
        try:
            dataset = assemble(with_values(cfg, [name], [value])).dataset
        except ConfigError:
            return "some values are invalid"
        values_of_series = dataset.series and dataset.series.values
        arrays_by_value.append(jax.tree.leaves((dataset.train.arrays, dataset.splits, values_of_series)))
    first = arrays_by_value[0]
    are_same = all(
        len(arrays) == len(first)
        and all(np.array_equal(a, b, equal_nan=True) for a, b in zip(arrays, first, strict=True))
        for arrays in arrays_by_value
    )
    return None if are_same else "the data depend on it"


def _why_not_traced(cfg, experiment, name):
    """Returns why a float cannot be an argument of the compiled program, or None.

    It traces one update with the float as an argument:

    - If tracing fails, Python code needs the number, for example in an `if`.
    - If the trace does not use the argument, the float acts outside the program, and every run of a group would get
      the value of the first.
    - If the results change shape or type, the runs of a group would not compute what single runs compute.
    """

    def one_update(value):
        dataset = None if name.startswith("data.") else experiment.task.dataset
        run = updates(assemble(with_values(cfg, [name], [value]), dataset))
        state = run.init(jax.random.key(0))
        return run.run(state, experiment.task.dataset.train.arrays, run.plan(state), 1, 0)

    value = OmegaConf.select(cfg, name)
    try:
        traced, shapes = jax.make_jaxpr(one_update, return_shape=True)(jnp.asarray(value, float))
    except Exception as error:  # tracing may raise any error if code needs the value as a number
        return f"read before compiling: {type(error.__cause__ or error).__name__}"
    argument = traced.jaxpr.invars[0]
    if not any(argument is operand for equation in traced.jaxpr.eqns for operand in equation.invars):
        return "no compiled code reads it"
    return None if shapes == jax.eval_shape(lambda: one_update(value)) else "it changes the precision"


def _flat(cfg):
    """Returns {dotted name: value} of the leaves that define a run, with the seed."""
    names = {"seed", *(node for node in (*nodes.REQUIRED, *nodes.OF_A_GROUP) if cfg.get(node))}
    named = {name: value for name, value in comparing.leaves(cfg).items() if name.partition(".")[0] in names}
    return {name: json.dumps(value) if isinstance(value, list) else value for name, value in named.items()}


def _kind(value):
    """Returns the value, or a mark that is the same for all floats."""
    return {"float": None} if isinstance(value, float) else value
