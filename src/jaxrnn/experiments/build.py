"""Builds an `Experiment` from a configuration: everything is checked and built once, before anything compiles."""

from collections.abc import Callable
from typing import Any, NamedTuple

from omegaconf import DictConfig, OmegaConf

from jaxrnn.arguments import validated
from jaxrnn.experiments import comparing, schema
from jaxrnn.experiments.compose import compose
from jaxrnn.experiments.nodes import OPTIONAL, REQUIRED
from jaxrnn.nets import adapted
from jaxrnn.optimizers import Optimizer
from jaxrnn.precision import computing
from jaxrnn.training import compatibility, evaluation
from jaxrnn.training.checkpoints import Checkpointing
from jaxrnn.training.evaluation import Evaluator
from jaxrnn.training.update import Task, Trainer
from jaxrnn.types import Dataset, Net, Pair

ON_GPUS = ("jaxrnn.unroll.cudnn.unroll",)
INSTEAD = "jaxrnn.unroll.deferred.unroll"  # computes the same outputs on any device


class Experiment(NamedTuple):
    """Everything that a configuration describes.

    Fields:
      cfg: the configuration.
      task: the `jaxrnn.training.Task`.
      seed: seed of everything random in a run.
      checkpointing: when checkpoints are written.
      callbacks: functions that are called at every report.
      probes: {name: `jaxrnn.training.probes.Probe`}.
      evaluator: the `Evaluator` of the task. It compiles once and is shared by all code that evaluates.
    """

    cfg: DictConfig
    task: Task
    seed: int
    checkpointing: Checkpointing
    callbacks: list[Any]
    probes: dict[str, Any]
    evaluator: Evaluator


def experiment(*overrides: str) -> Experiment:
    """Builds the experiment that `python scripts/train.py` would train with the same overrides.

        experiment = jaxrnn.experiment("model=lstm", "data=sine", "model.cell.size=16")

    Raises:
      ConfigError: if the configuration cannot be used.
      hydra.errors.HydraException: if an override names a choice that does not exist.
    """
    return build(compose("train", overrides))


def build(cfg):
    """Checks a configuration and builds its `Experiment`, before anything compiles.

    Raises:
      ConfigError: if the configuration cannot be used.
    """
    check(cfg)
    return built(cfg)


def check(cfg, skipped=()):
    """Checks a configuration against the factories' signatures, except for the keys in `skipped` (see `schema.check`).

    Raises:
      ConfigError: at the first key that is unknown, missing or has an invalid value.
    """
    schema.check(cfg, skipped=skipped)


def built(cfg):
    """Builds the `Experiment` of a configuration that `check` has accepted.

    Raises:
      ConfigError: if the parts of the configuration do not fit each other.
    """
    with computing(cfg.trainer.get("precision")):
        return _experiment(cfg)


def _experiment(cfg):
    task = assemble(cfg)
    checkpointing = schema.build(cfg.checkpoints) if "checkpoints" in cfg else Checkpointing()
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
    net = _build_node(cfg, "model", Net, output_size=dataset.output_size, **_of_symbols(dataset))
    return Task(
        net=adapted(net.with_unroll(_build_node(cfg, "unroll", Callable)), dataset),
        dataset=dataset,
        optimizer=_build_node(cfg, "optimizer", Optimizer),
        trainer=_build_node(cfg, "trainer", Trainer),
        regularizer=schema.build(cfg.regularizer) if cfg.get("regularizer") is not None else None,
        metrics=_collection(cfg, "metrics"),
    )


def _build_node(cfg, node, kind, **arguments):
    """Builds the object of a node and checks that it is of the expected kind."""
    part = schema.build(cfg[node], **arguments)
    return validated(part, kind, f"{node}._target_={cfg[node]._target_}")


def _of_symbols(dataset):
    """Returns the arguments that the net's factory needs for symbols as inputs and for answers of another length."""
    symbols = dataset.symbols
    arguments = {} if symbols.inputs is None else {"vocabulary_size": symbols.inputs.size}
    if any(isinstance(batch.xs, Pair) for batch in dataset.splits.values()):
        arguments["answers"] = "symbols" if symbols.outputs is not None else "values"
    return arguments


def with_values(cfg, names, values):
    """Copies a configuration with new values (which may be traced) at the given dotted names."""
    nodes = {node: OmegaConf.to_container(cfg[node]) for node in (*REQUIRED, *OPTIONAL) if cfg.get(node)}
    changed = OmegaConf.create(nodes, flags={"allow_objects": True})
    for name, value in zip(names, values, strict=True):
        OmegaConf.update(changed, name, value)
    return changed


def _collection(cfg, name):
    """Builds every node in a collection, as {name: object}."""
    return {key: schema.build(node) for key, node in (cfg.get(name) or {}).items()}
