"""How many sequences a network has to see before it bridges a lag, and whether it ever does.

The tasks and the stop rule of Hochreiter & Schmidhuber 1997: training ends when the last 2000 training sequences were
all right before they were learned from. Sequences are counted as they are seen, a whole batch at a time: a batch with a
wrong one begins the count anew.
"""

import numpy as np
from omegaconf import OmegaConf, open_dict

from jaxrnn.experiments.build import build
from jaxrnn.plotting import style as plotting
from jaxrnn.studies._ensembles import begin, ensembles
from jaxrnn.studies._result import Result
from jaxrnn.table import Table
from jaxrnn.training.loop import train
from jaxrnn.types import Size

# Sequences seen until the stop rule, means over successful trials: Hochreiter & Schmidhuber 1997, tables 7, 8 and 9.
PUBLISHED = {
    ("adding", 100): 74_000,
    ("adding", 500): 209_000,
    ("adding", 1000): 853_000,
    ("multiplication", 100): 1_273_000,
    ("temporal_order, 2 symbols", 100): 31_390,
    ("temporal_order, 3 symbols", 100): 571_100,
}
DIFFERENCES = (
    "protocol: here Adam, batches of trainer.batch_size sequences, the exact gradient and today's cells; in 1997 plain "
    "SGD after every sequence, a truncated gradient, memory cells without a forget gate"
)


def sequences_seen(task, seed, networks, right, max_sequences):
    """Trains N networks until each has had `right` successive training sequences right.

    Args:
      task: a `Task`; its trainer's steps do not matter.
      seed: of the first network; the others have the seeds after it.
      networks: N.
      right: successive sequences.
      max_sequences: seen by a network at most.

    Returns:
      [N], the sequences seen until then, NaN for a network that did not get there within `max_sequences`.
    """
    batch_size, every = task.trainer.batch_size, task.trainer.report_every
    steps = -(-max_sequences // batch_size)
    task = task._replace(trainer=task.trainer._replace(steps=-(-steps // every) * every))
    streak, found, seen = np.zeros(networks, int), np.full(networks, np.nan), [0]

    def count(training):
        for correct in training.report.correct.T:
            seen[0] += batch_size
            streak[:] = np.where(correct > 1 - 0.5 / batch_size, streak + batch_size, 0)
            done = np.isnan(found) & (streak >= right) & (seen[0] <= max_sequences)
            found[done] = seen[0]
        for row, history in training.going().items():
            if not np.isnan(found[row]):
                history.end("finished", "it has had as many sequences right as it should")

    for _ in train(begin(task, seed, networks), [count]):
        pass
    return found


def study(networks, lengths: list[Size] = (50, 100, 200), right: Size = 2000, max_sequences: Size = 100_000):
    """Sequences until the stop rule for every kind of network and every length, many seeds as one program.

    Args:
      networks: as in `jaxrnn.studies`, with configurations; they say what is trained and with how many seeds.
      lengths: values of `data.length`, in steps.
      right: successive training sequences that have to be right.
      max_sequences: seen by a network at most.

    Returns:
      A `Result`; each network has "seen" [lengths, N], sequences seen, NaN where it was not learned; common are
      "lengths" and "max_sequences".

    Raises:
      ValueError: if the data have no length, do not say when a sequence is right, or there is no configuration.
    """
    found, rows, findings = {}, [], []
    for ensemble in ensembles(networks):
        if ensemble.experiment is None:
            raise ValueError("it trains on data of several lengths: give networks that come from a configuration")
        cfg = ensemble.experiment.cfg
        if ensemble.dataset.correct is None or "length" not in cfg.data:
            raise ValueError("it needs a task with a length that says when a sequence is right, such as data=adding")
        results = []
        for length in lengths:
            changed = OmegaConf.create(OmegaConf.to_container(cfg))
            with open_dict(changed):
                changed.data.length = length
            task = build(changed).task
            results.append(sequences_seen(task, ensemble.seed, ensemble.networks, right, max_sequences))
            rows.append(_row(ensemble.name, changed.data, length, results[-1]))
            findings.append("{network}, {task}, length {length}: ".format(**rows[-1]) + _words(rows[-1]))
        found[ensemble.name] = {"seen": np.array(results)}
    common = {"lengths": np.array(lengths), "max_sequences": np.array(max_sequences)}
    return Result(found, Table(rows), [*findings, DIFFERENCES], plot, common)


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


def plot(result):
    """The share of networks that learned, and the sequences that they needed, against the length."""
    lengths = result.common["lengths"]
    figure, (success, needed) = plotting.panels(2, "length of the sequences (steps)", "")
    for number, (name, each) in enumerate(result.networks.items()):
        seen = each["seen"]
        style = {
            "color": plotting.COLOURS[number % 7],
            "linestyle": plotting.STYLES[number % 4],
            "marker": "os^D*vP"[number % 7],
            "markersize": 5,
        }
        success.plot(lengths, (~np.isnan(seen)).mean(axis=1), label=name, **style)
        solved = (~np.isnan(seen)).any(axis=1)
        if solved.any():
            needed.plot(lengths[solved], np.nanmedian(seen[solved], axis=1), label=name, **style)
    success.set(title="share that learned", ylim=(-0.05, 1.05))
    needed.set(title="sequences needed (median)", yscale="log")
    for panel in (success, needed):
        panel.set_xscale("log")
        panel.set_xticks(lengths, lengths)
        panel.minorticks_off()
    success.legend(frameon=False, fontsize=8)
    return {"long_lag": figure}
