"""Tallec & Ollivier 2018, "Can recurrent neural networks warp time?", section 3.1: warping.

A sequence repeats each of its random letters; the target is the previous letter. Each letter is repeated as often as
the longest warp, or a random number of times up to it. Leaky units with one time constant for all steps learn the task
if all letters have the same length. Gates depend on the input, so gated units learn it for random lengths too.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxrnn.cells import ctrnn, elman, gru
from jaxrnn.data.sequences import Sequence, drawn, uniform
from jaxrnn.dataset import MemoryTask
from jaxrnn.losses import CROSS_ENTROPY
from jaxrnn.papers import _training as training
from jaxrnn.papers._claims import Reproduction, at_least, at_most
from jaxrnn.plotting import style
from jaxrnn.training.update import Trainer
from jaxrnn.types import ListOf, Size

KINDS = "tanh", "leaky", "gated"
LETTERS, SHOWN = 10, 8  # letters of the alphabet, and letters in a sequence if each has the longest warp


def reproduce(
    quick: bool = False, warps: ListOf[Size] = (2, 10, 30), seeds: Size = 3, size: Size = 32, steps: Size = 1500
) -> Reproduction:
    """Measures the losses of a tanh, a leaky and a gated network against the longest warp, for equal and random
    lengths.

    Args:
      quick: a warp of 6, one network, a third of the updates, no tanh network.
      warps: longest repetitions of a letter.
      seeds: networks per kind.
      size: H.
      steps: updates of 32 sequences.
    """
    warps, seeds, steps = ((6,), 1, steps // 3) if quick else (tuple(warps), seeds, steps)
    kinds = KINDS[1:] if quick else KINDS
    trainer, last = Trainer(steps, 32, max(1, steps // 15)), {}
    for drawn_lengths in (False, True):
        for warp in warps:
            data = _warped(warp, drawn_lengths)
            cells = {
                "tanh": elman.cell(size),
                "leaky": ctrnn.cell(size, alpha=1 / warp),
                "gated": gru.cell(size, chrono=max(warp, 3.0)),
            }
            for kind in kinds:
                task = training.task(cells[kind], data, trainer, rule=optax.scale_by_rms(0.9), learning_rate=3e-3)
                last[kind, drawn_lengths, warp] = training.last(training.losses(task, seeds)[1])
    longest, chance = warps[-1], np.log(LETTERS)
    equal, random = ({kind: last[kind, lengths, longest] for kind in kinds} for lengths in (False, True))
    claims = [
        at_most(f"equal lengths of {longest}: loss of leaky units, nats", chance / 4, equal["leaky"]),
        at_most(f"lengths drawn up to {longest}: loss of gated units, nats", chance / 4, random["gated"]),
        at_least(
            f"lengths drawn up to {longest}: loss of leaky units / loss of gated units",
            2.0,
            random["leaky"] / random["gated"],
        ),
    ]
    if not quick:
        ratio = equal["tanh"] / equal["leaky"]
        claim = f"equal lengths of {longest}: loss of tanh units / loss of leaky units"
        claims.append(at_least(claim, 2.0, ratio))
    settings = {"letters": LETTERS, "T": f"{SHOWN} times the warp", "H": size, "seeds": seeds, "warps": list(warps)}
    settings |= training.settings(trainer) | {"RMSProp": 3e-3}
    differs = [
        f"{size} units instead of 64; a leaky unit's rate is 1 / warp, in the paper it is trained.",
        "The paper prints only curves: our bound is a quarter of the loss of a guess, ln 10 = 2.3.",
    ]
    draw = partial(_draw, warps, kinds, last)
    return Reproduction("Tallec & Ollivier 2018, warped sequences", claims, settings, differs, draw)


def _draw(warps, kinds, last):
    figure, panels = style.panels(2, "longest warp", "last loss (nats)", sharey=True)
    for panel, lengths in zip(panels, (False, True), strict=True):
        for number, kind in enumerate(kinds):
            losses = [np.median(last[kind, lengths, warp]) for warp in warps]
            panel.loglog(warps, losses, label=kind, **style.series(number))
        panel.axhline(np.log(LETTERS), **style.FAINT)
        panel.set_xticks(warps, warps)
        panel.minorticks_off()
        style.title(panel, "lengths drawn" if lengths else "lengths equal")
    return {"tallec_2018_warping": style.legend_below(figure)}


def _warped(warp, drawn_lengths):
    length = SHOWN * warp

    def sample(key):
        key_letters, key_lengths = jax.random.split(key)
        letters = jax.random.randint(key_letters, (length,), 0, LETTERS)
        lengths = jax.random.randint(key_lengths, (length,), 1, warp + 1) if drawn_lengths else jnp.full(length, warp)
        which = jnp.searchsorted(jnp.cumsum(lengths), jnp.arange(length), side="right")
        before = letters[jnp.maximum(which - 1, 0)]
        xs = jax.nn.one_hot(letters[which], LETTERS)
        return Sequence(xs, before[:, None], 1.0 * (which > 0), jnp.ones(length, bool))

    memory = MemoryTask(lags=(1, 2 * warp))
    return drawn(sample, LETTERS, CROSS_ENTROPY, {"uniform": uniform(LETTERS)}, memory)
