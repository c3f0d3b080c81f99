"""Tallec & Ollivier 2018, "Can recurrent neural networks warp time?", sections 1.2 and 3.

A forget gate at sigmoid(b) keeps a memory for about 1 / (1 - sigmoid(b)) steps. With biases ln U[1, T_max - 1] the
units of an LSTM cover all time scales up to T_max, and it learns dependencies over such lags. With a bias of 1 all
units forget within a few steps.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxrnn.cells import lstm
from jaxrnn.data import adding, copy_memory
from jaxrnn.papers import _curves as curves
from jaxrnn.papers import _training as training
from jaxrnn.papers._claims import Claim, Reproduction, at_least, at_most
from jaxrnn.training.update import Trainer
from jaxrnn.types import Size

COPIED = 50  # number of steps over which symbols are copied
LEVELS = {"adding": 1 / 6, "copying": 10 * np.log(8) / (COPIED + 20)}  # losses without memory


def reproduce(
    quick: bool = False, length: Size = 200, size: Size = 32, seeds: Size = 3, steps: Size = 2500, units: Size = 20_000
) -> Reproduction:
    """Compares the share of units that remember long enough with its closed form, and the losses on adding with both
    biases.

    Args:
      quick: T = 40, a fifth of the updates, 16 units, no copying.
      length: T, and T_max.
      size: H of the trained networks.
      seeds: networks per kind.
      steps: updates of 16 sequences.
      units: number of units over which the shares are taken.
    """
    length, size, steps = (40, 16, steps // 5) if quick else (length, size, steps)
    claims = []
    for share in (0.1, 0.5, 0.9):
        lag = round(share * length)
        smallest_ratio = 1 / np.expm1(1 / lag)  # u with (u / (1 + u))^lag = 1 / e
        expected = np.clip((length - 1 - smallest_ratio) / (length - 2), 0, 1)
        claim = f"share of units that keep 1 / e of their memory for {lag} of {length} steps"
        claims.append(Claim(claim, expected, _keep(units, length, lag), tolerance=0.02))
    trainer = Trainer(steps, 16, max(1, steps // 20))
    curves_by_task = {"adding": _train(adding.dataset(length, "le2015"), length, size, seeds, trainer)}
    last = {name: training.last(losses) for name, (_, losses) in curves_by_task["adding"].items()}
    ratio, claim = last["b_f = 1"] / last["chrono"], "adding: loss with b_f = 1 / loss with chrono"
    claims.append(at_least(claim, 2.0, ratio))
    claims.append(at_most("adding: loss with chrono", 1 / 60, last["chrono"]))
    if not quick:
        curves_by_task["copying"] = _train(copy_memory.dataset(COPIED), COPIED + 20, 64, seeds, Trainer(3000, 32, 150))
        floor = LEVELS["copying"]
        over = {kind: training.last(losses) for kind, (_, losses) in curves_by_task["copying"].items()}
        claims.append(
            at_most(f"copying, T={COPIED}: loss with chrono / loss without memory", 0.8, over["chrono"] / floor)
        )
        claims.append(
            at_least(f"copying, T={COPIED}: loss with b_f = 1 / loss without memory", 0.85, over["b_f = 1"] / floor)
        )

    settings = {"T": length, "H": size, "seeds": seeds, **training.settings(trainer), "Adam": 5e-3, "clip_norm": 1.0}
    settings |= {} if quick else {"copying": f"T={COPIED}; 64 units; 3000 updates of 32"}
    differs = [
        f"Adam on T = {length}, {size} units and {steps:,} updates, instead of RMSProp on 200 and 750, 128 units.",
        f"Copying over {COPIED} steps instead of 500 and 2000; `paper=tallec_2018_warping` has the warped sequences.",
    ]

    def draw():
        return {"tallec_2018": curves.loss_figure_by_task(curves_by_task, LEVELS)}

    return Reproduction("Tallec & Ollivier 2018, chrono initialisation", claims, settings, differs, draw)


def _train(data, max_lag, size, seeds, trainer):
    """Trains LSTMs with both biases: {name: (updates, losses)}."""
    cells = {"chrono": lstm.cell(size, chrono=float(max_lag)), "b_f = 1": lstm.cell(size, forget_bias=1.0)}
    return training.losses_by_kind(cells, data, trainer, seeds, learning_rate=5e-3)


def _keep(units, length, lag):
    """Returns the share of units whose memory cell keeps at least 1 / e over `lag` steps without inputs."""
    cell = lstm.cell(1, chrono=float(length))
    gates_of: Any = cell.gates

    def forgets(key):
        params = cell.init(key, 1)
        return gates_of(params, cell.initial(params, ()), cell.project(params, jnp.zeros(1))).f[0]

    gates = jax.jit(jax.vmap(forgets))(jax.random.split(jax.random.key(0), units))
    return float(jnp.mean(gates**lag >= np.exp(-1)))
