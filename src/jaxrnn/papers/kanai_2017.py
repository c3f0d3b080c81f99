"""Kanai, Fujiwara & Iwamura 2017, "Preventing gradient explosions in gated recurrent units".

A GRU without inputs and biases has the Jacobian I / 2 + W_hn / 4 at the origin. It is stable if the largest singular
value of W_hn is below 2. At 2 lies the bifurcation that makes gradients explode; the paper clips W_hn there.
"""

import jax
import jax.numpy as jnp
import numpy as np

from jaxrnn.cells import gru
from jaxrnn.dynamics.maps import as_map
from jaxrnn.nets import recurrent
from jaxrnn.papers._claims import Claim, Reproduction
from jaxrnn.plotting import style
from jaxrnn.types import Size


def reproduce(quick: bool = False, size: Size = 16, seeds: Size = 8, steps: Size = 4000) -> Reproduction:
    """Measures where the state of a GRU leaves the origin as W_hn grows; W_hn is symmetric, so its eigenvalues are
    real.

    Args:
      quick: half of the seeds and a quarter of the steps.
      size: H.
      seeds: number of random matrices.
      steps: number of steps after which the state is measured.
    """
    seeds, steps = (seeds // 2, steps // 4) if quick else (seeds, steps)
    scales = jnp.linspace(1.0, 3.0, 201)
    norms, errors = map(
        np.asarray,
        jax.jit(jax.vmap(lambda key: _states(key, size, scales, steps)))(jax.random.split(jax.random.key(0), seeds)),
    )
    bifurcations = [float(scales[np.argmax(row > 1e-3)]) for row in norms]
    claims = [
        Claim("largest eigenvalue of W_hn at which the state leaves the origin", 2.0, bifurcations, tolerance=0.03),
        Claim(
            "largest difference between the Jacobian at the origin and I / 2 + W_hn / 4", 0.0, errors, tolerance=1e-5
        ),
    ]

    def draw():
        figure, panel = style.axes("largest eigenvalue of W_hn", f"|h| after {steps:,} steps")
        panel.semilogy(scales, np.maximum(norms.T, 1e-12), color=style.BLUE, linewidth=0.7)
        panel.axvline(2.0, **style.FAINT)
        return {"kanai_2017": figure}

    settings = {"H": size, "steps": steps, "seeds": seeds}
    differs = [
        "The reset gate acts after the product (cuDNN), as in our default; at the origin both forms have this Jacobian."
    ]
    return Reproduction("Kanai, Fujiwara & Iwamura 2017, the bifurcation of the GRU", claims, settings, differs, draw)


def _states(key, size, scales, steps):
    """Returns (|h_T| for each scale of W_hn, largest error of the Jacobian at the origin)."""
    key_w, key_h, key_p = jax.random.split(key, 3)
    net = recurrent(gru.cell(size))
    params = net.init(key_p, 1)
    drawn = jax.random.normal(key_w, (size, size))
    symmetric = (drawn + drawn.T) / 2
    unit = symmetric / jnp.linalg.eigvalsh(symmetric)[-1]
    first = 1e-2 * jax.random.normal(key_h, (size,))

    def map_at(scale):
        w_h = params.w_h.at[:, 2 * size :].set(scale * unit)
        return as_map(net, params._replace(w_h=w_h, b=0 * params.b, b_hn=0 * params.b_hn))[0]

    def last(scale):
        f = map_at(scale)
        return jnp.linalg.norm(jax.lax.fori_loop(0, steps, lambda _, z: f(z, jnp.zeros(1)), first))

    jacobian = jax.jacfwd(map_at(1.5))(jnp.zeros(size), jnp.zeros(1))
    error = jnp.max(jnp.abs(jacobian - (0.5 * jnp.eye(size) + 0.25 * 1.5 * unit.T)))
    return jax.lax.map(last, scales), error
