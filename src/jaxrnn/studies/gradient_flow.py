"""How the gradient fares on its way back: the norm of dL/dcarry_t at every t, and the part of every lag in dL/dW_h.

Hochreiter 1991; Bengio, Simard & Frasconi 1994; Pascanu, Mikolov & Bengio 2013. The norm at all steps comes from one
backward pass (`jaxrnn.intermediates`).
"""

from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.lines import Line2D

from jaxrnn import intermediates, plotting
from jaxrnn.gates import is_recurrent
from jaxrnn.losses import weighted_sum
from jaxrnn.subjects import Result, over_networks, sequences
from jaxrnn.types import Size
from jaxrnn.unroll import scan

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


def measure(make_net, dataset, params, batch, loss="last"):
    """The `Flow` of a batch through a network.

    Args:
      make_net: unroll -> Net.
      dataset: its loss is the loss.
      params: the network's.
      batch: a `Batch`.
      loss: "last" for the loss of each sequence's last step that counts, "every" for the mean over all that do.
    """

    steps = jnp.arange(len(batch.xs))[:, None]
    end = jnp.max(jnp.where(batch.weights > 0, steps, 0), axis=0)
    weights = 1.0 * (steps == end) if loss == "last" else batch.weights / jnp.sum(batch.weights, axis=0)
    carry = make_net(scan).initial(params, batch.fresh.shape)

    def total(nudges, params):  # over sequences, so that each has a gradient of its own
        _, ys, _ = intermediates.observe(make_net, params, carry, batch.xs, nudges, mask=batch.mask, reset=batch.reset)
        return weighted_sum(dataset.loss, ys, batch.targets, weights)[0]

    nudges = intermediates.zero_nudges(make_net, params, carry, batch.xs)
    adjoints, gradient = jax.grad(total, argnums=(0, 1))(nudges, params)
    leaves = [leaf for layer in adjoints for leaf in jax.tree.leaves(layer)]
    norms = dict(zip(intermediates.names(adjoints), [jnp.linalg.norm(a, axis=-1) for a in leaves], strict=True))
    recurrent = _recurrent(gradient)
    shares = intermediates.shares(
        make_net, params, carry, batch.xs, adjoints, recurrent, mask=batch.mask, reset=batch.reset
    )
    squared = sum(jnp.sum(leaf**2) for leaf in jax.tree.leaves(recurrent))
    flow = Flow(norms, shares / jnp.maximum(squared, jnp.finfo(squared.dtype).tiny))
    if loss == "every":
        return flow
    at = end - steps
    return jax.tree.map(lambda a: jnp.where(at >= 0, jnp.take_along_axis(a, at, axis=0), jnp.nan), flow)


def study(subjects, loss: Literal["last", "every"] = "last", batch: Size = 32):
    """Gradient norms against lag, for every kind of network and every moment of training.

    Args:
      subjects: a list of `Subject`s.
      loss, batch: as in `measure`; sequences for each network.

    Returns:
      A `Result` with "NAME|STATE" [S, 3, T], the 10 %, 50 % and 90 % quantiles over networks and sequences;
      "NAME|share" [S, T], the mean share of each lag; "NAME|steps" [S].
    """
    arrays, rows, findings = {"loss": np.array(loss)}, [], []
    for subject in subjects:
        flow = _flow(subject, loss, batch)
        arrays[f"{subject.name}|steps"] = subject.steps
        arrays[f"{subject.name}|share"] = np.nansum(flow.shares, axis=3).mean(axis=1)
        for state, norms in flow.norms.items():
            norms = norms[:, :, np.isfinite(norms).all(axis=(0, 1, 3))]  # the lags that every sequence has
            quantiles = np.moveaxis(np.quantile(norms, QUANTILES, axis=(1, 3)), 0, 1)
            arrays[f"{subject.name}|{state}"] = quantiles
            for number, (step, moment) in enumerate(zip(subject.steps, quantiles, strict=True)):
                who = {"network": subject.name, "step": int(step), "state": state}
                for place, values in enumerate(moment.T):
                    at = {"lag": place} if loss == "last" else {"t": place + 1}
                    rows.append(who | at | dict(zip(("q10", "median", "q90"), map(float, values), strict=True)))
                rate, kind = growth(moment[1])
                if number in subject.ends():
                    findings.append(
                        f"{subject.name}, step {step}: |dL/d{state}| {kind}, {rate:+.4f} nats per step back"
                    )
    return Result(arrays, rows, findings)


def probe(experiment, params, batch):
    """What a training run measures at a report: quantiles over sequences [3, T] of every state, the share [T]."""
    flow = measure(experiment.make_net, experiment.dataset, params, batch)
    norms = {state: jnp.quantile(a, jnp.array(QUANTILES), axis=1) for state, a in flow.norms.items()}
    return norms | {"share": jnp.nansum(flow.shares, axis=1)}


def _flow(subject, loss, batch):
    experiment = subject.experiment
    sequences(subject, batch, jax.random.key(0))  # refuses data that cannot be used

    def of_network(params, key):
        drawn = sequences(subject, batch, key)
        return measure(experiment.make_net, experiment.dataset, params, drawn, loss)

    return over_networks(of_network, subject)


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
    arrays = result.arrays
    by_lag = str(arrays.get("loss", "last")) == "last"
    names = result.names()
    figures = {"gradient_flow": _norms(arrays, names, by_lag), "gradient_flow_share": _shares(arrays, names, by_lag)}
    followed = [name for name in names if len(arrays[f"{name}|steps"]) > 2]
    if followed:
        figures["gradient_flow_training"] = _over_training(arrays, followed, by_lag)
    return figures


def _states(arrays, name):
    keys = [key for key in arrays if key.rpartition("|")[0] == name]
    return [key for key in keys if key.rpartition("|")[2] not in ("steps", "share")]


def _norms(arrays, names, by_lag):
    curves = []  # (kind, state, network's number, moment: 0 before and 1 after training, quantiles)
    for number, name in enumerate(names):
        for key in _states(arrays, name):
            for moment in sorted({0, len(arrays[key]) - 1}):
                kind = growth(arrays[key][moment, 1])[1]
                curves.append((kind, key.rpartition("|")[2], number, min(moment, 1), arrays[key][moment]))
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
    key = [
        Line2D([], [], color=plotting.COLOURS[n % len(plotting.COLOURS)], label=name) for n, name in enumerate(names)
    ]
    if followed:
        key += [Line2D([], [], color="0.3", linestyle=style, label=f"{when} training") for style, when in WHEN]
    if cells:
        key += [Line2D([], [], color="0.3", linewidth=width, label=f"dL/d{state}") for width, state in WIDTHS]
    figure.legend(handles=key, frameon=False, fontsize=8, loc="outside lower center", ncols=6)
    return figure


def _shares(arrays, names, by_lag):
    figure, (axes,) = plotting.panels(1, _lag_label(by_lag), "share of dL/dW_h, summed up")
    for number, name in enumerate(names):
        share = np.nancumsum(arrays[f"{name}|share"][-1])
        style = plotting.STYLES[number % len(plotting.STYLES)]
        axes.plot(share, color=plotting.COLOURS[number % len(plotting.COLOURS)], linestyle=style, label=name)
    axes.axhline(1.0, color="0.6", linewidth=0.8)
    axes.legend(frameon=False, fontsize=8)
    return figure


def _over_training(arrays, names, by_lag):
    figure, panels = plotting.panels(len(names), "update", _lag_label(by_lag))
    for panel, name in zip(panels, names, strict=True):
        key = _states(arrays, name)[-1]
        norms = np.log10(np.maximum(arrays[key][:, 1], np.finfo(np.float32).tiny)).T
        steps = arrays[f"{name}|steps"]
        mesh = panel.pcolormesh(steps, np.arange(len(norms)), norms, shading="nearest", cmap="viridis", rasterized=True)
        panel.set(title=f"{name}: {key.rpartition('|')[2]}")
        figure.colorbar(mesh, ax=panel, label="log10 of the median norm")
    return figure


def _lag_label(by_lag):
    return "lag (steps before the last)" if by_lag else "step t"
