"""Hochreiter & Schmidhuber 1997, "Long short-term memory", experiments 4 and 6a: sequences seen until the stop rule.

Training stops when 2000 successive training sequences are right, each tested before the network learns from it. The
published numbers are means over trials, of tables 7 and 9.
"""

import numpy as np

from jaxrnn.data import adding, temporal_order
from jaxrnn.papers._claims import Claim, Reproduction
from jaxrnn.papers._stop_rule import Experiment, claims_of, figure
from jaxrnn.types import Size


def reproduce(quick: bool = False, seeds: Size = 10, size: Size = 16, max_sequences: Size = 100_000) -> Reproduction:
    """Measures sequences until the stop rule, for LSTMs with a forget gate trained by Adam; the claim is at most those
    of 1997.

    Args:
      quick: a rule of 200 sequences, 22 steps, at most three networks.
      seeds: networks per task.
      size: H.
      max_sequences: number of sequences after which a network has failed; it then counts as infinitely many.
    """
    right, length = (200, 22) if quick else (2000, 100)
    seeds = min(seeds, 3) if quick else seeds
    fixed = {"right": right, "before": False, "max_sequences": max_sequences, "size": size}
    experiments = [Experiment(f"adding, T={length}", adding.dataset(length), published=74_000, **fixed)]
    if not quick:
        name = f"temporal order, 2 symbols, T={length}"
        experiments.append(Experiment(name, temporal_order.dataset(length), published=31_390, **fixed))
    ours = {each.name: each.sequences(seeds, length) for each in experiments}
    claims = claims_of(experiments, ours)
    for name, seen in ours.items():
        task = name.removesuffix(f", T={length}")
        share = np.mean(np.isfinite(seen))
        claims.append(Claim(f"{task}: share of networks that reach this", 1.0, share, source="text"))

    def draw():
        return {"hochreiter_1997": figure(experiments, ours)}

    settings = {"H": size, "batch": 8, "Adam": 1e-2, "chrono": length, "seeds": seeds, "right": right}
    differs = ["The published number belongs to T=100 and 2000 sequences."] if quick else []
    differs += ["Adam and batches of 8 instead of gradient descent after every sequence; exact gradient; forget gate."]
    return Reproduction("Hochreiter & Schmidhuber 1997, long lags", claims, settings, differs, draw)
