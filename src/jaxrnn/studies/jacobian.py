"""Singular values of the Jacobians J_t = dz_t/dz_{t-1} of the full carry, (h, c) for an LSTM, and of their products.

The norm of the product over k steps limits how much a gradient can grow over a lag of k. Its condition number tells how
differently it treats directions. For an Elman network the bound of Pascanu, Mikolov & Bengio 2013 is drawn too.
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

STEEPEST = 1.0  # largest |phi'| of tanh, ReLU and the identity
CURVES = {"largest": (0, style.RED), "median": (None, style.BLACK), "smallest": (-1, style.BLUE)}
CAPTIONS = {
    "jacobian": "Singular values of the product of Jacobians J_t ... J_{t-k+1} over k steps (natural logarithm): the "
    "largest, the median and the smallest. Each network contributes the median over its sequences; medians over "
    "networks with 90 % bootstrap intervals. On the grey line a perturbation, or a gradient on its way back, keeps its "
    "length. The bound, for a network of one Elman layer, is k ln(gamma sigma_max(W_h)).",
    "jacobian_one_step": "Singular values of the Jacobian of one step in descending order; medians over steps, "
    "sequences and networks, with 90 % bootstrap intervals over networks.",
}


def measure(f: Callable[..., Any], z_0: Any, xs: ArrayLike) -> Any:
    """Computes the singular values of one-step Jacobians of a map and of their products along a sequence.

    Args:
      f, z_0: the map, f(z [n], x [D]) -> z', and its initial state.
      xs: inputs [T, D].

    Returns:
      (one_step [T, n], products [T, n]): singular values of J_t, and logarithms of the singular values of J_t ... J_1,
      both descending.
    """
    js = dynamics.jacobians(f, z_0, xs)
    # One decomposition at a time: batched ones on two CPU devices at once deadlock.
    one_step = jax.lax.map(lambda j: jnp.linalg.svd(j, compute_uv=False), js)
    return one_step, dynamics.log_singular_values(js)


def pascanu_bound(params: Params) -> Any:
    """Returns gamma sigma_max(W_h), whose k-th power bounds the norm of a product over k steps.

    It is None unless there is exactly one Elman layer (Pascanu, Mikolov & Bengio 2013, eq. 7).
    """
    layers = jax.tree.leaves(params, is_leaf=lambda node: isinstance(node, ElmanParams))
    elman_layers = [layer for layer in layers if isinstance(layer, ElmanParams)]
    return STEEPEST * jnp.linalg.norm(elman_layers[0].w_h, 2) if len(elman_layers) == 1 else None


@checked
@in_their_precision
def study(networks: Any, sequences: Size = 4) -> Result:
    """Singular values against lag for every kind of network, every layer, and every checkpoint of its training.

    Args:
      networks: as in `jaxrnn.studies`.
      sequences: sequences per network.

    Returns:
      A `Result`. Each network has:

      - "steps" [S].
      - "one" [S, N, n]: medians over steps and sequences of the singular values of J_t.
      - "products" [S, N, T, n]: the natural logarithms of the singular values of products over 1 ... T steps, medians
        over sequences.
      - "bound" [S, N]: gamma sigma_max(W_h), for networks of one Elman layer.
    """
    arrays_by_network, rows, findings, scores = {}, [], [], {}
    for ensemble in ensembles(networks):
        for name, arrays in _measured(ensemble, sequences).items():
            arrays_by_network[name] = arrays
            rows += _rows(name, arrays)
            length = arrays["products"].shape[2]
            rates = arrays["products"][:, :, -1, 0] / length
            scores[name] = rates[-1]
            for moment in ensemble.ends():
                size = np.median(arrays["one"][moment][:, 0])
                spread = np.median(arrays["products"][moment, :, -1, 0] - arrays["products"][moment, :, -1, -1])
                change = np.median(rates[moment])
                findings.append(
                    f"{name}, step {arrays['steps'][moment]}: |J_t| {size:.3g}; over {length} steps the largest "
                    f"singular value changes by {change:+.4f} nats per step, condition number e^{spread:.3g}"
                )
    scores = {"nats per step of the largest singular value": scores}
    return Result(arrays_by_network, Table(rows), findings, plot, captions=CAPTIONS, scores=scores)


def _rows(name, arrays):
    for moment, step in enumerate(arrays["steps"]):
        logs = arrays["products"][moment]
        for lag in range(1, logs.shape[1] + 1):
            row = {"network": name, "step": int(step), "lag": lag, "networks": len(logs)}
            values = logs[:, lag - 1]
            row |= quantiles(statistics.median(values[:, 0]), ("ln_norm", "low", "high"))
            row |= {"ln_smallest": float(np.median(values[:, -1]))}
            row |= {"ln_condition": float(np.median(values[:, 0] - values[:, -1]))}
            yield row | {
                "ln_bound": float(lag * np.log(np.median(arrays["bound"][moment]))) if "bound" in arrays else ""
            }


def _measured(ensemble, sequences):
    """Measures one kind of network: {name: {quantity: array}}."""

    def of_network(params, key):
        xs = ensemble.draw(sequences, key).xs

        def of_sequence(x):
            return {name: measure(*each) for name, each in driven_maps(ensemble, params, x).items()}

        return jax.lax.map(of_sequence, jnp.moveaxis(xs, 1, 0)), pascanu_bound(params)

    values, bound = over_networks(of_network, ensemble)
    arrays_by_name = {}
    for name, (one_step, products) in values.items():
        arrays_by_name[name] = {
            "steps": ensemble.steps,
            "one": np.median(one_step, axis=(2, 3)),
            "products": np.median(products, axis=2),
        }
    return {name: arrays if bound is None else arrays | {"bound": bound} for name, arrays in arrays_by_name.items()}


def plot(result: Result) -> dict[str, Any]:
    """Draws the singular values of products against lag with the bound, and of one step, one panel per network."""
    arrays_by_network = result.networks
    return {"jacobian": _products(arrays_by_network), "jacobian_one_step": _one_step(arrays_by_network)}


def _products(arrays_by_network):
    figure, panels = style.panels(len(arrays_by_network), "lag k (steps)", "ln of singular values", sharex=True)
    for panel, (name, each) in zip(panels, arrays_by_network.items(), strict=True):
        logs, lags = each["products"], np.arange(1, each["products"].shape[2] + 1)
        for curve, (index, colour) in CURVES.items():
            chosen = logs[..., logs.shape[-1] // 2 if index is None else index]
            curves.before_and_after(panel, lags, chosen, each["steps"], curve, color=colour)
        if "bound" in each:
            panel.plot(
                lags, lags * np.log(np.median(each["bound"][-1])), label="bound (Pascanu et al. 2013)", **style.THEORY
            )
        panel.axhline(0.0, **style.FAINT)
        style.title(panel, name)
    style.legend_below(figure)
    return figure


def _one_step(arrays_by_network):
    figure, panels = style.panels(
        len(arrays_by_network), "index, from the largest", "singular value of $J_t$", sharey=True
    )
    values = []
    for panel, (name, each) in zip(panels, arrays_by_network.items(), strict=True):
        values += curves.before_and_after(panel, curves.ranks(each["one"]), each["one"], each["steps"])
        panel.axhline(1.0, **style.FAINT)
        style.title(panel, name)
    style.log_axis(panels[0], values, 1e-12)
    if any(len(each["steps"]) > 1 for each in arrays_by_network.values()):
        style.legend_below(figure)
    return figure
