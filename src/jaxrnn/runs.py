"""A run: built from a configuration, trained into a folder, loaded from a folder."""

import contextlib
import csv
import signal
import time
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from omegaconf import DictConfig, OmegaConf

from jaxrnn import config, decode, logging, plotting, training
from jaxrnn.checkpoint import Checkpoints
from jaxrnn.config import Refusal
from jaxrnn.optimizers import Optimizer
from jaxrnn.training import Trainer
from jaxrnn.types import Count, Dataset, Net, Size


class Compiled(NamedTuple):
    """The functions of an experiment, here so that each is compiled once for all who call it.

    Fields:
      predict: (params, Batch) -> ys [T, B, K].
      measure: (params, Batch) -> the mean loss.
      trivial: Batch -> the trivial predictor's mean loss.
      go_on: (params, xs [T, K], length) -> ys [length, K], generated after the true values xs.
    """

    predict: Any
    measure: Any
    trivial: Any
    go_on: Any


class Experiment(NamedTuple):
    """What a configuration describes."""

    cfg: DictConfig
    dataset: Dataset
    net: Net
    optimizer: Optimizer
    trainer: Trainer
    compiled: Compiled


class Run(NamedTuple):
    """A trained network.

    Fields:
      folder: the run folder.
      experiment: the `Experiment`.
      params: the best params of the run, by validation loss; the last ones without a validation split.
      step: the update after which they were taken.
    """

    folder: Path
    experiment: Experiment
    params: Any
    step: int


def build(cfg):
    """The experiment of a configuration, checked, before anything compiles.

    Raises:
      Refusal: if the configuration cannot be used.
    """
    config.validated(cfg.seed, Count, "seed")
    config.check(cfg)
    trainer = config.build(cfg.trainer)
    jax.config.update("jax_enable_x64", trainer.precision == "f64")
    try:
        unroll = trainer.unrolled()
    except ValueError as error:
        raise Refusal(str(error)) from error
    dataset = config.build(cfg.data)
    if dataset.rows is not None and trainer.batch_size > dataset.rows:
        raise Refusal(
            f"trainer.batch_size={trainer.batch_size} is larger than the data: it holds {dataset.rows} sequences"
        )
    net = config.build(cfg.model, output_size=dataset.output_size, unroll=unroll)
    if dataset.continues and not net.causal:
        raise Refusal(
            "model.bidirectional reads the future, which a carry cannot hand on from batch to batch; "
            "set data.stateful=false with a data.window of more than one step"
        )
    return Experiment(cfg, dataset, net, config.build(cfg.optimizer), trainer, _compiled(dataset, net, trainer))


def _compiled(dataset, net, trainer):
    def go_on(params, xs, length):
        params = training.cast(params, trainer.precision)
        return decode.prime_and_generate(net, params, xs, length)[1]

    predict = training.predictor(net, trainer.precision)
    return Compiled(
        predict=predict,
        measure=training.evaluator(predict, dataset.loss),
        trivial=jax.jit(lambda batch: training.mean_loss(dataset.loss, dataset.trivial(batch), batch)),
        go_on=jax.jit(go_on, static_argnums=2),
    )


def train(cfg, folder):
    """Trains into a run folder, going on from its last checkpoint if it holds one.

    Args:
      cfg: a configuration with the nodes model, data, optimizer and trainer, and a seed.
      folder: the run folder.

    Returns:
      The summary, as `summary.json` holds it.

    Raises:
      Refusal: if the configuration cannot be used.
    """
    experiment = build(cfg)
    folder = Path(folder)
    try:
        fitted = _fit(experiment, folder)
        summary = _summary(experiment, folder, fitted)
        logging.write_summary(folder, summary)
        if fitted.status != "stopped":
            draw(Run(folder, experiment, fitted.best, fitted.best_step))
    except OSError as error:
        raise Refusal(f"{error}; what was saved stays: make room and go on with {_resume(folder)}") from error
    return summary


def resume(folder, steps=None):
    """Goes on from a run's last checkpoint, in its folder; from the beginning if it was killed before its first.

    Args:
      folder: the run folder.
      steps: train up to this many updates instead of what the run was started with.

    Returns:
      The summary.

    Raises:
      Refusal: if the folder is no run folder, or steps is no positive integer.
    """
    cfg = saved_config(folder)
    if steps is not None:
        cfg.trainer.steps = config.validated(steps, Size, "trainer.steps")
    return train(cfg, folder)


def load(folder):
    """The trained network of a run folder.

    Raises:
      Refusal: if the folder is none, was made by a version that this one cannot read, or holds no checkpoint.
    """
    folder = Path(folder)
    experiment = build(saved_config(folder))
    program = training.program(experiment.net, experiment.dataset, experiment.optimizer, experiment.trainer)
    restored = _restore(folder, Checkpoints(folder), jax.eval_shape(program.init, jax.random.key(0)))
    if restored is None:
        raise Refusal(f"{folder} holds no checkpoint yet; go on with it: {_resume(folder)}")
    _, best, progress = restored
    return Run(folder, experiment, best, progress["best_step"])


def saved_config(folder):
    """The configuration of a run folder.

    Raises:
      Refusal: if the folder is none.
    """
    file = Path(folder) / ".hydra" / "config.yaml"
    if not file.is_file():
        raise Refusal(f"{folder} is no run folder: it has no .hydra/config.yaml")
    cfg = OmegaConf.load(file)
    if missing := [name for name in ("seed", "model", "data", "optimizer", "trainer") if name not in cfg]:
        raise Refusal(f"{file} is not the configuration of a run: it lacks {', '.join(missing)}")
    return cfg


def predict(run, split):
    """The one-step predictions ys [T, B, K] of a split of the run's data."""
    return run.experiment.compiled.predict(run.params, run.experiment.dataset.splits[split])


def evaluate(run):
    """The loss of every split beside the trivial predictor's: {split: {"loss", "baseline"}}, mean squared errors in
    the network's units for a forecast."""
    compiled, splits = run.experiment.compiled, run.experiment.dataset.splits
    return {
        name: {"loss": float(compiled.measure(run.params, batch)), "baseline": float(compiled.trivial(batch))}
        for name, batch in splits.items()
    }


def generate(run, prime=None, length=None):
    """Primes the network on the true values before the handover and lets it run on its own output.

    Args:
      run: a `Run` on a series.
      prime: number of true values; None for twice the window, or all there are for a stateful data set.
      length: number of values generated; None for as many as the prime, as far as the truth is known.

    Returns:
      (prime, ys [length, K]), in the network's units.

    Raises:
      Refusal: if the data are no series, or prime or length do not fit it.
    """
    series, net = run.experiment.dataset.series, run.experiment.net
    if series is None:
        raise Refusal("these data are no series: there is nothing to continue")
    if not net.causal:
        raise Refusal("this network reads the future (bidirectional), so it cannot generate")
    known = series.handover
    if prime is None:
        window = run.experiment.dataset.splits["validation"].xs.shape[0]
        prime = known if run.experiment.dataset.continues else min(known, 2 * window)
    if length is None:
        length = min(prime, len(series.values) - known)
    if not 1 <= prime <= known:
        raise Refusal(f"prime={prime}: give 1 to {known} values; generation begins at index {known} of the series")
    if length < 1:
        raise Refusal(f"length={length}: give 1 value at least")
    xs = jnp.asarray(series.values[known - prime : known], float)
    return prime, np.asarray(run.experiment.compiled.go_on(run.params, xs, length))


def generation_error(run, generated):
    """Mean squared error of generated values [length, K] in the source's units, as far as the truth is known."""
    series = run.experiment.dataset.series
    truth = series.values[series.handover :][: len(generated)]
    return float(np.mean(((generated[: len(truth)] - truth) * series.std) ** 2)) if len(truth) else None


def draw(run):
    """Draws the figures of a run into its folder: learning curves, gradient norm, one-step prediction of the test
    split, free-running generation. Returns their paths."""
    cfg, dataset, net = run.experiment.cfg, run.experiment.dataset, run.experiment.net
    rows = logging.read(run.folder)
    validation = dataset.splits.get("validation")
    baseline = None if validation is None else float(run.experiment.compiled.trivial(validation))
    figures = {
        "learning_curves": plotting.learning_curves(rows, baseline),
        "gradient_norm": plotting.gradient_norm(rows, cfg.optimizer.get("clip_norm")),
    }
    if dataset.series is not None and "test" in dataset.splits:
        weights = np.asarray(dataset.splits["test"].weights)
        predicted = np.asarray(predict(run, "test")).swapaxes(0, 1)[weights.T > 0]
        end = len(dataset.series.values)
        figures["prediction"] = plotting.prediction(dataset.series, (end - len(predicted), end), predicted)
    if dataset.series is not None and net.causal:
        prime, generated = generate(run)
        figures["generation"] = plotting.generation(dataset.series, dataset.series.handover, prime, generated)
    return [plotting.save(figure, run.folder, name) for name, figure in figures.items()]


def write_evaluation(run):
    """Evaluates a run into its `evaluation.csv`, draws its figures, and returns the metrics."""
    metrics = evaluate(run)
    with open(run.folder / "evaluation.csv", "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["split", "loss", "baseline"])
        writer.writerows([name, *values.values()] for name, values in metrics.items())
    draw(run)
    return metrics


def write_generation(run, prime=None, length=None):
    """Generates into a run's `generation.csv` and `figures/generation.png`, in the source's units.

    Arguments and refusals as in `generate`.

    Returns:
      (path of the values, path of the figure, mean squared error or None where the truth is not known).
    """
    prime, generated = generate(run, prime, length)
    series = run.experiment.dataset.series
    path = run.folder / "generation.csv"
    truth = [*series.values[series.handover :][: len(generated), 0] * series.std + series.mean]
    with open(path, "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["index", "generated", "truth"])
        for place, value in enumerate(generated[:, 0] * series.std + series.mean):
            writer.writerow([series.handover + place, value, truth[place] if place < len(truth) else ""])
    figure = plotting.save(plotting.generation(series, series.handover, prime, generated), run.folder, "generation")
    return path, figure, generation_error(run, generated)


def report(summary, folder):
    """What a training run came to, as text for the terminal: status, losses, where the figures are, how to go on."""
    lines = [f"{summary['status']} at step {summary['steps']}" + (f": {summary['reason']}" * bool(summary["reason"]))]
    splits = {name: values for name, values in summary["metrics"].items() if values and "baseline" in values}
    if splits:
        lines += [f"the best params, of step {summary['best_step']}:", table(splits)]
    if "generation" in summary and summary["generation"]["mean_squared_error"] is not None:
        lines.append(
            "{length} values generated after {prime}: mean squared error {mean_squared_error:.3g}".format(
                **summary["generation"]
            )
        )
    if summary["status"] == "stopped":
        lines.append(f"go on with: {_resume(folder)}")
    else:
        lines.append(f"figures in {folder}/figures")
    return "\n".join(lines)


def table(metrics):
    """The loss of every split beside the trivial predictor's, as text."""
    lines = [f"{'split':<12}{'loss':>12}{'last value':>12}"]
    for name, values in metrics.items():
        lines.append(f"{name:<12}{values['loss']:>12.4g}{values['baseline']:>12.4g}")
    return "\n".join(lines)


class _Fitted(NamedTuple):
    """What a training run came to.

    Fields:
      best, best_step: the best params and the update after which they were taken.
      train: the last row of the training split.
      step: updates made.
      status, reason: "finished", "stopped" or "diverged", and why, in words, or None.
      seconds, compile_seconds: of the whole run, resumed parts included; of the last compilation.
      steps_per_second: of the compiled updates alone, in this process.
    """

    best: Any
    best_step: int
    train: dict | None
    step: int
    status: str
    reason: str | None
    seconds: float
    compile_seconds: float
    steps_per_second: float | None


def _fit(experiment, folder):
    cfg, dataset, trainer = experiment.cfg, experiment.dataset, experiment.trainer
    program = training.program(experiment.net, dataset, experiment.optimizer, trainer)
    state = program.init(jax.random.key(cfg.seed))
    checkpoints = Checkpoints(folder)
    best = state.params
    progress = {"best_loss": None, "best_step": 0, "stale": 0, "seconds": 0.0}
    if (restored := _restore(folder, checkpoints, state)) is not None:
        state, best, progress = restored
    step, saved_step = int(state.step), None if restored is None else int(state.step)
    earlier_seconds, began = progress["seconds"], time.perf_counter()
    advance = program.advance.lower(state, dataset.arrays, np.int32(0)).compile()
    compile_seconds = time.perf_counter() - began
    saved_at, updating, first_step = time.perf_counter(), 0.0, step
    status, reason, train_row = "finished", None, None

    def save():
        progress["seconds"] = earlier_seconds + time.perf_counter() - began
        checkpoints.save(state, best, progress)

    with (
        logging.Metrics(folder, step) as metrics,
        logging.progress_bar(trainer.steps, step) as bar,
        _interrupts() as interrupts,
    ):
        while step < trainer.steps:
            n = min(trainer.report_every - step % trainer.report_every, trainer.steps - step)
            call = time.perf_counter()
            new_state, report = jax.block_until_ready(advance(state, dataset.arrays, np.int32(n)))
            updating += time.perf_counter() - call
            report = training.Report(*(np.asarray(column)[:n] for column in report))
            train_row = _row(report)
            metrics.write(step=step + n, split="train", **train_row)
            if (bad := _first_not_finite(report)) is not None:
                status, reason = "diverged", f"the loss or the params are no longer finite at step {step + bad + 1}"
                break
            state, step = new_state, step + n
            if "validation" in dataset.splits:
                loss = float(experiment.compiled.measure(state.params, dataset.splits["validation"]))
                metrics.write(step=step, split="validation", loss=loss)
                bar.set_postfix(loss=f"{train_row['loss']:.3g}", validation=f"{loss:.3g}", refresh=False)
            else:
                loss = -np.inf  # nothing to choose by: the last params are the best
                bar.set_postfix(loss=f"{train_row['loss']:.3g}", refresh=False)
            if progress["best_loss"] is None or loss < progress["best_loss"] or loss == -np.inf:
                best, progress["stale"] = state.params, 0
                progress.update(best_loss=loss if np.isfinite(loss) else None, best_step=step)
            else:
                progress["stale"] += 1
            bar.update(n)
            if saved_step is None or time.perf_counter() - saved_at >= trainer.checkpoint_seconds:
                save()
                saved_step, saved_at = step, time.perf_counter()
            if interrupts:
                status, reason = "stopped", interrupts[0]
                break
            if trainer.patience is not None and progress["stale"] >= trainer.patience:
                reason = f"no better validation loss in trainer.patience={trainer.patience} reports"
                break
        if saved_step != step:
            save()
    return _Fitted(
        best=best,
        best_step=progress["best_step"],
        train=train_row,
        step=step,
        status=status,
        reason=reason,
        seconds=earlier_seconds + time.perf_counter() - began,
        compile_seconds=compile_seconds,
        steps_per_second=(step - first_step) / updating if step > first_step else None,
    )


def _row(report):
    """The columns of `metrics.csv` for the updates of a report."""
    return {
        "loss": float(report.loss.mean()),
        "grad_norm": float(report.grad_norm.mean()),
        "grad_norm_max": float(report.grad_norm.max()),
        "clipped": float(report.clipped.mean()),
        "update_norm": float(report.update_norm.mean()),
        "param_norm": float(report.param_norm[-1]),
    }


def _first_not_finite(report):
    finite = np.isfinite(report.loss) & np.isfinite(report.param_norm)
    return None if finite.all() else int(np.argmin(finite))


def _summary(experiment, folder, fitted):
    summary = {
        "status": fitted.status,
        "reason": fitted.reason,
        "steps": fitted.step,
        "best_step": fitted.best_step,
        "metrics": {"train": fitted.train},
        "seconds": fitted.seconds,
        "compile_seconds": fitted.compile_seconds,
        "steps_per_second": fitted.steps_per_second,
        "parameters": sum(leaf.size for leaf in jax.tree.leaves(fitted.best)),
        **logging.versions(),
    }
    if fitted.status != "stopped":
        run = Run(folder, experiment, fitted.best, fitted.best_step)
        summary["metrics"] |= evaluate(run)
        if experiment.dataset.series is not None and experiment.net.causal:
            prime, generated = generate(run)
            error = generation_error(run, generated)
            summary["generation"] = {"prime": prime, "length": len(generated), "mean_squared_error": error}
    return summary


def _restore(folder, checkpoints, state):
    try:
        return checkpoints.restore(state, state.params)
    except (ValueError, KeyError, TypeError) as error:
        raise Refusal(
            f"{folder}: its checkpoint is broken or of another version of jaxrnn or of the model "
            f"({str(error).splitlines()[0][:200]})"
        ) from error


@contextlib.contextmanager
def _interrupts():
    """Ctrl-C and SIGTERM as entries of a list, read between two reports; a second one ends the process at once."""
    received = []

    def note(number, frame):
        received.append(signal.Signals(number).name)
        signal.signal(number, previous[number])

    previous = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _resume(folder):
    return f"python scripts/train.py resume={folder}"
