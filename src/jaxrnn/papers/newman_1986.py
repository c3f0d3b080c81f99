"""Newman 1986, "The distribution of Lyapunov exponents: exact results for random matrices".

For products of independent N x N matrices with normal entries of variance s^2 all exponents are known:
lam_i = ln s + (ln 2 + psi((N - i + 1) / 2)) / 2, with psi the digamma function. They test our QR method.
"""

import jax
import numpy as np
from scipy.special import digamma

from jaxrnn.dynamics.exponents import lyapunov
from jaxrnn.papers._claims import Claim, Reproduction
from jaxrnn.plotting import style
from jaxrnn.types import Size


def reproduce(quick: bool = False, size: Size = 8, steps: Size = 50_000, seeds: Size = 5) -> Reproduction:
    """Computes the exponents of `size` x `size` matrices from products of `steps` of them.

    Args:
      quick: a tenth of the steps.
      size: N.
      steps: factors per product.
      seeds: number of products.
    """
    steps = steps // 10 if quick else steps

    def spectrum(key):
        key, first = jax.random.split(key)
        keys = jax.random.split(key, steps)

        def step(z, key_data):
            return jax.random.normal(jax.random.wrap_key_data(key_data), (size, size)) @ z

        return lyapunov(step, jax.random.normal(first, (size,)) / 1e3, jax.random.key_data(keys)).lam

    ours = np.asarray(jax.jit(jax.vmap(spectrum))(jax.random.split(jax.random.key(0), seeds)))
    theory = (np.log(2) + digamma((size - np.arange(size)) / 2)) / 2
    tolerance = 1.5 / np.sqrt(steps)  # about twice the standard error of the lowest exponent
    claims = [
        Claim(f"exponent {i + 1} of {size}, nats per step", theory[i], ours[:, i], tolerance=2 * tolerance)
        for i in range(size)
    ]

    def draw():
        figure, panel = style.axes("number of the exponent", "exponent, nats per step")
        panel.plot(np.arange(1, size + 1), theory, **style.THEORY, label="Newman 1986")
        panel.plot(
            np.arange(1, size + 1),
            ours.T,
            "o",
            color=style.BLUE,
            markersize=3,
            label=["measured"] + [None] * (seeds - 1),
        )
        return {"newman_1986": style.legend_below(figure)}

    settings = {"N": size, "steps": steps, "seeds": seeds}
    return Reproduction("Newman 1986, exponents of products of random matrices", claims, settings, [], draw)
