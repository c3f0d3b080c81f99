"""Arjovsky, Shah & Bengio 2016, "Unitary evolution recurrent neural networks", sections 5.1 and 5.2.

On copying memory an LSTM and an Elman network stay at the loss of a network without memory, 10 ln 8 / (T + 20). On
adding an LSTM learns; a tanh network stays at the variance of the sum, 1/6.
"""

import numpy as np
import optax

from jaxrnn.cells import elman, lstm
from jaxrnn.data import adding, copy_memory
from jaxrnn.papers import _curves as curves
from jaxrnn.papers import _training as training
from jaxrnn.papers._claims import Claim, Reproduction, at_most
from jaxrnn.training.update import Trainer
from jaxrnn.types import Size


def reproduce(
    quick: bool = False, length: Size = 100, seeds: Size = 3, size: Size = 40, steps: Size = 5000
) -> Reproduction:
    """Measures validation losses of an LSTM and a tanh network on both tasks.

    Args:
      quick: a twentieth of the updates, one tanh network, a tolerance of 20 % instead of 10 %. T stays, because a tanh
        network learns to add over 20 steps.
      length: T.
      seeds: networks per kind.
      size: H.
      steps: updates of 20 sequences.
    """
    steps, seeds = (steps // 20, 1) if quick else (steps, seeds)
    trainer = Trainer(steps, 20, max(1, steps // 20))
    tasks = {"copying": copy_memory.dataset(length), "adding": adding.dataset(length, "le2015")}
    cells = {"tanh": elman.cell(size)} | ({} if quick else {"LSTM": lstm.cell(size)})
    options = {"rule": optax.scale_by_rms(0.9), "learning_rate": 1e-3}
    curves_by_task = {
        task: training.losses_by_kind(cells, data, trainer, seeds, **options) for task, data in tasks.items()
    }
    floors = {"copying": 10 * np.log(8) / (length + 20), "adding": 1 / 6}
    last = {
        (task, kind): training.last(losses, reports=5)
        for task, kinds in curves_by_task.items()
        for kind, (_, losses) in kinds.items()
    }
    stuck = [("copying", "tanh"), ("adding", "tanh"), *([] if quick else [("copying", "LSTM")])]
    share, claims = 0.2 if quick else 0.1, []
    for task, kind in stuck:
        floor = floors[task]
        claims.append(
            Claim(
                f"{task}, {kind}: loss (published: loss without memory)",
                floor,
                last[task, kind],
                tolerance=share * floor,
            )
        )
    if not quick:
        claims.append(at_most("adding, LSTM: loss", 1 / 18, last["adding", "LSTM"]))

    settings = {"T": length, "H": size, "seeds": seeds, **training.settings(trainer), "RMSProp": 1e-3, "clip_norm": 1.0}
    differs = [
        "In the paper the LSTM solves adding; here its loss is low and still falling after the last update.",
        f"{steps:,} updates instead of 20,000; {size} units instead of 80 for the LSTM and 128 for the tanh network.",
        "We clip the norm of the gradient, the authors' code clips its values; the unitary network is not built.",
    ]

    def draw():
        return {"arjovsky_2016": curves.loss_figure_by_task(curves_by_task, floors)}

    return Reproduction("Arjovsky, Shah & Bengio 2016, copying and adding", claims, settings, differs, draw)
