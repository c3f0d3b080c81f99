"""Builds an `Experiment` from a configuration: everything is checked and built once, before anything compiles."""

import copy
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from omegaconf import OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from jaxrnn.arguments import validated
from jaxrnn.errors import ConfigError
from jaxrnn.experiments import comparing, hydra_errors, schema, targets, tracking
from jaxrnn.experiments.compose import compose
from jaxrnn.experiments.nodes import OPTIONAL, REQUIRED, STACKS
from jaxrnn.nets import adapted
from jaxrnn.optimizers import Optimizer
from jaxrnn.precision import computing
from jaxrnn.signatures import options, signature
from jaxrnn.storage.trackers.tracker import Tracker
from jaxrnn.training import compatibility, evaluation
from jaxrnn.training.evaluation import Evaluator
from jaxrnn.training.store import Checkpointing
from jaxrnn.training.update import Task, Trainer
from jaxrnn.types import Dataset, Net, Pair

ON_GPUS = ("jaxrnn.unroll.cudnn.unroll",)
INSTEAD = "jaxrnn.unroll.deferred.unroll"  # computes the same outputs on any device


class Experiment(NamedTuple):
    """Everything that a configuration describes.

    Fields:
      cfg: the configuration; empty for an experiment from Python objects.
      task: the `jaxrnn.training.Task`.
      seed: seed of everything random in a run.
      checkpointing: when checkpoints are written.
      callbacks: functions that are called at every report.
      probes: {name: `jaxrnn.training.probes.Probe`}.
      evaluator: the `Evaluator` of the task. It compiles once and is shared by all code that evaluates.
      trackers: the trackers that record a run; `fit` starts them.
    """

    cfg: Any
    task: Task
    seed: int
    checkpointing: Checkpointing
    callbacks: list[Any]
    probes: dict[str, Any]
    evaluator: Evaluator
    trackers: Sequence[Tracker] = ()


def experiment(*overrides: str) -> Experiment:
    """Builds the experiment that `jaxrnn train` would train with the same overrides.

        experiment = jaxrnn.experiment("model=lstm", "data=sine", "model.cell.size=16")

    Raises:
      ConfigError: if an override cannot be read or names a choice or a key that does not exist, or if the
        configuration cannot be used.
    """
    from hydra.errors import HydraException

    words = validated(list(overrides), list[str], "overrides")
    try:
        cfg = compose("train", words)
    except (HydraException, OmegaConfBaseException) as error:
        raise ConfigError(hydra_errors.one_line(error, hydra_errors.Typed("train", words, in_python=True))) from error
    return build(cfg)


def build(cfg):
    """Checks and normalises a configuration, in place, and builds its `Experiment`, before anything compiles.

    Raises:
      ConfigError: if the configuration cannot be used.
    """
    return instantiate(schema.prepare(cfg))


def instantiate(cfg):
    """Builds the `Experiment` of a configuration that `schema.prepare` has accepted.

    JAX's settings stay unchanged: the precision of the run applies only while its arrays are made.

    Raises:
      ConfigError: if the parts of the configuration do not fit each other.
    """
    with computing(cfg.trainer.get("precision")):
        return _experiment(cfg)


def _experiment(cfg):
    task = assemble(cfg)
    checkpointing = schema.instantiate(cfg.checkpoints) if "checkpoints" in cfg else Checkpointing()
    callbacks, probes = list(_collection(cfg, "callbacks").values()), _collection(cfg, "probes")
    compatibility.check(task, checkpointing, callbacks, probes, configured=True)
    return Experiment(
        cfg=cfg,
        task=task,
        seed=int(cfg.seed),
        checkpointing=checkpointing,
        callbacks=callbacks,
        probes=probes,
        evaluator=evaluation.evaluator(task),
        trackers=tracking.configured(cfg),
    )


def description(cfg):
    """Returns the part of a configuration that a checkpoint records, as {dotted name: value}.

    It leaves out what may change when the run is resumed: the number of steps and the paths of files. An unroll that
    requires a GPU is recorded as its replacement on other devices, so the run can be resumed on either.
    """
    leaves = comparing.leaves(cfg)
    if leaves["unroll._target_"] in ON_GPUS:
        leaves = {n: v for n, v in leaves.items() if not n.startswith("unroll.")} | {"unroll._target_": INSTEAD}
    return {n: v for n, v in leaves.items() if n != "trainer.steps" and not n.endswith(".path")}


def assemble(cfg, dataset=None):
    """Builds the `Task` of a checked configuration. Float values in the configuration may be traced.

    Args:
      cfg: the configuration.
      dataset: an already built data set, used instead of the node `data`.

    Raises:
      ConfigError: if a factory rejects its arguments.
    """
    dataset = _build_node(cfg, "data", Dataset) if dataset is None else dataset
    net = _build_net(cfg, dataset)
    return Task(
        net=adapted(net.with_unroll(_build_node(cfg, "unroll", Callable)), dataset),
        dataset=dataset,
        optimizer=_build_node(cfg, "optimizer", Optimizer),
        trainer=_build_node(cfg, "trainer", Trainer),
        regularizer=schema.instantiate(cfg.regularizer) if cfg.get("regularizer") is not None else None,
        metrics=_collection(cfg, "metrics"),
    )


def _build_node(cfg, node, kind):
    """Builds the object of a node and checks that it is of the expected kind."""
    return validated(schema.instantiate(cfg[node]), kind, f"{node}._target_={cfg[node]._target_}")


def _build_net(cfg, dataset):
    """Builds the net of the node `model`; the data set gives its sizes, and chooses one of `nodes.STACKS`."""
    inputs, symbols, arguments = _kind_of_inputs(dataset), dataset.symbols, {"output_size": dataset.output_size}
    if symbols.inputs is not None:
        arguments["vocabulary_size"] = symbols.inputs.size
    if inputs == "pairs":
        arguments["answers"] = "values" if symbols.outputs is None else "symbols"
    model, factories = cfg.model, targets.factories(cfg.model._target_, "model.")
    if len(factories) > 1:
        model = _without_idle(model, dict(zip(STACKS, factories, strict=True)), inputs)
        arguments["_target_"] = STACKS[inputs]
    return validated(schema.instantiate(model, **arguments), Net, f"model._target_={cfg.model._target_}")


def _kind_of_inputs(dataset):
    """Returns the kind of a data set's inputs, a key of `nodes.STACKS`."""
    if any(isinstance(batch.xs, Pair) for batch in dataset.splits.values()):
        return "pairs"
    return "values" if dataset.symbols.inputs is None else "symbols"


def _without_idle(model, factories, inputs):
    """Returns the node `model` without the options that the factory for these inputs does not have.

    Args:
      model: the node.
      factories: {inputs: function} for each of `nodes.STACKS`.
      inputs: the inputs of the data set, a key of `nodes.STACKS`.

    Raises:
      ConfigError: if such an option has another value than its default, so that it would have no effect.
    """
    chosen = signature(factories[inputs]).parameters
    model, (parameters, _) = copy.copy(model), options(list(factories.values()))
    for name in [name for name in model if name in parameters and name not in chosen]:
        if model[name] != parameters[name].default:
            value = str(model[name]).lower() if isinstance(model[name], bool) else model[name]
            if inputs == "pairs":
                reason = f"is not available in an encoder-decoder: leave model.{name} out"
            elif name in signature(factories["symbols"]).parameters:
                reason = f"needs data whose inputs are symbols, but these are values: leave model.{name} out"
            else:
                reason = "needs a decoder: use data whose answers have their own length, such as data=addition"
            raise ConfigError(f"model.{name}={value} {reason}")
        with open_dict(model):
            del model[name]
    return model


def with_values(cfg, names, values):
    """Copies a configuration with new values (which may be traced) at the given dotted names."""
    nodes = {node: OmegaConf.to_container(cfg[node]) for node in (*REQUIRED, *OPTIONAL) if cfg.get(node)}
    changed = OmegaConf.create(nodes, flags={"allow_objects": True})
    for name, value in zip(names, values, strict=True):
        OmegaConf.update(changed, name, value)
    return changed


def _collection(cfg, name):
    """Builds every node in a collection, as {name: object}."""
    return {key: schema.instantiate(node) for key, node in (cfg.get(name) or {}).items()}
