"""What gates do: their values over time and training, how many are saturated, and how long each unit remembers.

Saturation as Karpathy, Johnson & Fei-Fei 2016: below 0.1 or above 0.9. A unit whose keeping gate (f of an LSTM, z of a
GRU) has the mean value f forgets with the time scale -1 / ln f, in steps (Tallec & Ollivier 2018).
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxrnn import intermediates, plotting
from jaxrnn.subjects import Result, over_networks, sequences
from jaxrnn.types import Size
from jaxrnn.unroll import scan

SHUT, OPEN = 0.1, 0.9
CANDIDATES = ("g", "n")  # a tanh, no gate
KEEPING = ("f", "z")


class Gates(NamedTuple):
    """The gates of a batch.

    Fields:
      over_time: {gate: [T]}, means over sequences and units.
      shut, open: {gate: []}, the shares of values below 0.1 and above 0.9.
      time_scales: [U], -1 / ln of each unit's mean keeping gate, in steps, for the units of all layers.
    """

    over_time: dict
    shut: dict
    open: dict
    time_scales: jax.Array


def measure(make_net, params, batch):
    """The `Gates` of a batch through a network.

    Raises:
      ValueError: if the network's cells have no gates.
    """
    carry = make_net(scan).initial(params, batch.fresh.shape)
    _, _, layers = intermediates.observe(make_net, params, carry, batch.xs, mask=batch.mask, reset=batch.reset)
    if any(layer.gates is None for layer in layers):
        raise ValueError("it needs gated cells, an LSTM or a GRU; an Elman or a Jordan network has no gates")
    valid = jnp.ones(batch.weights.shape) if batch.mask is None else 1.0 * batch.mask
    names = intermediates.names([layer.gates for layer in layers])
    values = dict(zip(names, (gate for layer in layers for gate in layer.gates), strict=True))
    values = {name: gate for name, gate in values.items() if name[-1] not in CANDIDATES}

    def mean(a, axes):
        weights = jnp.broadcast_to(valid[..., None], a.shape)
        return jnp.sum(a * weights, axes) / jnp.maximum(jnp.sum(weights, axes), 1)

    keeping = [mean(gate, (0, 1)) for name, gate in values.items() if name[-1] in KEEPING]
    return Gates(
        over_time={name: mean(gate, (1, 2)) for name, gate in values.items()},
        shut={name: mean(gate < SHUT, None) for name, gate in values.items()},
        open={name: mean(gate > OPEN, None) for name, gate in values.items()},
        time_scales=-1 / jnp.log(jnp.concatenate(keeping)),
    )


def study(subjects, batch: Size = 32):
    """Gates for every kind of network and every moment of training.

    Args:
      subjects: a list of `Subject`s with gated cells.
      batch: sequences for each network.

    Returns:
      A `Result` with "NAME|GATE" [S, T], means over networks; "NAME|GATE saturated" [S, 2], the shares shut and open;
      "NAME|time_scales" [S, N, U], in steps; "NAME|lags" [2], the fewest and the most steps that the task asks to
      bridge, where it says; "NAME|steps" [S].

    Raises:
      ValueError: if a network has no gates.
    """
    arrays, rows, findings = {}, [], []
    for subject in subjects:
        sequences(subject, batch, jax.random.key(0))  # refuses data that cannot be used
        name, experiment = subject.name, subject.experiment
        found = over_networks(
            lambda params, key, s=subject: measure(s.experiment.make_net, params, sequences(s, batch, key)), subject
        )
        arrays[f"{name}|steps"] = subject.steps
        arrays[f"{name}|time_scales"] = found.time_scales
        if experiment.dataset.lags is not None:
            arrays[f"{name}|lags"] = np.array(experiment.dataset.lags)
        for gate, values in found.over_time.items():
            arrays[f"{name}|{gate}"] = values.mean(axis=1)
            arrays[f"{name}|{gate} saturated"] = np.stack([found.shut[gate], found.open[gate]], -1).mean(axis=1)
            for moment, step in enumerate(subject.steps):
                shut, opened = map(float, arrays[f"{name}|{gate} saturated"][moment])
                mean = float(arrays[f"{name}|{gate}"][moment].mean())
                row = {"network": name, "step": int(step), "gate": gate, "mean": mean, "shut": shut, "open": opened}
                rows.append(row)
        for moment in subject.ends():
            step = subject.steps[moment]
            low, median, high = np.quantile(found.time_scales[moment], (0.1, 0.5, 0.9))
            scales = f"{median:.3g} steps (10 to 90 % of units: {low:.3g} to {high:.3g})"
            findings.append(f"{name}, step {step}: time scale {scales}")
    return Result(arrays, rows, findings)


def probe(experiment, params, batch):
    """What a training run measures at a report: means over time [T], saturation [2], time scales [1, U]."""
    found = measure(experiment.make_net, params, batch)
    saturated = {f"{gate} saturated": jnp.stack([found.shut[gate], found.open[gate]]) for gate in found.shut}
    return found.over_time | saturated | {"time_scales": found.time_scales[None]}


def plot(result):
    """Gates over time, the histogram of time scales beside the task's lags, saturation over training."""
    arrays = result.arrays
    names = result.names()
    gates = {
        name: [key.partition("|")[2] for key in arrays if key.startswith(f"{name}|") and f"{key} saturated" in arrays]
        for name in names
    }
    over_time, panels = plotting.panels(len(names), "step t", "mean gate value")
    for panel, name in zip(panels, names, strict=True):
        for number, gate in enumerate(gates[name]):
            for moment, style in {0: "--", len(arrays[f"{name}|steps"]) - 1: "-"}.items():
                label = gate if style == "-" else None
                panel.plot(arrays[f"{name}|{gate}"][moment], style, color=plotting.COLOURS[number], label=label)
        panel.set(title=name, ylim=(0, 1))
        panel.legend(frameon=False, fontsize=8)
    scales, panels = plotting.panels(len(names), "time scale (steps)", "units")
    for panel, name in zip(panels, names, strict=True):
        found = arrays[f"{name}|time_scales"]
        bins = np.geomspace(found.min() * 0.99, found.max() * 1.01, 30)
        if len(found) > 1:
            panel.hist(found[0].ravel(), bins, histtype="step", color="0.4", linestyle="--", label="before training")
        label = "after training" if len(found) > 1 else None
        panel.hist(found[-1].ravel(), bins, color=plotting.COLOURS[0], alpha=0.6, label=label)
        if f"{name}|lags" in arrays:
            panel.axvspan(*arrays[f"{name}|lags"], color="#e08214", alpha=0.25, label="lags of the task")
        panel.set(title=name, xscale="log")
        panel.legend(frameon=False, fontsize=7)
    figures = {"gates": over_time, "gates_time_scales": scales}
    followed = [name for name in names if len(arrays[f"{name}|steps"]) > 2]
    if followed:
        figures["gates_saturation"], panels = plotting.panels(len(followed), "update", "share of saturated values")
        for panel, name in zip(panels, followed, strict=True):
            for number, gate in enumerate(gates[name]):
                shut, opened = arrays[f"{name}|{gate} saturated"].T
                colour = plotting.COLOURS[number]
                panel.plot(arrays[f"{name}|steps"], opened, color=colour, label=f"{gate} > {OPEN}")
                panel.plot(arrays[f"{name}|steps"], shut, ":", color=colour, label=f"{gate} < {SHUT}")
            panel.set_title(name)
            panel.legend(frameon=False, fontsize=7)
    return figures
