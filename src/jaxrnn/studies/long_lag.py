"""Number of sequences a network sees before it bridges a lag, if it ever does.

The tasks and the stop rule come from Hochreiter & Schmidhuber 1997: training ends when the network got the last 2000
training sequences right, each before it learned from it. Sequences are counted in whole batches; a batch with a wrong
sequence starts the count again.
"""

from typing import Any

import numpy as np
from matplotlib.ticker import FuncFormatter, NullLocator

from jaxrnn import statistics
from jaxrnn.plotting import style
from jaxrnn.studies import _curves as curves
from jaxrnn.studies._ensembles import train_named
from jaxrnn.studies._networks import ensembles
from jaxrnn.studies._precision import study_function
from jaxrnn.studies._result import Result
from jaxrnn.studies._retraining import reconfigure, retraining_note
from jaxrnn.table import Table
from jaxrnn.training.ensemble import ensemble_training
from jaxrnn.types import ListOf, Size

# Sequences seen until training stopped, means over successful trials: Hochreiter & Schmidhuber 1997, tables 7, 8 and 9.
PUBLISHED = {
    ("adding", 100): 74_000,
    ("adding", 500): 209_000,
    ("adding", 1000): 853_000,
    ("multiplication", 100): 1_273_000,
    ("temporal_order, 2 symbols", 100): 31_390,
    ("temporal_order, 3 symbols", 100): 571_100,
}
CAPTIONS = {
    "long_lag": "Left: share of networks that got the required number of successive training sequences right, against "
    "the length of the sequences, with 90 % binomial intervals (curves are shifted a little sideways). Right: "
    "sequences seen until then, medians over the networks that got there, with 90 % bootstrap intervals.",
}
DIFFERENCES = (
    "the protocols differ: here Adam, batches of trainer.batch_size sequences, the exact gradient and today's cells; "
    "in 1997 plain SGD after every sequence, a truncated gradient, and memory cells without a forget gate"
)


def sequences_seen(task: Any, seeds: Any, right: Any, max_sequences: Any, name: str = "network") -> Any:
    """Trains N networks until each has got `right` successive training sequences right.

    Args:
      task: a `Task`; its trainer's number of steps is not used.
      seeds: [N], seeds of the networks.
      right: number of successive training sequences that must be right.
      max_sequences: largest number of sequences that a network sees.
      name: name of the networks, for the progress bar.

    Returns:
      [N], the sequences seen until then; NaN for a network that did not succeed within `max_sequences`.
    """
    batch_size, report_every = task.trainer.batch_size, task.trainer.report_every
    steps = -(-max_sequences // batch_size)
    task = task._replace(trainer=task.trainer._replace(steps=-(-steps // report_every) * report_every))
    streak, successes, seen = np.zeros(len(seeds), int), np.full(len(seeds), np.nan), [0]

    def count(training):
        for correct in training.report.solved.T:
            seen[0] += batch_size
            streak[:] = np.where(correct > 1 - 0.5 / batch_size, streak + batch_size, 0)
            done = np.isnan(successes) & (streak >= right) & (seen[0] <= max_sequences)
            successes[done] = seen[0]
        for row, history in training.going().items():
            if not np.isnan(successes[row]):
                history.end("finished", "enough successive sequences are right")

    train_named(name, ensemble_training(task, seeds), count)
    return successes


@study_function
def study(
    networks: Any, lengths: ListOf[Size] = (50, 100, 200), right: Size = 2000, max_sequences: Size = 100_000
) -> Result:
    """Sequences until the stop rule, for every kind of network and every length; many seeds train in one program.

    Args:
      networks: as in `jaxrnn.studies`, with configurations; they define what is trained, and with how many seeds.
      lengths: values of `data.length`, in steps.
      right: number of successive training sequences that must be right.
      max_sequences: largest number of sequences that a network sees.

    Returns:
      A `Result`. Each network has "seen" [lengths, N], the sequences seen, NaN if the network did not learn. Common are
      "lengths" and "max_sequences".

    Raises:
      ValueError: if the data have no length or cannot tell whether a sequence is right, or without a configuration.
    """
    arrays_by_network, rows, findings = {}, [], []
    for ensemble in ensembles(networks):
        if ensemble.experiment is None:
            raise ValueError("the study varies data.length: give networks that come from a configuration")
        cfg = ensemble.experiment.cfg
        findings += retraining_note(ensemble)
        if ensemble.dataset.memory.solved is None or "length" not in cfg.data:
            raise ValueError(
                "these data do not fit: expected a task with a length that defines when a sequence is right; "
                "use for instance data=adding"
            )
        results = []
        for length in lengths:
            experiment = reconfigure(ensemble, "data.length", length)
            name = f"{ensemble.name}, {length} steps"
            results.append(sequences_seen(experiment.task, ensemble.seeds, right, max_sequences, name))
            rows.append(_row(ensemble.name, experiment.cfg.data, length, results[-1]))
            findings.append("{network}, {task}, length {length}: ".format(**rows[-1]) + _words(rows[-1]))
        arrays_by_network[ensemble.name] = {"seen": np.array(results)}
    common = {"lengths": np.array(lengths), "max_sequences": np.array(max_sequences)}
    return Result(arrays_by_network, Table(rows), [*findings, DIFFERENCES], plot, common, captions=CAPTIONS)


def _row(name, data, length, seen):
    task = data._target_.split(".")[-2]
    task += f", {data.get('symbols', 2)} symbols" if task == "temporal_order" else ""
    solved = seen[~np.isnan(seen)]
    return {
        "network": name,
        "task": task,
        "length": int(length),
        "networks": len(seen),
        "successful": len(solved),
        **dict(zip(("share", "low", "high"), statistics.share(len(solved), len(seen)), strict=True)),
        "mean": float(solved.mean()) if len(solved) else "",
        "fewest": float(solved.min()) if len(solved) else "",
        "most": float(solved.max()) if len(solved) else "",
        "published_lstm_1997": PUBLISHED.get((task, int(length)), ""),
    }


def _words(row):
    text = f"{row['successful']} of {row['networks']} networks"
    if row["successful"]:
        text += f" after {row['mean']:,.0f} sequences ({row['fewest']:,.0f} to {row['most']:,.0f})"
    return text + (f"; 1997: {row['published_lstm_1997']:,}" if row["published_lstm_1997"] else "")


def plot(result: Result) -> dict[str, Any]:
    """Draws the share of networks that learned and the sequences they needed against the length."""
    lengths, networks = result.common["lengths"], result.networks
    solved = any(np.isfinite(each["seen"]).any() for each in networks.values())
    figure, panels = style.panels(1 + solved, "length of the sequences (steps)", "")
    for number, (name, each) in enumerate(networks.items()):
        line, shift = style.series(number), 1.03 ** (number - len(networks) / 2)
        learned = np.isfinite(each["seen"])
        shares = [statistics.share(row.sum(), len(row)) for row in learned]
        curves.with_bars(panels[0], lengths * shift, shares, label=name, **line)
        any_learned = learned.any(axis=1)
        if any_learned.any():
            intervals = [statistics.median(row[np.isfinite(row)]) for row in each["seen"][any_learned]]
            curves.with_bars(panels[1], lengths[any_learned] * shift, intervals, **line)
    style.title(panels[0], "share of networks that learned")
    panels[0].set_ylim(-0.05, 1.05)
    if solved:
        style.title(panels[1], "sequences needed")
        panels[1].set_yscale("log")
        thousands = FuncFormatter(lambda value, _: f"{value:,.0f}")
        panels[1].yaxis.set(major_formatter=thousands, minor_formatter=thousands)
    for panel in panels:
        panel.set_xscale("log")
        panel.set_xticks(lengths, lengths)
        panel.xaxis.set_minor_locator(NullLocator())
    return {"long_lag": style.legend_below(figure)}
