"""What gates do: their values over time and training, how many are saturated, and how long each unit remembers.

Saturation as Karpathy, Johnson & Fei-Fei 2016: below 0.1 or above 0.9. A unit whose keeping gate (f of an LSTM, z of a
GRU) has the mean value f forgets with the time scale -1 / ln f, in steps (Tallec & Ollivier 2018).
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxrnn.dynamics import taps
from jaxrnn.plotting import style as plotting
from jaxrnn.studies._ensembles import ensembles, over_networks
from jaxrnn.studies._result import Result
from jaxrnn.table import Table
from jaxrnn.training.probes import Probe
from jaxrnn.types import Size

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


def measure(net, params, batch):
    """The `Gates` of a batch through a network.

    Raises:
      ValueError: if the network's cells have no gates.
    """
    carry = net.initial(params, batch.fresh.shape)
    _, _, layers = taps.observe(net, params, carry, batch.xs, mask=batch.mask, reset=batch.reset)
    if any(layer.gates is None for layer in layers):
        raise ValueError("it needs gated cells, an LSTM or a GRU; an Elman or a Jordan network has no gates")
    valid = jnp.ones(batch.weights.shape) if batch.mask is None else 1.0 * batch.mask
    names = taps.names([layer.gates for layer in layers])
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


def study(networks, batch: Size = 32):
    """Gates for every kind of network and every checkpoint of its training.

    Args:
      networks: as in `jaxrnn.studies`, with gated cells.
      batch: sequences for each network.

    Returns:
      A `Result`; each network has "steps" [S]; "means" {gate: [S, T]} over networks; "saturated" {gate: [S, 2]}, the
      shares shut and open; "time_scales" [S, N, U], in steps; "lags" [2], the fewest and the most steps that the task
      asks to bridge, where it says.

    Raises:
      ValueError: if a network has no gates.
    """
    found, rows, findings = {}, [], []
    for ensemble in ensembles(networks):
        ensemble.draw(batch, jax.random.key(0))  # refuses data that cannot be used
        seen = over_networks(lambda params, key, e=ensemble: measure(e.net, params, e.draw(batch, key)), ensemble)
        means = {gate: values.mean(axis=1) for gate, values in seen.over_time.items()}
        saturated = {gate: np.stack([seen.shut[gate], seen.open[gate]], -1).mean(axis=1) for gate in means}
        own = {"steps": ensemble.steps, "time_scales": seen.time_scales, "means": means, "saturated": saturated}
        if ensemble.dataset.lags is not None:
            own["lags"] = np.array(ensemble.dataset.lags)
        found[ensemble.name] = own
        for gate, values in means.items():
            for moment, step in enumerate(ensemble.steps):
                shut, opened = map(float, saturated[gate][moment])
                row = {"network": ensemble.name, "step": int(step), "gate": gate}
                rows.append(row | {"mean": float(values[moment].mean()), "shut": shut, "open": opened})
        for moment in ensemble.ends():
            low, median, high = np.quantile(seen.time_scales[moment], (0.1, 0.5, 0.9))
            scales = f"{median:.3g} steps (10 to 90 % of units: {low:.3g} to {high:.3g})"
            findings.append(f"{ensemble.name}, step {ensemble.steps[moment]}: time scale {scales}")
    return Result(found, Table(rows), findings, plot)


def probe():
    """What a training run measures at a report: means over time [T], shares shut and open [2], time scales [1, U]."""

    def of_network(task, params, drawn):
        found = measure(task.net, params, drawn)
        saturated = {f"{gate} saturated": jnp.stack([found.shut[gate], found.open[gate]]) for gate in found.shut}
        return found.over_time | saturated | {"time_scales": found.time_scales[None]}

    def draw(steps, arrays):
        gates = [name for name in arrays if f"{name} saturated" in arrays]
        own = {"steps": steps, "time_scales": arrays["time_scales"], "means": {gate: arrays[gate] for gate in gates}}
        own["saturated"] = {gate: arrays[f"{gate} saturated"] for gate in gates}
        return plot(Result({"network": own}, Table([]), [], plot))

    return Probe(of_network, draw)


def plot(result):
    """Gates over time, the histogram of time scales beside the task's lags, saturation over training."""
    found = result.networks
    figures = {"gates": _over_time(found), "gates_time_scales": _time_scales(found)}
    followed = {name: each for name, each in found.items() if len(each["steps"]) > 2}
    if followed:
        figures["gates_saturation"] = _saturation(followed)
    return figures


def _over_time(found):
    figure, panels = plotting.panels(len(found), "step t", "mean gate value")
    for panel, (name, each) in zip(panels, found.items(), strict=True):
        for number, (gate, means) in enumerate(each["means"].items()):
            for moment, style in {0: "--", len(each["steps"]) - 1: "-"}.items():
                label = gate if style == "-" else None
                panel.plot(means[moment], style, color=plotting.COLOURS[number], label=label)
        panel.set(title=name, ylim=(0, 1))
        panel.legend(frameon=False, fontsize=8)
    return figure


def _time_scales(found):
    figure, panels = plotting.panels(len(found), "time scale (steps)", "units")
    for panel, (name, each) in zip(panels, found.items(), strict=True):
        scales = each["time_scales"]
        bins = np.geomspace(scales.min() * 0.99, scales.max() * 1.01, 30)
        if len(scales) > 1:
            panel.hist(scales[0].ravel(), bins, histtype="step", color="0.4", linestyle="--", label="before training")
        label = "after training" if len(scales) > 1 else None
        panel.hist(scales[-1].ravel(), bins, color=plotting.COLOURS[0], alpha=0.6, label=label)
        if "lags" in each:
            panel.axvspan(*each["lags"], color="#e08214", alpha=0.25, label="lags of the task")
        panel.set(title=name, xscale="log")
        if panel.get_legend_handles_labels()[1]:
            panel.legend(frameon=False, fontsize=7)
    return figure


def _saturation(found):
    figure, panels = plotting.panels(len(found), "update", "share of saturated values")
    for panel, (name, each) in zip(panels, found.items(), strict=True):
        for number, (gate, saturated) in enumerate(each["saturated"].items()):
            shut, opened = saturated.T
            colour = plotting.COLOURS[number]
            panel.plot(each["steps"], opened, color=colour, label=f"{gate} > {OPEN}")
            panel.plot(each["steps"], shut, ":", color=colour, label=f"{gate} < {SHUT}")
        panel.set_title(name)
        panel.legend(frameon=False, fontsize=7)
    return figure
