"""Metric of a search: checks that every run of the search will have it, and finds which way it is better."""

from omegaconf import OmegaConf

from jaxrnn.errors import ConfigError
from jaxrnn.experiments import schema
from jaxrnn.experiments.build import instantiate
from jaxrnn.experiments.compose import force
from jaxrnn.metrics import better
from jaxrnn.sweeps import search_space


def better_of(metric, compose, shared_overrides, overrides):
    """Returns which way a metric is better, as in `jaxrnn.metrics`.

    It builds the configuration with the first value of every key, and one configuration for every other choice of a
    key. For intervals and ranges the choices are the two ends.

    Args:
      metric: "SPLIT.NAME".
      compose: overrides -> the configuration of a run.
      shared_overrides: overrides that all runs share.
      overrides: the parsed overrides with many values.

    Raises:
      ConfigError: if runs with some of the values do not have the metric, or disagree about which way is better.
    """
    values = {override.key_or_group: search_space.trial_values(override) for override in overrides}
    first = {name: choices[0] for name, choices in values.items()}
    other_choices = [(name, choice) for name, choices in values.items() for choice in choices[1:]]
    known, measured, errors = {}, {}, []
    for changed in (None, *other_choices):
        chosen = first if changed is None else {**first, changed[0]: changed[1]}
        try:
            known[changed] = _metrics(
                compose([*shared_overrides, *(force(f"{n}={v}") for n, v in chosen.items())]), measured
            )
        except ConfigError as error:  # trials with these values will fail and report the reason
            known[changed] = None
            errors.append(error)
    valid = {changed: metrics for changed, metrics in known.items() if metrics is not None}
    if not valid:
        raise errors[0]
    _check_metric(metric, first, valid)
    return next(iter(valid.values()))[metric]


def _check_metric(metric, first, known):
    """Refuses a metric that some of the runs will not have.

    Args:
      metric: "SPLIT.NAME".
      first: {name: first choice} of the keys.
      known: {None for the first choices, or (name, other choice): {metric: better}}.
    """
    lacking = [changed for changed, metrics in known.items() if metric not in metrics]
    if lacking:
        if None in lacking:  # if another choice of a key has the metric, the first choice of that key lacks it
            having = [changed for changed in known if changed not in lacking]
            words = list(dict.fromkeys(f"{name}={first[name]}" for name, _ in having))
        else:
            words = [f"{name}={choice}" for name, choice in lacking]
        names = ", ".join(known[lacking[0]])
        runs = f"runs with {' or '.join(words)}" if words else "runs"
        raise ConfigError(f"tune.metric={metric}: {runs} have no such metric; choose one of {names}")
    if len({metrics[metric] for metrics in known.values()}) > 1:
        raise ConfigError(f"tune.metric={metric}: runs of this search disagree about which way the metric is better")


def _metrics(cfg, measured):
    """Returns {"SPLIT.NAME": better} of the runs of a configuration.

    `measured` caches the result by the nodes data and metrics, on which it depends.
    """
    schema.prepare(cfg)
    nodes = OmegaConf.to_yaml(OmegaConf.create([cfg.data, cfg.get("metrics")]))
    if nodes not in measured:
        task = instantiate(cfg).task
        directions = {"loss": "down"} | ({} if task.dataset.memory.solved is None else {"solved": "up"})
        directions |= {name: better(function) for name, function in task.measured.items()}
        splits = task.dataset.splits
        measured[nodes] = {f"{split}.{name}": direction for split in splits for name, direction in directions.items()}
    return measured[nodes]
