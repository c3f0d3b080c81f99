"""How alike trained networks are: states by linear CKA and Procrustes, dynamics by DSA, every network against every
other.

All networks see the same sequences. Kornblith et al. 2019; Williams et al. 2021; Ostrow et al. 2023.
"""

from itertools import combinations
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxrnn import statistics
from jaxrnn.arguments import checked
from jaxrnn.dynamics import similarity as measures
from jaxrnn.dynamics import taps
from jaxrnn.plotting import style
from jaxrnn.studies._ensembles import ensembles, over_networks
from jaxrnn.studies._precision import in_their_precision
from jaxrnn.studies._result import Result, quantiles
from jaxrnn.table import Table
from jaxrnn.types import Size

KINDS = {
    "cka": "linear CKA",
    "procrustes": "Procrustes (rad)",
    "dsa": "DSA (rad)",
}
CAPTIONS = {
    "similarity": "Every network against every other, at the last checkpoint, under the same sequences of the data: "
    "linear CKA of their states (1: alike), the Procrustes angle between their states and the angle between their "
    "dynamics, DSA (0: alike). White lines part the kinds of networks.",
}


@checked
@in_their_precision
def study(networks: Any, batch: Size = 32, delays: Size = 5, rank: Size = 10) -> Result:
    """Similarity of states and of dynamics of all networks, at their last checkpoint.

    Args:
      networks: as in `jaxrnn.studies`; two at least, on data of one kind.
      batch: sequences that all of them see.
      delays, rank: of the linear map that DSA compares; see `jaxrnn.dynamics.similarity.dynamics_matrix`.

    Returns:
      A `Result`; common are "cka", "procrustes" and "dsa" [M, M] over all M networks, kind after kind; each kind has
      "place" [N], the numbers of its networks there.

    Raises:
      ValueError: if there is a single network, or the sequences are no longer than the delays.
    """
    given = ensembles(networks)
    states, found, labels = [], {}, []
    xs = given[0].draw(batch, jax.random.key(given[0].seed)).xs
    if len(xs) <= delays + 1:
        raise ValueError(f"the sequences have {len(xs)} steps; study.delays={delays} needs {delays + 2} at least")
    for ensemble in given:
        if ensemble.dataset.input_size != xs.shape[-1]:
            raise ValueError(f"{ensemble.name} reads {ensemble.dataset.input_size} inputs, others {xs.shape[-1]}")
        own = _outputs(ensemble.at([len(ensemble.steps) - 1]), xs)
        found[ensemble.name] = {"place": np.arange(len(own)) + len(states), "step": ensemble.steps[-1]}
        states += list(own)
        labels += [ensemble.name] * len(own)
    if len(states) < 2:
        raise ValueError("it compares networks: give two at least, by seeds=... or compare=...")
    grids = _compared(states, delays, rank)
    rows, findings = _between(labels, grids)
    return Result(found, Table(rows), findings, plot, grids, captions=CAPTIONS)


def _outputs(ensemble, xs):
    """The states of all layers of every network at every step: [N, T, B, n]."""

    def of_network(params, _):
        carry = ensemble.net.initial(params, (xs.shape[1],))
        _, _, layers = taps.observe(ensemble.net, params, carry, xs)
        return jnp.concatenate([a for layer in layers for a in jax.tree.leaves(layer.carries)], axis=-1)

    return over_networks(of_network, ensemble)[0]


def _compared(states, delays, rank):
    """{measure: [M, M]} of states [T, B, n]."""
    count = len(states)
    grids = {"cka": np.eye(count), "procrustes": np.zeros((count, count)), "dsa": np.zeros((count, count))}
    pairs = list(combinations(range(count), 2))
    maps = np.array([measures.dynamics_matrix(each, delays, rank) for each in states])
    one, two = np.array(pairs).T
    angles = np.asarray(measures.dsa(maps[one], maps[two]))
    for (i, j), angle in zip(pairs, angles, strict=True):
        x, y = (states[k].reshape(-1, states[k].shape[-1]) for k in (i, j))
        grids["cka"][i, j] = grids["cka"][j, i] = measures.linear_cka(x, y)
        grids["procrustes"][i, j] = grids["procrustes"][j, i] = measures.procrustes(x, y)
        grids["dsa"][i, j] = grids["dsa"][j, i] = angle
    return grids


def _between(labels, grids):
    """The table's rows and the sentences: medians over the pairs of networks of two kinds, or within one."""
    rows, findings, kinds = [], [], list(dict.fromkeys(labels))
    labels = np.array(labels)
    for a, b in [(a, b) for place, a in enumerate(kinds) for b in kinds[place:]]:
        i, j = np.nonzero((labels[:, None] == a) & (labels[None] == b))
        apart = i != j
        if not apart.any():
            continue
        row = {"network": a, "other": b, "pairs": int(apart.sum() // (1 + (a == b)))}
        for name, grid in grids.items():
            row |= quantiles(statistics.median(grid[i[apart], j[apart]]), (name, f"{name}_low", f"{name}_high"))
        rows.append(row)
        who = f"within {a}" if a == b else f"{a} and {b}"
        findings.append(
            f"{who}: CKA {row['cka']:.3f}, Procrustes {row['procrustes']:.3f} rad, DSA {row['dsa']:.3f} rad"
        )
    return rows, findings


def plot(result: Result) -> dict[str, Any]:
    """Every network against every other, a panel for each measure."""
    found = result.networks
    figure, panels = style.panels(len(KINDS), "", "", columns=3)
    ends = [each["place"][-1] + 0.5 for each in found.values()]
    middles = [each["place"].mean() for each in found.values()]
    for panel, (name, words) in zip(panels, KINDS.items(), strict=True):
        grid = result.common[name]
        mesh = panel.imshow(grid, cmap="viridis", aspect="auto", vmin=0, vmax=1 if name == "cka" else grid.max())
        for end in ends[:-1]:
            panel.axhline(end, color="white", linewidth=1.5)
            panel.axvline(end, color="white", linewidth=1.5)
        panel.set_xticks(middles, list(found), rotation=90)
        panel.set_yticks(middles, list(found) if panel.get_subplotspec().is_first_col() else [""] * len(middles))
        panel.spines[:].set_visible(False)
        figure.colorbar(mesh, ax=panel, label=words, location="top")
    return {"similarity": figure}
