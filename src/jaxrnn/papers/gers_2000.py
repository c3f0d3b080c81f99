"""Gers, Schmidhuber & Cummins 2000, "Learning to forget": how fast a memory cell forgets.

Without inputs and recurrent weights the gradient of c_T with respect to c_0 is sigmoid(b_f)^T. With a forget bias of 0
it halves at each step, with a bias of 5 after about 103 steps.
"""

import jax
import jax.numpy as jnp
import numpy as np

from jaxrnn.cells import lstm
from jaxrnn.papers._claims import Claim, Reproduction
from jaxrnn.plotting import style
from jaxrnn.types import ListOf, Size
from jaxrnn.unroll.scan import scan


def reproduce(quick: bool = False, steps: Size = 400, biases: ListOf[float] = (0.0, 1.0, 2.0, 5.0)) -> Reproduction:
    """Measures after how many steps the gradient along the memory cell has halved, for LSTMs with these forget biases.

    Args:
      quick: no effect; the measurement takes a second.
      steps: T.
      biases: values of b_f.
    """
    norms = {bias: np.asarray(_norms(bias, steps)) for bias in biases}
    claims = []
    for bias, norms_of_bias in norms.items():
        rate = 1 / (1 + np.exp(-bias))
        half = -np.log(norms_of_bias[20] / norms_of_bias[0]) / 20  # over lags that float32 resolves
        claims.append(
            Claim(f"half-life with b_f = {bias:g}, steps", np.log(0.5) / np.log(rate), np.log(2) / half, tolerance=1e-3)
        )

    def draw():
        figure, panel = style.axes("steps back", "|dc_T / dc_t|")
        for colour, (bias, norms_of_bias) in zip(style.COLOURS, norms.items(), strict=False):
            panel.semilogy(np.arange(1, steps + 1), norms_of_bias, color=colour, label=f"b_f = {bias:g}")
        panel.set_ylim(1e-8, 2)
        return {"gers_2000": style.legend_below(figure)}

    differs = [
        "The network has one unit without inputs and recurrent weights: only the path along the memory cell remains."
    ]
    return Reproduction("Gers, Schmidhuber & Cummins 2000, Learning to forget", claims, {"T": steps}, differs, draw)


def _norms(bias, steps):
    """Returns |dc_T / dc_t| for T - t = 1 ... steps."""
    cell = lstm.cell(1, forget_bias=bias)
    params = cell.init(jax.random.key(0), 1)
    silent = params._replace(w_x=0 * params.w_x, w_h=0 * params.w_h)

    def of_lag(length):
        def last(c):
            carry = lstm.LSTMCarry(c=c, h=jnp.zeros(1))
            valid = jnp.arange(steps) < length
            return scan(cell, silent, carry, jnp.zeros((steps, 1)), mask=valid)[0].c[0]

        return jax.grad(last)(jnp.ones(1))[0]

    return jax.jit(lambda: jax.lax.map(of_lag, jnp.arange(1, steps + 1)))()
