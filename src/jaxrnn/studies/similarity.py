"""Similarity of trained networks: states by linear CKA and Procrustes, dynamics by DSA, for every pair of networks.

All networks see the same sequences. Kornblith et al. 2019; Williams et al. 2021; Ostrow et al. 2023.
"""

from itertools import combinations
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxrnn import statistics
from jaxrnn.dynamics import similarity as measures
from jaxrnn.dynamics import taps
from jaxrnn.plotting import style
from jaxrnn.studies._ensembles import over_networks
from jaxrnn.studies._networks import ensembles
from jaxrnn.studies._precision import study_function
from jaxrnn.studies._result import Result, quantiles
from jaxrnn.table import Table
from jaxrnn.types import Size

KINDS = {
    "cka": "linear CKA",
    "procrustes": "Procrustes (rad)",
    "dsa": "DSA (rad)",
}
CAPTIONS = {
    "similarity": "Every network against every other, at the last checkpoint, under the same sequences of the data. "
    "Left: linear CKA of their states (1: the same). Middle: Procrustes angle between their states. Right: DSA, the "
    "angle between their dynamics (0: the same for both angles). White lines separate the kinds of networks.",
}


@study_function
def study(networks: Any, batch: Size = 32, delays: Size = 5, rank: Size = 10) -> Result:
    """Similarity of states and of dynamics of all networks, at their last checkpoint.

    Args:
      networks: as in `jaxrnn.studies`; at least two, on data of one kind.
      batch: number of sequences that all of them see.
      delays, rank: delays and rank of the linear map that DSA compares (`jaxrnn.dynamics.similarity.dynamics_matrix`).

    Returns:
      A `Result`. Common are "cka", "procrustes" and "dsa" [M, M] over all M networks, kind after kind. Each kind has
      "place" [N], the indices of its networks in these matrices.

    Raises:
      ValueError: if there is only one network, or the sequences are too short for the delays.
    """
    kinds = ensembles(networks)
    states, arrays_by_kind, labels = [], {}, []
    xs = kinds[0].inputs(batch, jax.random.key(kinds[0].seed))
    if len(xs) <= delays + 1:
        raise ValueError(f"the sequences have {len(xs)} steps: study.delays={delays} needs at least {delays + 2}")
    for ensemble in kinds:
        if ensemble.dataset.input_size != xs.shape[-1]:
            raise ValueError(
                f"{ensemble.name} reads {ensemble.dataset.input_size} inputs: expected {xs.shape[-1]}, as of the others"
            )
        states_of_kind = _states(ensemble.at([len(ensemble.steps) - 1]), xs)
        indices = np.arange(len(states_of_kind)) + len(states)
        arrays_by_kind[ensemble.name] = {"place": indices, "step": ensemble.steps[-1]}
        states += list(states_of_kind)
        labels += [ensemble.name] * len(states_of_kind)
    if len(states) < 2:
        raise ValueError("one network: expected at least two to compare; give seeds=N or compare=[...]")
    grids = _compare(states, delays, rank)
    rows, findings = _between(labels, grids)
    return Result(arrays_by_kind, Table(rows), findings, plot, grids, captions=CAPTIONS)


def _states(ensemble, xs):
    """Returns the states of all layers of every network at every step: [N, T, B, n]."""

    def of_network(params, _):
        carry = ensemble.net.initial(params, (xs.shape[1],))
        _, _, layers = taps.observe(ensemble.net, params, carry, xs)
        return jnp.concatenate([a for layer in layers for a in jax.tree.leaves(layer.carries)], axis=-1)

    return over_networks(of_network, ensemble)[0]


def _compare(states, delays, rank):
    """Compares states [T, B, n] of all networks: {measure: [M, M]}."""
    count = len(states)
    grids = {"cka": np.eye(count), "procrustes": np.zeros((count, count)), "dsa": np.zeros((count, count))}
    pairs = list(combinations(range(count), 2))
    maps = np.array([measures.dynamics_matrix(each, delays, rank) for each in states])
    first, second = np.array(pairs).T
    angles = np.asarray(measures.dsa(maps[first], maps[second]))
    for (i, j), angle in zip(pairs, angles, strict=True):
        x, y = (states[k].reshape(-1, states[k].shape[-1]) for k in (i, j))
        grids["cka"][i, j] = grids["cka"][j, i] = measures.linear_cka(x, y)
        grids["procrustes"][i, j] = grids["procrustes"][j, i] = measures.procrustes(x, y)
        grids["dsa"][i, j] = grids["dsa"][j, i] = angle
    return grids


def _between(labels, grids):
    """Returns the table's rows and findings: medians over the pairs of networks of two kinds, or within one kind."""
    rows, findings, kinds = [], [], list(dict.fromkeys(labels))
    labels = np.array(labels)
    for a, b in [(a, b) for index, a in enumerate(kinds) for b in kinds[index:]]:
        i, j = np.nonzero((labels[:, None] == a) & (labels[None] == b))
        different = i != j
        if not different.any():
            continue
        row = {"network": a, "other": b, "pairs": int(different.sum() // (1 + (a == b)))}
        for name, grid in grids.items():
            row |= quantiles(statistics.median(grid[i[different], j[different]]), (name, f"{name}_low", f"{name}_high"))
        rows.append(row)
        kinds_compared = f"within {a}" if a == b else f"{a} and {b}"
        findings.append(
            f"{kinds_compared}: CKA {row['cka']:.3f}, Procrustes {row['procrustes']:.3f} rad, DSA {row['dsa']:.3f} rad"
        )
    return rows, findings


def plot(result: Result) -> dict[str, Any]:
    """Draws every network against every other, one panel per measure."""
    arrays_by_kind = result.networks
    figure, panels = style.panels(len(KINDS), "", "", columns=3)
    ends = [each["place"][-1] + 0.5 for each in arrays_by_kind.values()]
    middles = [each["place"].mean() for each in arrays_by_kind.values()]
    for panel, (name, words) in zip(panels, KINDS.items(), strict=True):
        grid = result.common[name]
        mesh = panel.imshow(grid, cmap="viridis", aspect="auto", vmin=0, vmax=1 if name == "cka" else grid.max())
        for end in ends[:-1]:
            panel.axhline(end, color="white", linewidth=1.5)
            panel.axvline(end, color="white", linewidth=1.5)
        panel.set_xticks(middles, list(arrays_by_kind), rotation=90)
        panel.set_yticks(
            middles, list(arrays_by_kind) if panel.get_subplotspec().is_first_col() else [""] * len(middles)
        )
        panel.spines[:].set_visible(False)
        figure.colorbar(mesh, ax=panel, label=words, location="top")
    return {"similarity": figure}
