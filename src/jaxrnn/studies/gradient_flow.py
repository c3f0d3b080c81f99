"""How the gradient fares on its way back: the norm of dL/dcarry_t at every t, and the part of every lag in dL/dW_h.

Hochreiter 1991; Bengio, Simard & Frasconi 1994; Pascanu, Mikolov & Bengio 2013. The norm at all steps comes from one
backward pass (`jaxrnn.dynamics.taps`).
"""

from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.lines import Line2D

from jaxrnn.cells._dropout import is_recurrent
from jaxrnn.dynamics import taps
from jaxrnn.losses import weighted_sum
from jaxrnn.plotting import style as plotting
from jaxrnn.studies._ensembles import ensembles, over_networks
from jaxrnn.studies._result import Result
from jaxrnn.table import Table
from jaxrnn.training.probes import Probe
from jaxrnn.types import Size

QUANTILES = (0.1, 0.5, 0.9)
FLOOR = 1e-40  # of figures; the arrays go on
KINDS = ("exploding", "vanishing", "preserved")
WHEN = (("--", "before"), ("-", "after"))
WIDTHS = ((1.8, "h"), (0.8, "c"))
FACTOR = 10.0  # from the last step to the first: more is exploding, less than its inverse vanishing


class Flow(NamedTuple):
    """The gradient in one batch, sequence by sequence.

    Fields:
      norms: {state: [T, B]}, the norm of dL/dh_t, dL/dc_t ... at lag 0, 1, ... from the last step that counts, or at
        t = 1, 2, ... if every step counts; NaN where a sequence has no such step.
      shares: [T, B], the part <dL/dW_h of this step and sequence, dL/dW_h> / |dL/dW_h|^2 of each use of the recurrent
        weights in the batch's gradient; all sum to one. In the same order.
    """

    norms: dict
    shares: jax.Array


def measure(net, dataset, params, batch, loss="last"):
    """The `Flow` of a batch through a network.

    Args:
      net: a `Net`.
      dataset: its loss is the loss.
      params: the network's.
      batch: a `Batch`.
      loss: "last" for the loss of each sequence's last step that counts, "every" for the mean over all that do.
    """

    steps = jnp.arange(len(batch.xs))[:, None]
    end = jnp.max(jnp.where(batch.weights > 0, steps, 0), axis=0)
    weights = 1.0 * (steps == end) if loss == "last" else batch.weights / jnp.sum(batch.weights, axis=0)
    carry = net.initial(params, batch.fresh.shape)

    def total(perturbations, params):  # over sequences, so that each has a gradient of its own
        _, ys, _ = taps.observe(net, params, carry, batch.xs, perturbations, mask=batch.mask, reset=batch.reset)
        return weighted_sum(dataset.loss, ys, batch.targets, weights)[0]

    perturbations = taps.zero_perturbations(net, params, carry, batch.xs)
    adjoints, gradient = jax.grad(total, argnums=(0, 1))(perturbations, params)
    leaves = [leaf for layer in adjoints for leaf in jax.tree.leaves(layer)]
    norms = dict(zip(taps.names(adjoints), [jnp.linalg.norm(a, axis=-1) for a in leaves], strict=True))
    recurrent = _recurrent(gradient)
    shares = taps.shares(net, params, carry, batch.xs, adjoints, recurrent, mask=batch.mask, reset=batch.reset)
    squared = sum(jnp.sum(leaf**2) for leaf in jax.tree.leaves(recurrent))
    flow = Flow(norms, shares / jnp.maximum(squared, jnp.finfo(squared.dtype).tiny))
    if loss == "every":
        return flow
    at = end - steps
    return jax.tree.map(lambda a: jnp.where(at >= 0, jnp.take_along_axis(a, at, axis=0), jnp.nan), flow)


def study(networks, loss: Literal["last", "every"] = "last", batch: Size = 32):
    """Gradient norms against lag, for every kind of network and every checkpoint of its training.

    Args:
      networks: as in `jaxrnn.studies`.
      loss, batch: as in `measure`; sequences for each network.

    Returns:
      A `Result`; each network has "steps" [S]; "norms" {state: [S, 3, T]}, the 10 %, 50 % and 90 % quantiles over
      networks and sequences; "share" [S, T], the mean share of each lag.
    """
    found, rows, findings = {}, [], []
    for ensemble in ensembles(networks):
        flow = _flow(ensemble, loss, batch)
        norms = {state: _quantiles(values) for state, values in flow.norms.items()}
        share = np.nansum(flow.shares, axis=3).mean(axis=1)
        found[ensemble.name] = {"steps": ensemble.steps, "norms": norms, "share": share}
        for state, quantiles in norms.items():
            for number, (step, moment) in enumerate(zip(ensemble.steps, quantiles, strict=True)):
                who = {"network": ensemble.name, "step": int(step), "state": state}
                for place, values in enumerate(moment.T):
                    at = {"lag": place} if loss == "last" else {"t": place + 1}
                    rows.append(who | at | dict(zip(("q10", "median", "q90"), map(float, values), strict=True)))
                rate, kind = growth(moment[1])
                if number in ensemble.ends():
                    findings.append(
                        f"{ensemble.name}, step {step}: |dL/d{state}| {kind}, {rate:+.4f} nats per step back"
                    )
    return Result(found, Table(rows), findings, plot, {"loss": np.array(loss)})


def probe():
    """What a training run measures at a report: each state's norm over sequences, and the share of each lag."""

    def of_network(task, params, drawn):
        flow = measure(task.net, task.dataset, params, drawn)
        norms = {state: jnp.quantile(a, jnp.array(QUANTILES), axis=1) for state, a in flow.norms.items()}
        return norms | {"share": jnp.nansum(flow.shares, axis=1)}

    def draw(steps, arrays):
        norms = {state: values for state, values in arrays.items() if state != "share"}
        return plot(
            Result({"network": {"steps": steps, "norms": norms, "share": arrays["share"]}}, Table([]), [], plot)
        )

    return Probe(of_network, draw)


def _flow(ensemble, loss, batch):
    ensemble.draw(batch, jax.random.key(0))  # refuses data that cannot be used

    def of_network(params, key):
        return measure(ensemble.net, ensemble.dataset, params, ensemble.draw(batch, key), loss)

    return over_networks(of_network, ensemble)


def _quantiles(norms):
    """[S, N, T, B] -> [S, 3, T] over networks and sequences, at the lags that every sequence has."""
    norms = norms[:, :, np.isfinite(norms).all(axis=(0, 1, 3))]
    return np.moveaxis(np.quantile(norms, QUANTILES, axis=(1, 3)), 0, 1)


def _recurrent(gradient):
    """The gradient with zeros for all but the recurrent weights, the leaves named w_h."""

    if not any(is_recurrent(path) for path, _ in jax.tree_util.tree_flatten_with_path(gradient)[0]):
        raise ValueError("it needs recurrent weights, a leaf of the params named w_h")
    return jax.tree_util.tree_map_with_path(lambda path, g: g if is_recurrent(path) else jnp.zeros_like(g), gradient)


def growth(norms):
    """(rate, kind) of a median norm against lag: nats per step back, and "exploding", "vanishing" or "preserved", by
    whether it changes by more than a factor of ten from lag 1, the first step back, to the longest."""
    seen = np.flatnonzero(np.isfinite(norms[1:]) & (norms[1:] > 0)) + 1
    if len(seen) < 2:
        return 0.0, "zero"
    first, last = norms[seen[0]], norms[seen[-1]]
    change = np.log(last / first)
    kind = "preserved" if abs(change) <= np.log(FACTOR) else "exploding" if change > 0 else "vanishing"
    return float(change / (seen[-1] - seen[0])), kind


def plot(result):
    """Norm against lag in a panel each for what explodes, vanishes and is preserved, before and after training; the
    share of each lag; and, where training was followed, lag against updates."""
    found, by_lag = result.networks, str(result.common.get("loss", "last")) == "last"
    figures = {"gradient_flow": _norms(found, by_lag), "gradient_flow_share": _shares(found, by_lag)}
    followed = {name: each for name, each in found.items() if len(each["steps"]) > 2}
    if followed:
        figures["gradient_flow_training"] = _over_training(followed, by_lag)
    return figures


def _norms(found, by_lag):
    curves = []  # (kind, state, network's number, moment: 0 before and 1 after training, quantiles)
    for number, each in enumerate(found.values()):
        for state, norms in each["norms"].items():
            for moment in sorted({0, len(norms) - 1}):
                curves.append((growth(norms[moment, 1])[1], state, number, min(moment, 1), norms[moment]))
    kinds = [kind for kind in (*KINDS, "zero") if any(curve[0] == kind for curve in curves)]
    figure, panels = plotting.panels(len(kinds), _lag_label(by_lag), "norm, relative to lag 0" if by_lag else "norm")
    followed = any(moment for *_, moment, _ in curves)
    cells = any(state[-1] == "c" for _, state, *_ in curves)
    for panel, kind in zip(panels, kinds, strict=True):
        for of, state, number, moment, quantiles in curves:
            if of != kind:
                continue
            scale = quantiles[1, 0] if by_lag and quantiles[1, 0] > 0 else 1.0
            low, median, high = np.where(quantiles > 0, quantiles, np.nan) / scale
            colour = plotting.COLOURS[number % len(plotting.COLOURS)]
            style = "--" if followed and moment == 0 else "-"
            panel.plot(median, color=colour, linestyle=style, linewidth=0.8 if state[-1] == "c" else 1.8)
            panel.fill_between(np.arange(len(median)), low, high, color=colour, alpha=0.1, linewidth=0)
        panel.set(yscale="log", title=kind)
        panel.set_ylim(bottom=max(panel.get_ylim()[0], FLOOR))
    figure.legend(handles=_key(found, followed, cells), frameon=False, fontsize=8, loc="outside lower center", ncols=6)
    return figure


def _key(found, followed, cells):
    """The legend's lines: networks, before and after training, the states h and c."""
    key = [
        Line2D([], [], color=plotting.COLOURS[n % len(plotting.COLOURS)], label=name) for n, name in enumerate(found)
    ]
    if followed:
        key += [Line2D([], [], color="0.3", linestyle=style, label=f"{when} training") for style, when in WHEN]
    if cells:
        key += [Line2D([], [], color="0.3", linewidth=width, label=f"dL/d{state}") for width, state in WIDTHS]
    return key


def _shares(found, by_lag):
    figure, (axes,) = plotting.panels(1, _lag_label(by_lag), "share of dL/dW_h, summed up")
    for number, (name, each) in enumerate(found.items()):
        share = np.nancumsum(each["share"][-1])
        style = plotting.STYLES[number % len(plotting.STYLES)]
        axes.plot(share, color=plotting.COLOURS[number % len(plotting.COLOURS)], linestyle=style, label=name)
    axes.axhline(1.0, color="0.6", linewidth=0.8)
    axes.legend(frameon=False, fontsize=8)
    return figure


def _over_training(found, by_lag):
    figure, panels = plotting.panels(len(found), "update", _lag_label(by_lag))
    for panel, (name, each) in zip(panels, found.items(), strict=True):
        state, quantiles = list(each["norms"].items())[-1]
        norms = np.log10(np.maximum(quantiles[:, 1], np.finfo(np.float32).tiny)).T
        place = np.arange(len(norms))
        mesh = panel.pcolormesh(each["steps"], place, norms, shading="nearest", cmap="viridis", rasterized=True)
        panel.set(title=f"{name}: {state}")
        figure.colorbar(mesh, ax=panel, label="log10 of the median norm")
    return figure


def _lag_label(by_lag):
    return "lag (steps before the last)" if by_lag else "step t"
