"""Gradients computed forwards in time: how much of the exact gradient each rule keeps, against the number of steps.

The rules are unrolls (`jaxrnn.unroll.snap`, `eprop`, `diagonal_rtrl`, `uoro`, `kf_rtrl`); backpropagation cut after
each step is shown for comparison. The gradient covers all params except the readout's, over the last T steps of each
sequence, from a fresh carry.
"""

from functools import partial
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np

from jaxrnn import statistics
from jaxrnn.nets import AffineParams
from jaxrnn.plotting import style
from jaxrnn.studies import _curves as curves
from jaxrnn.studies._ensembles import over_networks
from jaxrnn.studies._gradients import compare_gradients, loss_of
from jaxrnn.studies._networks import ensembles
from jaxrnn.studies._online_rules import UNROLLS, RuleName, supported
from jaxrnn.studies._precision import study_function
from jaxrnn.studies._result import Result, quantiles
from jaxrnn.table import Table
from jaxrnn.types import ListOf, Size
from jaxrnn.unroll import scan, truncated
from jaxrnn.unroll.contract import with_key

RULES = UNROLLS | {"truncated": truncated.unroll(1, 1)}
COLOURS, MARKERS = ("0.5", *style.COLOURS), "so^vDPX*"
CAPTIONS = {
    "online_gradients": "Cosine of the angle between the exact gradient of the recurrent layers and that of rules that "
    "compute it forwards in time, against the number of steps T. Grey line: the exact gradient. truncated: "
    "backpropagation through one step. Medians over networks with 90 % bootstrap intervals.",
    "online_gradients_norm": "Norm of the gradient by the same rules, divided by the norm of the exact one. Grey line: "
    "the exact gradient.",
    "online_gradients_table": "Cosine of the angle between the exact gradient of the recurrent layers and that of "
    "rules that compute it forwards in time, at the longest T; medians over networks. truncated: backpropagation "
    "through one step. Empty: the rule does not support the cell.",
}


@study_function
def study(
    networks: Any,
    lengths: ListOf[Size] = (2, 5, 10, 20, 50),
    rules: ListOf[Literal[RuleName, "truncated"]] = ("snap_2", "snap_1", "diagonal_rtrl", "eprop", "uoro", "truncated"),
    batch: Size = 4,
) -> Result:
    """Cosine and ratio of norms of each rule's gradient relative to the exact one, at the last checkpoint.

    Args:
      networks: as in `jaxrnn.studies`.
      lengths: values of T, in steps; values above the length of the sequences are left out.
      rules: any of rtrl, snap_2, snap_1, diagonal_rtrl, eprop, uoro, kf_rtrl, truncated.
      batch: sequences per network; the draws of uoro and kf_rtrl are averaged over them.

    Returns:
      A `Result`. Each network has "T" [T] and per rule [N, T, 2], cosine and ratio. A rule that does not support the
      cell is left out.
    """
    arrays_by_network, rows, findings, scores = {}, [], [], {}
    for ensemble in ensembles(networks):
        ensemble = ensemble.at([len(ensemble.steps) - 1])
        longest = len(ensemble.draw(batch, jax.random.key(0)).xs)
        arrays = {"T": np.array([length for length in lengths if length < longest] + [longest])}
        measure = partial(_measure_rule, ensemble, jnp.asarray(arrays["T"]), batch)
        for rule, values_of_rule in supported(ensemble, rules, measure, findings):
            arrays[rule] = values_of_rule
            for index, length in enumerate(arrays["T"]):
                values = values_of_rule[:, index]
                row = {"network": ensemble.name, "rule": rule, "T": int(length), "networks": len(values)}
                row |= quantiles(statistics.median(values[:, 0]), ("cosine", "low", "high"))
                rows.append(row | {"ratio": float(np.median(values[:, 1]))})
            last = rows[-1]
            findings.append(
                f"{ensemble.name}, {rule}: cosine {last['cosine']:.2f}, ratio {last['ratio']:.2f} at T={last['T']}"
            )
            scores.setdefault(f"cosine of {rule}", {})[ensemble.name] = values_of_rule[:, -1, 0]
        arrays_by_network[ensemble.name] = arrays
    return Result(arrays_by_network, Table(rows), findings, plot, captions=CAPTIONS, scores=scores)


def _measure_rule(ensemble, lengths, batch, rule):
    """Measures cosine and ratio of every network, [N, T, 2]."""
    unroll = RULES[rule]

    def of_network(params, key):
        drawn = ensemble.draw(batch, key)
        keyed = with_key(unroll, lambda: jax.random.split(jax.random.fold_in(key, 1), batch))
        return jax.lax.map(lambda t: _of_rule(ensemble.net, ensemble.dataset, params, drawn, keyed, t), lengths)

    return over_networks(of_network, ensemble)[0]


def _of_rule(net, dataset, params, batch, unroll, length):
    """Compares the gradients of an unroll and of `scan` over the last `length` steps: (cosine, ratio of norms) [2]."""
    counted = jnp.arange(len(batch.xs))[:, None] >= len(batch.xs) - length
    mask = jnp.broadcast_to(counted, batch.weights.shape) if batch.mask is None else counted & batch.mask
    last_steps = batch._replace(mask=mask, weights=batch.weights * counted)

    def gradient(unroll):
        loss = loss_of(net.with_unroll(unroll), dataset, last_steps)
        gradients = jax.tree.leaves(jax.grad(loss)(params), is_leaf=lambda part: isinstance(part, AffineParams))
        return [part for part in gradients if not isinstance(part, AffineParams)]

    return compare_gradients(gradient(scan.unroll()), gradient(unroll))


def plot(result: Result) -> dict[str, Any]:
    """Draws cosine and ratio of norms against T, one panel per network, and a table of the cosines at the longest T."""
    words = {"online_gradients": "cosine with exact gradient", "online_gradients_norm": "norm / exact norm"}
    figures = {title: _over_lengths(result, index, words[title]) for index, title in enumerate(words)}
    return figures | {"online_gradients_table": _at_the_longest(result.networks)}


def _at_the_longest(arrays_by_network):
    rules = [rule for rule in RULES if any(rule in each for each in arrays_by_network.values())]
    cosines = [
        [np.median(each[rule][:, -1, 0]) if rule in each else np.nan for rule in rules]
        for each in arrays_by_network.values()
    ]
    figure, axes = style.axes("", "")
    figure.set_figheight(1.3 + 0.16 * len(arrays_by_network))
    image = axes.imshow(cosines, cmap="Greys", vmin=0, vmax=1, aspect="auto")
    for row, values in enumerate(cosines):
        for column, value in enumerate(values):
            if not np.isnan(value):
                colour = "white" if value > 0.6 else "black"
                axes.text(column, row, f"{value:.2f}", color=colour, ha="center", va="center", fontsize=style.SMALLEST)
    axes.set_yticks(range(len(arrays_by_network)), list(arrays_by_network))
    axes.set_xticks(range(len(rules)), rules, rotation=45, ha="right", rotation_mode="anchor")
    figure.colorbar(image)
    style.title(axes, "cosine with exact gradient")
    return figure


def _over_lengths(result, index, words):
    def curves_of(each):
        for number, rule in enumerate(RULES):
            if rule in each:
                line = {"color": COLOURS[number], "marker": MARKERS[number]}
                yield curves.Curve(each["T"], each[rule][..., index], rule, rule, line)

    def finish(panel):
        panel.axhline(1.0, **style.FAINT)
        panel.set_xscale("log")
        style.plain_log(panel.xaxis)

    options = {"finish": finish, "sharex": True, "sharey": True}
    return style.legend_below(
        curves.figure(result.networks, curves_of, "T (steps)", words, result.layout, **options)[0]
    )
