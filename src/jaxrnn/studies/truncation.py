"""The bias of truncated backpropagation through time: how the truncated gradient compares with the full one.

Williams & Peng 1990; Tallec & Ollivier 2017. Cosine 1 and ratio 1 is no bias. The gradient is cut in two ways: into
pieces of k steps, BPTT(k; k), as stateful training does; and k steps back from every step, BPTT(k; 1).
"""

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxrnn.losses import weighted_sum
from jaxrnn.plotting import style as plotting
from jaxrnn.studies._ensembles import ensembles, over_networks
from jaxrnn.studies._result import Result
from jaxrnn.table import Table
from jaxrnn.types import Size
from jaxrnn.unroll import scan, truncated

WAYS = {"pieces": lambda k: truncated.unroll(k), "every step": lambda k: truncated.unroll(1, k)}


def measure(net, dataset, params, batch, unroll):
    """(cosine, ratio of norms) between the gradient of a batch under an unroll and the full one."""

    def gradient(unroll):
        unrolled = net.unrolled(unroll)

        def loss(params):
            carry = unrolled.initial(params, batch.fresh.shape)
            _, ys = unrolled.apply(params, carry, batch.xs, mask=batch.mask, reset=batch.reset)
            total, weight = weighted_sum(dataset.loss, ys, batch.targets, batch.weights)
            return total / weight

        return jax.grad(loss)(params)

    full, cut = gradient(scan.unroll()), gradient(unroll)
    norms = optax.tree.norm(full), optax.tree.norm(cut)
    tiny = jnp.finfo(norms[0].dtype).tiny
    return optax.tree.vdot(full, cut) / jnp.maximum(norms[0] * norms[1], tiny), norms[1] / jnp.maximum(norms[0], tiny)


def study(networks, lengths: list[Size] = (1, 2, 5, 10, 20, 50, 100), batch: Size = 32):
    """Cosine and ratio of norms against k, for every kind of network, before and after training.

    Args:
      networks: as in `jaxrnn.studies`.
      lengths: values of k, in steps; those longer than the sequences are left out.
      batch: sequences for each network.

    Returns:
      A `Result`; each network has "steps" [S]; "k" [k]; "pieces" and "every step" [S, N, k, 2], cosine and ratio.
    """
    found, rows, findings = {}, [], []
    for ensemble in ensembles(networks):
        ensemble = ensemble.at(ensemble.ends())
        longest = len(ensemble.draw(batch, jax.random.key(0)).xs)
        ks = [k for k in lengths if k < longest] + [longest]
        own = {"steps": ensemble.steps, "k": np.array(ks)}
        for way, unroll in WAYS.items():
            own[way] = _measured(ensemble, unroll, ks, batch)
            for moment, step in enumerate(ensemble.steps):
                medians = np.median(own[way][moment], axis=0)
                for k, (cosine, ratio) in zip(ks, medians.tolist(), strict=True):
                    who = {"network": ensemble.name, "step": int(step), "cut": way, "k": k}
                    rows.append(who | {"cosine": cosine, "ratio": ratio})
                first = ks[int(np.argmax(medians[:, 0] > 0.95))]
                findings.append(f"{ensemble.name}, step {step}, {way}: cosine above 0.95 from k = {first} on")
        found[ensemble.name] = own
    return Result(found, Table(rows), findings, plot)


def _measured(ensemble, unroll, ks, batch):
    """Cosine and ratio of every network at every checkpoint: [S, N, k, 2]."""

    def of_network(params, key):
        drawn = ensemble.draw(batch, key)
        return jnp.array([measure(ensemble.net, ensemble.dataset, params, drawn, unroll(k)) for k in ks])

    return over_networks(of_network, ensemble)


def plot(result):
    """Cosine and ratio of norms against k, before (dashed) and after training."""
    figure, panels = plotting.panels(4, "k (steps)", "")
    places = [(way, index) for index in (0, 1) for way in WAYS]
    for panel, (way, index) in zip(panels, places, strict=True):
        for number, (name, each) in enumerate(result.networks.items()):
            medians = np.median(each[way], axis=1)
            for moment, style in {0: "--", len(medians) - 1: "-"}.items():
                label = name if style == "-" else None
                colour, marker = plotting.COLOURS[number % 7], "os^D*vP"[number % 7]
                values = medians[moment, :, index]
                panel.plot(each["k"], values, style, color=colour, label=label, marker=marker, markersize=3)
        panel.axhline(1.0, color="0.6", linewidth=0.8)
        title = f"cut: {way}"
        panel.set(xscale="log", title=title, ylabel=("cosine with the full gradient", "norm / full norm")[index])
    panels[0].legend(frameon=False, fontsize=7)
    return {"truncation": figure}
