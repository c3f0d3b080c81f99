"""The bias of truncated backpropagation through time: how the truncated gradient compares with the full one.

Williams & Peng 1990; Tallec & Ollivier 2017. Cosine 1 and ratio 1 is no bias. The gradient is cut in two ways: into
pieces of k steps, BPTT(k; k), as stateful training does; and k steps back from every step, BPTT(k; 1).
"""

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxrnn import plotting
from jaxrnn.losses import weighted_sum
from jaxrnn.subjects import Result, over_networks, sequences
from jaxrnn.types import Size
from jaxrnn.unroll import scan, truncated

WAYS = {"pieces": lambda k: truncated(k), "every step": lambda k: truncated(1, k)}


def measure(make_net, dataset, params, batch, unroll):
    """(cosine, ratio of norms) between the gradient of a batch under an unroll and the full one."""

    def gradient(unroll):
        net = make_net(unroll)

        def loss(params):
            carry = net.initial(params, batch.fresh.shape)
            _, ys = net.apply(params, carry, batch.xs, mask=batch.mask, reset=batch.reset)
            total, weight = weighted_sum(dataset.loss, ys, batch.targets, batch.weights)
            return total / weight

        return jax.grad(loss)(params)

    full, cut = gradient(scan), gradient(unroll)
    norms = optax.tree.norm(full), optax.tree.norm(cut)
    tiny = jnp.finfo(norms[0].dtype).tiny
    return optax.tree.vdot(full, cut) / jnp.maximum(norms[0] * norms[1], tiny), norms[1] / jnp.maximum(norms[0], tiny)


def study(subjects, lengths: list[Size] = (1, 2, 5, 10, 20, 50, 100), batch: Size = 32):
    """Cosine and ratio of norms against k, for every kind of network, before and after training.

    Args:
      subjects: a list of `Subject`s.
      lengths: values of k, in steps; those longer than the sequences are left out.
      batch: sequences for each network.

    Returns:
      A `Result` with "NAME|pieces" and "NAME|every step" [S, N, k, 2], cosine and ratio; "NAME|k" [k];
      "NAME|steps" [S].
    """
    arrays, rows, findings = {}, [], []
    for subject in subjects:
        subject = subject.at(subject.ends())
        drawn = sequences(subject, batch, jax.random.key(0))
        ks = [k for k in lengths if k < len(drawn.xs)] + [len(drawn.xs)]
        arrays |= {f"{subject.name}|steps": subject.steps, f"{subject.name}|k": np.array(ks)}
        for way, unroll in WAYS.items():

            def of_network(params, key, subject=subject, unroll=unroll, ks=ks):
                experiment, drawn = subject.experiment, sequences(subject, batch, key)
                make_net, dataset = experiment.make_net, experiment.dataset
                found = [measure(make_net, dataset, params, drawn, unroll(k)) for k in ks]
                return jnp.array(found)

            arrays[f"{subject.name}|{way}"] = found = over_networks(of_network, subject)
            for moment, step in enumerate(subject.steps):
                for place, k in enumerate(ks):
                    cosine, ratio = map(float, np.median(found[moment, :, place], axis=0))
                    who = {"network": subject.name, "step": int(step), "cut": way, "k": k}
                    rows.append(who | {"cosine": cosine, "ratio": ratio})
                unbiased = np.median(found[moment, :, :, 0], axis=0) > 0.95
                first = ks[int(np.argmax(unbiased))]
                findings.append(f"{subject.name}, step {step}, {way}: cosine above 0.95 from k = {first} on")
    return Result(arrays, rows, findings)


def plot(result):
    """Cosine and ratio of norms against k, before (dashed) and after training."""
    arrays = result.arrays
    names = result.names()
    figure, panels = plotting.panels(4, "k (steps)", "")
    places = [(way, index) for index in (0, 1) for way in WAYS]
    for panel, (way, index) in zip(panels, places, strict=True):
        for number, name in enumerate(names):
            found = np.median(arrays[f"{name}|{way}"], axis=1)
            for moment, style in {0: "--", len(found) - 1: "-"}.items():
                label = name if style == "-" else None
                colour, marker = plotting.COLOURS[number % 7], "os^D*vP"[number % 7]
                values = found[moment, :, index]
                panel.plot(arrays[f"{name}|k"], values, style, color=colour, label=label, marker=marker, markersize=3)
        panel.axhline(1.0, color="0.6", linewidth=0.8)
        title = f"cut: {way}"
        panel.set(xscale="log", title=title, ylabel=("cosine with the full gradient", "norm / full norm")[index])
    panels[0].legend(frameon=False, fontsize=7)
    return {"truncation": figure}
