"""Gers, Schmidhuber & Cummins 2000, "Learning to forget": how fast a memory cell forgets.

Without inputs and recurrent weights the gradient of c_T with respect to c_0 is sigmoid(b_f)^T: with a forget bias of 0
it is halved at each step, with 5 after about 103 steps.
"""

import jax
import jax.numpy as jnp
import numpy as np

from jaxrnn.cells import lstm
from jaxrnn.papers._claims import Claim, Reproduction
from jaxrnn.plotting import style
from jaxrnn.types import Size
from jaxrnn.unroll.scan import scan


def reproduce(quick: bool = False, steps: Size = 400, biases: list[float] = (0.0, 1.0, 2.0, 5.0)) -> Reproduction:
    """The steps after which the gradient along the memory cell is a half, of LSTMs with these forget biases.

    Args:
      quick: changes nothing; it takes a second.
      steps: T.
      biases: b_f.
    """
    norms = {bias: np.asarray(_norms(bias, steps)) for bias in biases}
    claims = []
    for bias, found in norms.items():
        rate = 1 / (1 + np.exp(-bias))
        half = -np.log(found[20] / found[0]) / 20  # before float32 ends
        claims.append(
            Claim(f"half-life with b_f = {bias:g}, steps", np.log(0.5) / np.log(rate), np.log(2) / half, tolerance=1e-3)
        )

    def draw():
        figure, (panel,) = style.panels(1, "steps back", "|dc_T / dc_t|")
        for colour, (bias, found) in zip(style.COLOURS, norms.items(), strict=False):
            panel.semilogy(np.arange(1, steps + 1), found, color=colour, label=f"b_f = {bias:g}")
        panel.set_ylim(1e-8, 2)
        style.legend_below(figure)
        return {"gers_2000": figure}

    differs = ["The network has one unit, no inputs and no recurrent weights: the path along the memory cell alone."]
    return Reproduction("Gers, Schmidhuber & Cummins 2000, Learning to forget", claims, {"T": steps}, differs, draw)


def _norms(bias, steps):
    """|dc_T / dc_t| for T - t = 1 ... steps."""
    cell = lstm.cell(1, forget_bias=bias)
    params = cell.init(jax.random.key(0), 1)
    silent = params._replace(w_x=0 * params.w_x, w_h=0 * params.w_h)

    def one(length):
        def last(c):
            carry = lstm.LSTMCarry(c=c, h=jnp.zeros(1))
            valid = jnp.arange(steps) < length
            return scan(cell, silent, carry, jnp.zeros((steps, 1)), mask=valid)[0].c[0]

        return jax.grad(last)(jnp.ones(1))[0]

    return jax.jit(lambda: jax.lax.map(one, jnp.arange(1, steps + 1)))()
