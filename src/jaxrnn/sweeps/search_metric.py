"""The metric of a search: whether all runs that may be asked for have it, and which way it is better."""

from omegaconf import OmegaConf

from jaxrnn.errors import ConfigError
from jaxrnn.experiments.build import built, check
from jaxrnn.experiments.conf import force
from jaxrnn.metrics import better
from jaxrnn.sweeps import search_space


def better_of(metric, compose, given, overrides):
    """Which way a metric is better, as in `jaxrnn.metrics`.

    The first values that are searched for are looked at together, and every other choice in their place, one at a
    time; of numbers the ends.

    Args:
      metric: "SPLIT.NAME".
      compose: overrides -> the configuration of a run.
      given: overrides that all runs share.
      overrides: those that name many values, parsed.

    Raises:
      ConfigError: if runs with some of the values will not have it, or disagree about which way is better.
    """
    values = {override.key_or_group: search_space.trial_values(override) for override in overrides}
    first = {name: choices[0] for name, choices in values.items()}
    others = [(name, choice) for name, choices in values.items() for choice in choices[1:]]
    known, measured, refused = {}, {}, None
    for changed in (None, *others):
        chosen = first if changed is None else {**first, changed[0]: changed[1]}
        try:
            known[changed] = _metrics(compose([*given, *(force(f"{n}={v}") for n, v in chosen.items())]), measured)
        except ConfigError as error:  # trials with these values fail, and say why
            known[changed], refused = None, refused or error
    if all(each is None for each in known.values()):
        raise refused
    _refuse(metric, first, {changed: each for changed, each in known.items() if each is not None})
    return next(each[metric] for each in known.values() if each is not None)


def _refuse(metric, first, known):
    """Refuses a metric that some of the runs will not have; {None or (name, choice): {metric: better}}."""
    lacking = [changed for changed, each in known.items() if metric not in each]
    if lacking:
        having = [changed for changed in known if changed not in lacking]
        if None in lacking:  # a choice that has it in place of the first one tells which one lacks it
            words = list(dict.fromkeys(f"{name}={first[name]}" for name, _ in having))
        else:
            words = [f"{name}={choice}" for name, choice in lacking]
        names = ", ".join(known[lacking[0]])
        whose = f"runs with {' or '.join(words)}" if words else "runs"
        raise ConfigError(f"tune.metric={metric}: {whose} have no such metric; there are {names}")
    if len({each[metric] for each in known.values()}) > 1:
        raise ConfigError(f"tune.metric={metric}: the values searched for disagree about which way it is better")


def _metrics(cfg, measured):
    """{"SPLIT.NAME": better} of the runs of a configuration; `measured` holds those of its data and metrics."""
    check(cfg)
    nodes = OmegaConf.to_yaml(OmegaConf.create([cfg.data, cfg.get("metrics")]))
    if nodes not in measured:
        task = built(cfg).task
        ways = {"loss": "down"} | ({} if task.dataset.correct is None else {"correct": "up"})
        ways |= {name: better(found) for name, found in task.measured.items()}
        measured[nodes] = {f"{split}.{name}": way for split in task.dataset.splits for name, way in ways.items()}
    return measured[nodes]
