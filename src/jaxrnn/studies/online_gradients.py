"""Gradients that are taken forwards, against the exact one: how much of it each rule keeps, over the length.

The rules are unrolls (`jaxrnn.unroll.snap`, `eprop`, `diagonal_rtrl`, `uoro`, `kf_rtrl`), beside backpropagation that
is cut after each step. The gradient is that of all params but the readout's, over the last T steps of each sequence,
from a fresh carry.
"""

from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np

from jaxrnn import statistics
from jaxrnn.arguments import checked
from jaxrnn.losses import weighted_sum
from jaxrnn.nets import AffineParams
from jaxrnn.plotting import style
from jaxrnn.studies import _curves as curves
from jaxrnn.studies._ensembles import ensembles, over_networks
from jaxrnn.studies._gradients import compared
from jaxrnn.studies._precision import in_their_precision
from jaxrnn.studies._result import Result, quantiles
from jaxrnn.table import Table
from jaxrnn.types import Size
from jaxrnn.unroll import diagonal_rtrl, eprop, kf_rtrl, rtrl, scan, snap, truncated, uoro

RULES = {
    "rtrl": rtrl.unroll(),
    "snap_2": snap.unroll(2),
    "snap_1": snap.unroll(1),
    "diagonal_rtrl": diagonal_rtrl.unroll(),
    "eprop": eprop.unroll(),
    "uoro": uoro.unroll(),
    "kf_rtrl": kf_rtrl.unroll(),
    "truncated": truncated.unroll(1, 1),
}
COLOURS, MARKERS = ("0.5", *style.COLOURS), "so^vDPX*"
CAPTIONS = {
    "online_gradients": "The gradient of the recurrent layers by rules that follow it forwards, against the exact one, "
    "over the number of steps T: cosine of the angle between them; grey lines: exact. truncated: backpropagation "
    "through one step. Medians over networks with 90 % bootstrap intervals.",
    "online_gradients_norm": "The norm of the gradient by the same rules over that of the exact one.",
    "online_gradients_table": "Cosine of the angle between the gradient of the recurrent layers by rules that follow "
    "it forwards and the exact one, at the longest T: medians over networks. truncated: backpropagation through one "
    "step. Empty: the cell cannot be followed by that rule.",
}


@checked
@in_their_precision
def study(
    networks: Any,
    lengths: list[Size] = (2, 5, 10, 20, 50),
    rules: list[Literal["rtrl", "snap_2", "snap_1", "diagonal_rtrl", "eprop", "uoro", "kf_rtrl", "truncated"]] = (
        "snap_2",
        "snap_1",
        "diagonal_rtrl",
        "eprop",
        "uoro",
        "truncated",
    ),
    batch: Size = 4,
) -> Result:
    """Cosine and ratio of norms between the gradient of each rule and that of `scan`, at the last checkpoint.

    Args:
      networks: as in `jaxrnn.studies`.
      lengths: T, in steps; those longer than the sequences are left out.
      rules: of rtrl, snap_2, snap_1, diagonal_rtrl, eprop, uoro, kf_rtrl, truncated.
      batch: sequences for each network; the draws of uoro and kf_rtrl are averaged over them.

    Returns:
      A `Result`; each network has "T" [T] and for each rule [N, T, 2], cosine and ratio. A rule that a network's cell
      cannot be followed by is left out.
    """
    found, rows, findings, scores = {}, [], [], {}
    for ensemble in ensembles(networks):
        ensemble = ensemble.at([len(ensemble.steps) - 1])
        longest = len(ensemble.draw(batch, jax.random.key(0)).xs)
        own = {"T": np.array([length for length in lengths if length < longest] + [longest])}
        for rule in rules:
            try:
                own[rule] = _measured(ensemble, RULES[rule], jnp.asarray(own["T"]), batch)
            except ValueError as reason:
                findings.append(f"{ensemble.name} without {rule}: {reason}")
                continue
            for place, length in enumerate(own["T"]):
                values = own[rule][:, place]
                row = {"network": ensemble.name, "rule": rule, "T": int(length), "networks": len(values)}
                row |= quantiles(statistics.median(values[:, 0]), ("cosine", "low", "high"))
                rows.append(row | {"ratio": float(np.median(values[:, 1]))})
            last = rows[-1]
            findings.append(
                f"{ensemble.name}, {rule}: cosine {last['cosine']:.2f}, ratio {last['ratio']:.2f} at T={last['T']}"
            )
            scores.setdefault(f"cosine of {rule}", {})[ensemble.name] = own[rule][:, -1, 0]
        found[ensemble.name] = own
    return Result(found, Table(rows), findings, plot, captions=CAPTIONS, scores=scores)


def _measured(ensemble, unroll, lengths, batch):
    """[N, T, 2], cosine and ratio of every network."""

    def of_network(params, key):
        drawn = ensemble.draw(batch, key)
        return jax.lax.map(lambda t: _of_rule(ensemble.net, ensemble.dataset, params, drawn, unroll, t), lengths)

    return over_networks(of_network, ensemble)[0]


def _of_rule(net, dataset, params, batch, unroll, length):
    """(cosine, ratio of norms) [2] between the gradient of an unroll and that of `scan`, over so many last steps."""
    counted = jnp.arange(len(batch.xs))[:, None] >= len(batch.xs) - length
    mask = jnp.broadcast_to(counted, batch.weights.shape) if batch.mask is None else counted & batch.mask

    def gradient(unroll):
        unrolled = net.unrolled(unroll)

        def loss(params):
            carry = unrolled.initial(params, batch.fresh.shape)
            _, ys = unrolled.apply(params, carry, batch.xs, mask=mask, reset=batch.reset)
            total, weight = weighted_sum(dataset.loss, ys, batch.targets, batch.weights * counted)
            return total / weight

        found = jax.tree.leaves(jax.grad(loss)(params), is_leaf=lambda part: isinstance(part, AffineParams))
        return [part for part in found if not isinstance(part, AffineParams)]

    return compared(gradient(scan.unroll()), gradient(unroll))


def plot(result: Result) -> dict[str, Any]:
    """Cosine, and ratio of norms, over T: a figure each, a panel for each network; the last cosines of all in one."""
    words = {"online_gradients": "cosine with exact gradient", "online_gradients_norm": "norm / exact norm"}
    figures = {title: _over_lengths(result.networks, index, words[title]) for index, title in enumerate(words)}
    return figures | {"online_gradients_table": _at_the_longest(result.networks)}


def _at_the_longest(found):
    rules = [rule for rule in RULES if any(rule in each for each in found.values())]
    cosines = [
        [np.median(each[rule][:, -1, 0]) if rule in each else np.nan for rule in rules] for each in found.values()
    ]
    figure, axes = style.axes("", "")
    figure.set_figheight(1.3 + 0.16 * len(found))
    image = axes.imshow(cosines, cmap="Greys", vmin=0, vmax=1, aspect="auto")
    for row, values in enumerate(cosines):
        for column, value in enumerate(values):
            if not np.isnan(value):
                colour = "white" if value > 0.6 else "black"
                axes.text(column, row, f"{value:.2f}", color=colour, ha="center", va="center", fontsize=style.SMALLEST)
    axes.set_yticks(range(len(found)), list(found))
    axes.set_xticks(range(len(rules)), rules, rotation=45, ha="right", rotation_mode="anchor")
    figure.colorbar(image)
    style.title(axes, "cosine with exact gradient")
    return figure


def _over_lengths(found, index, words):
    figure, panels = style.panels(len(found), "T (steps)", words, sharex=True, sharey=True)
    for panel, (name, each) in zip(panels, found.items(), strict=True):
        for number, rule in enumerate(RULES):
            if rule in each:
                line = {"color": COLOURS[number], "marker": MARKERS[number], "label": rule}
                curves.banded(panel, each["T"], each[rule][..., index], **line)
        panel.axhline(1.0, **style.FAINT)
        panel.set_xscale("log")
        style.plain_log(panel.xaxis)
        style.title(panel, name)
    style.legend_below(figure)
    return figure
