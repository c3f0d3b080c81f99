"""Singular values of the Jacobians J_t = dz_t/dz_{t-1} of the full carry, (h, c) for an LSTM, and of their products.

The norm of the product over k steps is how much a gradient can grow over a lag of k, its condition number how much
directions are told apart; for an Elman network the bound of Pascanu, Mikolov & Bengio 2013 stands beside it.
"""

import jax
import jax.numpy as jnp
import numpy as np

from jaxrnn import dynamics
from jaxrnn.cells.elman import ElmanParams
from jaxrnn.plotting import style as plotting
from jaxrnn.studies._ensembles import ensembles, over_networks, refuse_future
from jaxrnn.studies._result import Result
from jaxrnn.table import Table
from jaxrnn.types import Size

STEEPEST = 1.0  # |phi'| at most, of tanh, ReLU and the identity


def measure(net, params, xs):
    """The singular values of one-step Jacobians and of their products along a sequence.

    Args:
      net: a causal `Net`.
      params: its params.
      xs: inputs [T, D].

    Returns:
      (one [T, n], products [T, n]): of J_t, and the natural logarithms of those of J_t ... J_1, descending, NaN
      where they are lost in the rounding of the largest.
    """
    f, z_0 = dynamics.as_map(net, params)

    def step(state, x):
        z, product, log_scale = state
        j = jax.jacfwd(f)(z, x)
        product = j @ product
        scale = jnp.maximum(jnp.max(jnp.abs(product)), jnp.finfo(product.dtype).tiny)  # keeps it within range
        product, log_scale = product / scale, log_scale + jnp.log(scale)
        values = [jnp.linalg.svd(a, compute_uv=False) for a in (j, product)]
        seen = values[1] > z_0.size * jnp.finfo(product.dtype).eps * values[1][0]  # the others are rounding
        return (f(z, x), product, log_scale), (values[0], jnp.where(seen, jnp.log(values[1]) + log_scale, jnp.nan))

    start = z_0, jnp.eye(z_0.size, dtype=z_0.dtype), jnp.zeros((), z_0.dtype)
    _, (one, log_products) = jax.lax.scan(step, start, xs)
    return one, log_products


def pascanu_bound(params):
    """(gamma sigma_max(W_h)): the norm of a product over k steps is its k-th power at most; None but for one Elman
    layer (Pascanu, Mikolov & Bengio 2013, eq. 7)."""
    layers = jax.tree.leaves(params, is_leaf=lambda node: isinstance(node, ElmanParams))
    found = [layer for layer in layers if isinstance(layer, ElmanParams)]
    return STEEPEST * jnp.linalg.norm(found[0].w_h, 2) if len(found) == 1 else None


def study(networks, sequences: Size = 4):
    """Singular values against lag, for every kind of network and every checkpoint of its training.

    Args:
      networks: as in `jaxrnn.studies`.
      sequences: for each network.

    Returns:
      A `Result`; each network has "steps" [S]; "one" [S, n], medians of the singular values of J_t; "products"
      [S, T, n], medians of the natural logarithms of those of the products over 1 ... T steps; "bound" [S], the median
      of gamma sigma_max(W_h), where there is one.
    """
    found, rows, findings = {}, [], []
    for ensemble in ensembles(networks):
        refuse_future(ensemble)
        own = _measured(ensemble, sequences)
        found[ensemble.name] = own
        for moment, step in enumerate(ensemble.steps):
            logs = own["products"][moment]
            for lag, values in enumerate(logs, 1):
                row = {"network": ensemble.name, "step": int(step), "lag": lag, "ln_norm": float(values[0])}
                row |= {"ln_smallest": float(values[-1]), "ln_condition": float(values[0] - values[-1])}
                rows.append(row | {"ln_bound": float(lag * np.log(own["bound"][moment])) if "bound" in own else ""})
            if moment in ensemble.ends():
                norm, rate = own["one"][moment][0], logs[-1][0] / len(logs)
                spread = logs[-1][0] - logs[-1][-1]
                condition = "lost in rounding" if np.isnan(spread) else f"e^{spread:.3g}"
                findings.append(
                    f"{ensemble.name}, step {step}: |J_t| {norm:.3g}; over {len(logs)} steps the largest singular "
                    f"value changes by {rate:+.4f} nats a step, condition number {condition}"
                )
    return Result(found, Table(rows), findings, plot)


def _measured(ensemble, sequences):
    """What is found of one kind of network: {what: array}."""

    def of_network(params, key):
        xs = ensemble.draw(sequences, key).xs
        # One after the other: batched SVDs on two CPU devices at once have been seen to stall.
        values = jax.lax.map(lambda x: measure(ensemble.net, params, x), jnp.moveaxis(xs, 1, 0))
        return values, pascanu_bound(params)

    (one, products), bound = over_networks(of_network, ensemble)
    own = {"steps": ensemble.steps, "one": np.median(one, axis=(1, 2, 3)), "products": np.median(products, axis=(1, 2))}
    return own if bound is None else own | {"bound": np.median(bound, axis=1)}


def plot(result):
    """The singular values of the products against lag, largest, median and smallest, in a panel for each network, the
    bound beside them; and the singular values of one step."""
    found = result.networks
    figure, panels = plotting.panels(len(found), "lag (steps)", "ln of singular values of the product")
    for panel, (name, each) in zip(panels, found.items(), strict=True):
        for moment, style in {0: "--", len(each["steps"]) - 1: "-"}.items():
            logs = each["products"][moment]
            lags = np.arange(1, len(logs) + 1)
            for place, colour in zip((0, logs.shape[1] // 2, -1), plotting.COLOURS, strict=False):
                label = {0: "largest", -1: "smallest"}.get(place, "median") if style == "-" else None
                panel.plot(lags, logs[:, place], color=colour, linestyle=style, label=label)
            if "bound" in each:
                bound = lags * np.log(each["bound"][moment])
                panel.plot(lags, bound, "k:", label="bound (Pascanu et al. 2013)" if style == "-" else None)
        panel.set_title(name)
        panel.legend(frameon=False, fontsize=7)
    ones, (axes,) = plotting.panels(1, "index, from the largest", "singular value of J_t")
    for number, (name, each) in enumerate(found.items()):
        style = plotting.STYLES[number % len(plotting.STYLES)]
        values = each["one"][-1]
        colour = plotting.COLOURS[number % len(plotting.COLOURS)]
        axes.plot(np.arange(1, len(values) + 1), values, style, color=colour, label=name)
    axes.set_yscale("log")
    axes.legend(frameon=False)
    return {"jacobian": figure, "jacobian_one_step": ones}
