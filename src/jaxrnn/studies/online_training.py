"""Online training: gradients computed forwards in time and an update at every step, against backpropagation.

Backpropagation through time updates once per batch, after its last step. The rules of `jaxrnn.unroll` update at every
step that counts.
"""

from functools import partial
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np

from jaxrnn import statistics
from jaxrnn.plotting import style
from jaxrnn.studies import _curves as curves
from jaxrnn.studies._ensembles import over_networks
from jaxrnn.studies._networks import ensembles
from jaxrnn.studies._online_rules import RULES, RuleName, supported
from jaxrnn.studies._precision import study_function
from jaxrnn.studies._result import Result, quantiles
from jaxrnn.studies._retraining import retraining_note, trivial_loss
from jaxrnn.table import Table
from jaxrnn.training import online
from jaxrnn.types import ListOf, Size

WAYS = {"bptt": None, **RULES}
COLOURS, MARKERS = (*style.COLOURS, "0.5"), "os^vDPX*"
CAPTIONS = {
    "online_training": "Loss of the training sequences before the network learned from them, against the sequences "
    "seen. bptt: one update after each batch, by backpropagation through time. The other rules: one update at every "
    "step that counts, with a gradient computed forwards in time. Grey line: the trivial prediction. Medians over "
    "networks with 90 % bootstrap intervals.",
}


@study_function
def study(
    networks: Any,
    rules: ListOf[Literal["bptt", RuleName]] = ("bptt", "rtrl", "snap_1", "eprop", "uoro"),
    updates: Size = 500,
    batch: Size = 8,
    points: Size = 20,
) -> Result:
    """Losses over training for every kind of network and every rule, all from the same initial params.

    Args:
      networks: as in `jaxrnn.studies`; their optimizer applies all updates.
      rules: any of bptt, rtrl, snap_2, snap_1, diagonal_rtrl, eprop, uoro, kf_rtrl.
      updates: number of batches seen.
      batch: sequences per batch.
      points: points of the curves; each is a mean over batches.

    Returns:
      A `Result`. Each network has "sequences" [P], "trivial" and per rule the losses [N, P]. A rule that does not
      support the cell is left out.
    """
    arrays_by_network, rows, findings, scores = {}, [], [], {}
    batches_per_point = max(1, updates // points)
    for ensemble in ensembles(networks):
        findings += retraining_note(ensemble)
        ensemble = ensemble.at([0])
        arrays = {
            "sequences": batch * batches_per_point * np.arange(1, points + 1),
            "trivial": np.asarray(trivial_loss(ensemble.dataset)),
        }
        measure = partial(_curves, ensemble, points, batches_per_point, batch)
        for rule, losses in supported(ensemble, rules, measure, findings):
            arrays[rule] = losses
            last = quantiles(statistics.median(losses[:, -1]), ("loss", "low", "high"))
            row = {"network": ensemble.name, "rule": rule, "sequences": int(arrays["sequences"][-1])}
            rows.append(row | {"networks": ensemble.networks} | last | {"trivial": float(arrays["trivial"])})
            findings.append("{network}, {rule}: loss {loss:.4g} ({low:.4g} to {high:.4g})".format(**rows[-1]))
            scores.setdefault(f"loss by {rule}", {})[ensemble.name] = losses[:, -1]
        arrays_by_network[ensemble.name] = arrays
    return Result(arrays_by_network, Table(rows), findings, plot, captions=CAPTIONS, scores=scores)


def _curves(ensemble, points, each, batch, name):
    """Trains by one rule: [N, P], each value the mean loss of `each` batches."""
    task, rule = ensemble.task, WAYS[name]

    def of_network(params, key):
        def update(state, number):
            key_data, key_rule = jax.random.split(jax.random.fold_in(key, number))
            drawn = ensemble.draw(batch, key_data)
            if rule is None:
                return online.after_the_batch(task, state, drawn, key_rule)
            return online.through(task, rule, name, state, drawn, key_rule)

        _, losses = jax.lax.scan(update, online.begin(task, params), jnp.arange(points * each))
        return jnp.mean(losses.reshape(points, each), axis=1)

    return over_networks(of_network, ensemble)[0]


def plot(result: Result) -> dict[str, Any]:
    """Draws loss against the sequences seen, one curve per rule and one panel per network."""

    def curves_of(each):
        for number, rule in enumerate(WAYS):
            if rule in each:
                line = {"color": COLOURS[number], "marker": MARKERS[number], "markevery": 3}
                yield curves.Curve(each["sequences"], each[rule], rule, rule, line)

    figure, *_ = curves.figure(
        result.networks,
        curves_of,
        "sequences seen",
        "training loss",
        result.layout,
        theory=lambda panel, each: panel.axhline(each["trivial"], **style.FAINT),
        finish=lambda panel: panel.set_yscale("log"),
        sharex=True,
        sharey=True,
    )
    return {"online_training": style.legend_below(figure)}
