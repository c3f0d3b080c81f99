"""Singular values of the Jacobians J_t = dz_t/dz_{t-1} of the full carry, (h, c) for an LSTM, and of their products.

The norm of the product over k steps limits how much a gradient can grow over a lag of k. Its condition number tells how
differently it treats directions. For an Elman network the bound of Pascanu, Mikolov & Bengio 2013 is drawn too.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxrnn import dynamics, statistics
from jaxrnn.arrays import AnyArray
from jaxrnn.plotting import style
from jaxrnn.studies import _curves as curves
from jaxrnn.studies._collect import at_ends, collect
from jaxrnn.studies._ensembles import over_networks
from jaxrnn.studies._layers import driven_maps, only_elman_layer
from jaxrnn.studies._networks import ensembles
from jaxrnn.studies._precision import study_function
from jaxrnn.studies._result import Result, quantiles
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


def measure(f: Callable[..., Any], z_0: Any, xs: AnyArray) -> Any:
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
    layer = only_elman_layer(params)
    return None if layer is None else STEEPEST * jnp.linalg.norm(layer.w_h, 2)


@study_function
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
    measure_kind = partial(_measure_kind, sequences=sequences)
    return collect(ensembles(networks), measure_kind, _rows, at_ends(_words), _scores, plot, CAPTIONS)


def _rates(arrays):
    """Returns the change of the largest singular value over the longest product [S, N], in nats per step."""
    return arrays["products"][:, :, -1, 0] / arrays["products"].shape[2]


def _scores(arrays):
    return {"nats per step of the largest singular value": _rates(arrays)[-1]}


def _words(arrays, moment):
    products = arrays["products"]
    size = np.median(arrays["one"][moment][:, 0])
    spread = np.median(products[moment, :, -1, 0] - products[moment, :, -1, -1])
    return (
        f"|J_t| {size:.3g}; over {products.shape[2]} steps the largest singular value changes by "
        f"{np.median(_rates(arrays)[moment]):+.4f} nats per step, condition number e^{spread:.3g}"
    )


def _rows(arrays):
    for moment, step in enumerate(arrays["steps"]):
        logs = arrays["products"][moment]
        ln_bound = np.log(np.median(arrays["bound"][moment])) if "bound" in arrays else None
        for lag in range(1, logs.shape[1] + 1):
            values = logs[:, lag - 1]
            row = {"step": int(step), "lag": lag, "networks": len(logs)}
            row |= quantiles(statistics.median(values[:, 0]), ("ln_norm", "low", "high"))
            row |= {"ln_smallest": float(np.median(values[:, -1]))}
            row |= {"ln_condition": float(np.median(values[:, 0] - values[:, -1]))}
            yield row | {"ln_bound": "" if ln_bound is None else float(lag * ln_bound)}


def _measure_kind(ensemble, sequences):
    """Measures one kind of network: {name: {quantity: array}}."""

    def of_network(params, key):
        xs = ensemble.inputs(sequences, key)

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
    return {"jacobian": _products(result), "jacobian_one_step": _one_step(result)}


def _products(result):
    def curves_of(each):
        logs = each["products"]
        for curve, (index, colour) in CURVES.items():
            chosen = logs[..., logs.shape[-1] // 2 if index is None else index]
            yield from curves.before_and_after(_lags(each), chosen, each["steps"], curve, color=colour)

    def theory(panel, each):
        if "bound" in each:
            bound = _lags(each) * np.log(np.median(each["bound"][-1]))
            panel.plot(_lags(each), bound, label="bound (Pascanu et al. 2013)", **style.THEORY)

    labels = "lag k (steps)", "ln of singular values"
    options = {"theory": theory, "finish": lambda panel: panel.axhline(0.0, **style.FAINT), "sharex": True}
    return style.legend_below(curves.figure(result.networks, curves_of, *labels, result.layout, **options)[0])


def _lags(each):
    return np.arange(1, each["products"].shape[2] + 1)


def _one_step(result):
    figure, panels, values = curves.figure(
        result.networks,
        lambda each: curves.before_and_after(curves.ranks(each["one"]), each["one"], each["steps"]),
        "index, from the largest",
        "singular value of $J_t$",
        result.layout,
        finish=lambda panel: panel.axhline(1.0, **style.FAINT),
        sharey=True,
    )
    style.log_axis(panels[0], values, 1e-12)
    followed = any(len(each["steps"]) > 1 for each in result.networks.values())
    return style.legend_below(figure) if followed or result.layout == "curves" else figure
