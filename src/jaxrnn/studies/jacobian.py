"""Singular values of the Jacobians J_t = dz_t/dz_{t-1} of the full carry, (h, c) for an LSTM, and of their products.

The norm of the product over k steps is how much a gradient can grow over a lag of k, its condition number how much
directions are told apart; for an Elman network the bound of Pascanu, Mikolov & Bengio 2013 stands beside it.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from jaxrnn import dynamics, statistics
from jaxrnn.arguments import checked
from jaxrnn.cells.elman import ElmanParams
from jaxrnn.plotting import style
from jaxrnn.studies import _curves as curves
from jaxrnn.studies._ensembles import ensembles, over_networks
from jaxrnn.studies._layers import driven_maps
from jaxrnn.studies._precision import in_their_precision
from jaxrnn.studies._result import Result, quantiles
from jaxrnn.table import Table
from jaxrnn.types import Params, Size

STEEPEST = 1.0  # |phi'| at most, of tanh, ReLU and the identity
CURVES = {"largest": (0, style.RED), "median": (None, style.BLACK), "smallest": (-1, style.BLUE)}
CAPTIONS = {
    "jacobian": "Singular values of the product of Jacobians J_t ... J_{t-k+1} over k steps (natural logarithm): the "
    "largest, the median and the smallest; medians over networks, each of which is the median over its sequences, with "
    "90 % bootstrap intervals. At the grey line a perturbation, or a gradient on its way back, keeps its length. The "
    "bound, where the network has one Elman layer, is k ln(gamma sigma_max(W_h)).",
    "jacobian_one_step": "Singular values of the Jacobian of one step, from the largest on; medians over steps, "
    "sequences and networks, with 90 % bootstrap intervals over networks.",
}


def measure(f: Callable[..., Any], z_0: Any, xs: ArrayLike) -> Any:
    """The singular values of one-step Jacobians of a map and of their products along a sequence.

    Args:
      f, z_0: the map, f(z [n], x [D]) -> z', and where it starts.
      xs: inputs [T, D].

    Returns:
      (one [T, n], products [T, n]): of J_t, and the natural logarithms of those of J_t ... J_1, descending.
    """
    js = dynamics.jacobians(f, z_0, xs)
    # One after the other: batched decompositions on two CPU devices at once wait for each other for ever.
    one = jax.lax.map(lambda j: jnp.linalg.svd(j, compute_uv=False), js)
    return one, dynamics.log_singular_values(js)


def pascanu_bound(params: Params) -> Any:
    """(gamma sigma_max(W_h)): the norm of a product over k steps is its k-th power at most; None but for one Elman
    layer (Pascanu, Mikolov & Bengio 2013, eq. 7)."""
    layers = jax.tree.leaves(params, is_leaf=lambda node: isinstance(node, ElmanParams))
    found = [layer for layer in layers if isinstance(layer, ElmanParams)]
    return STEEPEST * jnp.linalg.norm(found[0].w_h, 2) if len(found) == 1 else None


@checked
@in_their_precision
def study(networks: Any, sequences: Size = 4) -> Result:
    """Singular values against lag, for every kind of network, every layer, and every checkpoint of its training.

    Args:
      networks: as in `jaxrnn.studies`.
      sequences: for each network.

    Returns:
      A `Result`; each network has "steps" [S]; "one" [S, N, n], medians over steps and sequences of the singular
      values of J_t; "products" [S, N, T, n], medians over sequences of the natural logarithms of those of the
      products over 1 ... T steps; "bound" [S, N], gamma sigma_max(W_h), where there is one.
    """
    found, rows, findings, scores = {}, [], [], {}
    for ensemble in ensembles(networks):
        for name, own in _measured(ensemble, sequences).items():
            found[name] = own
            rows += _rows(name, own)
            length = own["products"].shape[2]
            rates = own["products"][:, :, -1, 0] / length
            scores[name] = rates[-1]
            for moment in ensemble.ends():
                one = np.median(own["one"][moment][:, 0])
                spread = np.median(own["products"][moment, :, -1, 0] - own["products"][moment, :, -1, -1])
                findings.append(
                    f"{name}, step {own['steps'][moment]}: |J_t| {one:.3g}; over {length} steps the largest singular "
                    f"value changes by {np.median(rates[moment]):+.4f} nats a step, condition number e^{spread:.3g}"
                )
    scores = {"nats per step of the largest singular value": scores}
    return Result(found, Table(rows), findings, plot, captions=CAPTIONS, scores=scores)


def _rows(name, own):
    for moment, step in enumerate(own["steps"]):
        logs = own["products"][moment]
        for lag in range(1, logs.shape[1] + 1):
            row = {"network": name, "step": int(step), "lag": lag, "networks": len(logs)}
            values = logs[:, lag - 1]
            row |= quantiles(statistics.median(values[:, 0]), ("ln_norm", "low", "high"))
            row |= {"ln_smallest": float(np.median(values[:, -1]))}
            row |= {"ln_condition": float(np.median(values[:, 0] - values[:, -1]))}
            yield row | {"ln_bound": float(lag * np.log(np.median(own["bound"][moment]))) if "bound" in own else ""}


def _measured(ensemble, sequences):
    """What is found of one kind of network: {name: {what: array}}."""

    def of_network(params, key):
        xs = ensemble.draw(sequences, key).xs

        def of_sequence(x):
            return {name: measure(*each) for name, each in driven_maps(ensemble, params, x).items()}

        return jax.lax.map(of_sequence, jnp.moveaxis(xs, 1, 0)), pascanu_bound(params)

    values, bound = over_networks(of_network, ensemble)
    found = {}
    for name, (one, products) in values.items():
        found[name] = {
            "steps": ensemble.steps,
            "one": np.median(one, axis=(2, 3)),
            "products": np.median(products, axis=2),
        }
    return {name: own if bound is None else own | {"bound": bound} for name, own in found.items()}


def plot(result: Result) -> dict[str, Any]:
    """The singular values of the products against lag, largest, median and smallest, in a panel for each network, the
    bound beside them; and the singular values of one step."""
    found = result.networks
    return {"jacobian": _products(found), "jacobian_one_step": _one_step(found)}


def _products(found):
    figure, panels = style.panels(len(found), "lag k (steps)", "ln of singular values", sharex=True)
    for panel, (name, each) in zip(panels, found.items(), strict=True):
        logs, lags = each["products"], np.arange(1, each["products"].shape[2] + 1)
        for curve, (place, colour) in CURVES.items():
            chosen = logs[..., logs.shape[-1] // 2 if place is None else place]
            curves.before_and_after(panel, lags, chosen, each["steps"], curve, color=colour)
        if "bound" in each:
            panel.plot(
                lags, lags * np.log(np.median(each["bound"][-1])), label="bound (Pascanu et al. 2013)", **style.THEORY
            )
        panel.axhline(0.0, **style.FAINT)
        style.title(panel, name)
    style.legend_below(figure)
    return figure


def _one_step(found):
    figure, panels = style.panels(len(found), "index, from the largest", "singular value of $J_t$", sharey=True)
    values = []
    for panel, (name, each) in zip(panels, found.items(), strict=True):
        values += curves.before_and_after(panel, curves.ranks(each["one"]), each["one"], each["steps"])
        panel.axhline(1.0, **style.FAINT)
        style.title(panel, name)
    style.log_axis(panels[0], values, 1e-12)
    if any(len(each["steps"]) > 1 for each in found.values()):
        style.legend_below(figure)
    return figure
