"""How many dimensions the states of a network fill, how long they last, and how much of the input they remember.

Participation ratio (Gao et al. 2017), variance explained by principal components, autocorrelation times, and memory
capacity (Jaeger 2001).
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxrnn import dynamics, statistics
from jaxrnn.arguments import checked
from jaxrnn.dynamics import dimension as measures
from jaxrnn.plotting import style
from jaxrnn.studies import _curves as curves
from jaxrnn.studies._ensembles import ensembles, over_networks
from jaxrnn.studies._layers import driven_maps
from jaxrnn.studies._precision import in_their_precision
from jaxrnn.studies._result import Result, quantiles
from jaxrnn.table import Table
from jaxrnn.types import NonNegativeInt, Size

NUMBERS = {"participation_ratio": "participation ratio", "time_constant": "autocorrelation time (steps)",
           "capacity": "memory capacity"}  # fmt: skip
CAPTIONS = {
    "dimension": "Variance of the states under sequences of the data that the first principal components explain; "
    "medians over networks with 90 % bootstrap intervals.",
    "dimension_memory": "Squared correlation of a linear readout of the states with the input of k steps ago, under "
    "independent uniform inputs (Jaeger 2001), judged on steps that it was not fitted on; the area is the memory "
    "capacity, at most the number of states. Medians over networks with 90 % bootstrap intervals.",
}


@checked
@in_their_precision
def study(
    networks: Any, batch: Size = 32, steps: Size = 3000, warm_up: NonNegativeInt = 200, lags: Size = 60
) -> Result:
    """Dimension, time constants and memory of the states of every kind of network, before and after training.

    Args:
      networks: as in `jaxrnn.studies`.
      batch: sequences of the data for each network.
      steps: of independent inputs, uniform between -1 and 1 in the first input, zero in others, for the memory.
      warm_up: steps before them.
      lags: K, over which the memory is measured.

    Returns:
      A `Result`; each network has "steps" [S]; "explained" [S, N, n], the variance that the first 1 ... n components
      explain; "participation_ratio" [S, N]; "time_constants" [S, N, n] in steps; "memory" [S, N, K], and "capacity"
      [S, N], its sum. Of several layers all together and each.

    Raises:
      ValueError: if there are not more steps than lags.
    """
    if steps <= 2 * lags:
        raise ValueError(f"study.steps={steps} is too few for study.lags={lags}: more than twice as many are needed")
    found, rows, findings, scores = {}, [], [], {what: {} for what in NUMBERS.values()}
    for ensemble in ensembles(networks):
        ensemble = ensemble.at(ensemble.ends())
        for name, own in _measured(ensemble, batch, steps, warm_up, lags).items():
            found[name] = own
            single = {"participation_ratio": own["participation_ratio"], "capacity": own["capacity"]}
            single["time_constant"] = _median_of_units(own["time_constants"])
            for moment, step in enumerate(ensemble.steps):
                row = {"network": name, "step": int(step), "networks": own["capacity"].shape[1]}
                for what, values in single.items():
                    row |= quantiles(statistics.median(values[moment]), (what, f"{what}_low", f"{what}_high"))
                rows.append(row)
                findings.append(
                    f"{name}, step {step}: participation ratio {row['participation_ratio']:.3g} of "
                    f"{own['explained'].shape[-1]} states, autocorrelation time {row['time_constant']:.3g} steps, "
                    f"memory capacity {row['capacity']:.3g}"
                )
            for what, words in NUMBERS.items():
                scores[words][name] = single[what][-1]
    return Result(found, Table(rows), findings, plot, captions=CAPTIONS, scores=scores)


def _median_of_units(values):
    """Medians over the units that have a time constant: [S, N] of [S, N, n]; NaN where none has."""
    known = np.isfinite(values)
    filled = np.where(known.any(axis=-1, keepdims=True), values, 0.0)
    return np.where(known.any(axis=-1), np.nanmedian(filled, axis=-1), np.nan)


def _measured(ensemble, batch, steps, warm_up, lags):
    """{name: {what: [S, N, ...]}}."""
    ensemble.draw(batch, jax.random.key(0))  # refuses data that cannot be used
    width = ensemble.dataset.input_size

    def of_network(params, key):
        key_data, key_noise = jax.random.split(key)
        xs = ensemble.draw(batch, key_data).xs
        noise = jax.random.uniform(key_noise, (warm_up + steps,), xs.dtype, -1.0, 1.0)
        alone = jnp.zeros((len(noise), width), xs.dtype).at[:, 0].set(noise)

        def states(x):
            return {name: dynamics.trajectory(*each) for name, each in driven_maps(ensemble, params, x).items()}

        under_noise = jax.tree.map(lambda z: z[warm_up:], states(alone))
        return jax.vmap(states, 1, 1)(xs), under_noise, noise[warm_up:]

    seen, under_noise, noise = over_networks(of_network, ensemble)
    found = {}
    for name, of_data in seen.items():
        parts = {"explained": [], "participation_ratio": [], "time_constants": [], "memory": []}
        for place in np.ndindex(of_data.shape[:2]):
            own = measures.variances(of_data[place].reshape(-1, of_data.shape[-1]))
            parts["explained"].append(np.cumsum(own) / max(own.sum(), np.finfo(float).tiny))
            parts["participation_ratio"].append(measures.participation_ratio(own))
            parts["time_constants"].append(measures.time_constants(of_data[place]))
            parts["memory"].append(measures.memory_capacity(noise[place], under_noise[name][place], lags))
        own = {what: np.array(a).reshape(*of_data.shape[:2], *np.shape(a[0])) for what, a in parts.items()}
        found[name] = own | {"steps": ensemble.steps, "capacity": own["memory"].sum(axis=-1)}
    return found


def plot(result: Result) -> dict[str, Any]:
    """Variance explained and memory by lag, a panel for each network, before and after training."""
    found = result.networks
    return {
        "dimension": _curves(found, "explained", "principal components", "variance explained", 1),
        "dimension_memory": _curves(found, "memory", "lag k (steps)", "memory of the input", 0),
    }


def _curves(found, what, x_label, y_label, first):
    figure, panels = style.panels(len(found), x_label, y_label, sharey=True)
    for panel, (name, each) in zip(panels, found.items(), strict=True):
        place = curves.ranks(each[what], first)
        curves.before_and_after(panel, place, each[what], each["steps"])
        total = np.median(each["participation_ratio" if what == "explained" else "capacity"][-1])
        style.title(panel, f"{name}: {total:.1f}" + (" dimensions" if what == "explained" else " steps in all"))
        panel.set_ylim(-0.02, 1.02)
        if len(place) == 1:
            panel.set_xticks(place)
        elif what == "explained":
            panel.set_xscale("log")
            style.plain_log(panel.xaxis)
    style.legend_below(figure)
    return figure
