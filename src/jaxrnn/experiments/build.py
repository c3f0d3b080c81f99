"""An experiment: what a configuration describes, checked and built once, before anything compiles."""

from collections.abc import Callable
from typing import Any, NamedTuple

from omegaconf import DictConfig, OmegaConf

from jaxrnn.arguments import validated
from jaxrnn.experiments import comparing, config
from jaxrnn.experiments.conf import compose
from jaxrnn.nets import adapted
from jaxrnn.optimizers import Optimizer
from jaxrnn.precision import computing
from jaxrnn.training import compatibility, evaluation
from jaxrnn.training.checkpoints import Checkpointing
from jaxrnn.training.evaluation import Evaluator
from jaxrnn.training.update import Task, Trainer
from jaxrnn.types import Dataset, Net, Pair

ON_GPUS = ("jaxrnn.unroll.cudnn.unroll",)
INSTEAD = "jaxrnn.unroll.deferred.unroll"  # the same network elsewhere
NODES = ("model", "data", "optimizer", "unroll", "trainer")  # of every run's configuration


class Experiment(NamedTuple):
    """What a configuration describes.

    Fields:
      cfg: the configuration.
      task: the `jaxrnn.training.Task`.
      seed: of all that a run draws.
      checkpointing: when checkpoints are taken.
      callbacks: functions that are called at every report.
      probes: {name: `jaxrnn.training.probes.Probe`}.
      evaluator: the task's `Evaluator`, compiled once for all who evaluate.
    """

    cfg: DictConfig
    task: Task
    seed: int
    checkpointing: Checkpointing
    callbacks: list[Any]
    probes: dict[str, Any]
    evaluator: Evaluator


def experiment(*overrides: str) -> Experiment:
    """The experiment that `python scripts/train.py` would train under these overrides, from Python.

        experiment = jaxrnn.experiment("model=lstm", "data=sine", "model.cell.size=16")

    Raises:
      ConfigError: if the configuration cannot be used.
      hydra.errors.HydraException: if an override names a choice that does not exist.
    """
    return build(compose("train", overrides))


def build(cfg):
    """The experiment of a configuration, checked, before anything compiles.

    Raises:
      ConfigError: if the configuration cannot be used.
    """
    check(cfg)
    return built(cfg)


def check(cfg, skipped=()):
    """Holds a configuration to the factories' signatures, all but its keys that are skipped (see `config.check`).

    Raises:
      ConfigError: at the first thing that cannot be.
    """
    config.check(cfg, skipped=skipped)


def built(cfg):
    """The experiment of a configuration that `check` has let pass.

    Raises:
      ConfigError: if its parts do not fit each other.
    """
    with computing(cfg.trainer.get("precision")):
        return _experiment(cfg)


def _experiment(cfg):
    task = assemble(cfg)
    checkpointing = config.build(cfg.checkpoints) if "checkpoints" in cfg else Checkpointing()
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
    """{name: value} of what a checkpoint notes of a configuration: all but what may change when the run goes on, how
    long it trains and where its files are; the unroll that needs a GPU as what stands for it elsewhere."""
    leaves = comparing.leaves(cfg)
    if leaves["unroll._target_"] in ON_GPUS:
        leaves = {n: v for n, v in leaves.items() if not n.startswith("unroll.")} | {"unroll._target_": INSTEAD}
    return {n: v for n, v in leaves.items() if n != "trainer.steps" and not n.endswith(".path")}


def assemble(cfg, dataset=None):
    """The task of a checked configuration, whose float values may be traced.

    Args:
      cfg: the configuration.
      dataset: what stands for the node data, where that is built already.

    Raises:
      ConfigError: where a factory refuses its arguments.
    """
    dataset = _made(cfg, "data", Dataset) if dataset is None else dataset
    net = _made(cfg, "model", Net, output_size=dataset.output_size, **_of_symbols(dataset))
    return Task(
        net=adapted(net.unrolled(_made(cfg, "unroll", Callable)), dataset),
        dataset=dataset,
        optimizer=_made(cfg, "optimizer", Optimizer),
        trainer=_made(cfg, "trainer", Trainer),
        regularizer=config.build(cfg.regularizer) if cfg.get("regularizer") is not None else None,
        metrics=_collection(cfg, "metrics"),
    )


def _made(cfg, node, kind, **arguments):
    """The object of a node, of the kind that it should be."""
    found = config.build(cfg[node], **arguments)
    return validated(found, kind, f"{node}._target_={cfg[node]._target_}")


def _of_symbols(dataset):
    """What a net has to know of data that are symbols, or whose answers have a length of their own."""
    known = {} if dataset.inputs is None else {"symbols": dataset.inputs.size}
    if any(isinstance(batch.xs, Pair) for batch in dataset.splits.values()):
        known["answers"] = "symbols" if dataset.outputs is not None else "values"
    return known


def with_values(cfg, names, values):
    """A configuration whose leaves of these dotted names hold the values, which may be traced."""
    nodes = {node: OmegaConf.to_container(cfg[node]) for node in (*NODES, "regularizer", "metrics") if cfg.get(node)}
    changed = OmegaConf.create(nodes, flags={"allow_objects": True})
    for name, value in zip(names, values, strict=True):
        OmegaConf.update(changed, name, value)
    return changed


def _collection(cfg, name):
    """{name: object} of a node of nodes."""
    return {key: config.build(node) for key, node in (cfg.get(name) or {}).items()}
