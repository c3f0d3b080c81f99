"""The embedded Reber grammar: strings of a small automaton, whose second symbol comes back as the second to last."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxrnn.arguments import checked
from jaxrnn.data.sequences import Sequence, drawn, uniform
from jaxrnn.dataset import Dataset, Loss, MemoryTask
from jaxrnn.losses import cross_entropy
from jaxrnn.types import Size

SYMBOLS = "BTPSXVE"
# Reber's automaton (Reber 1967): state -> its two transitions (symbol, next state); the last state emits E and ends.
TRANSITIONS = (
    (("T", 1), ("P", 2)),
    (("S", 1), ("X", 3)),
    (("T", 2), ("V", 4)),
    (("X", 2), ("S", 5)),
    (("P", 3), ("V", 5)),
)
END = len(TRANSITIONS)
_SYMBOL = np.array([[SYMBOLS.index(s) for s, _ in pairs] for pairs in TRANSITIONS], np.int32)
_STATE = np.array([[state for _, state in pairs] for pairs in TRANSITIONS], np.int32)
_LEGAL = np.array(
    [[s in {symbol for symbol, _ in pairs} for s in SYMBOLS] for pairs in TRANSITIONS] + [[s == "E" for s in SYMBOLS]]
)


@checked
def dataset(longest: Size = 40) -> Dataset:
    """Strings B t B...E t E, where t is T or P and B...E is a string of the Reber grammar.

    Smith & Zipser 1989; Hochreiter & Schmidhuber 1997, section 5.1. The outputs are logits of the next symbol. A
    string counts as correct if, at every step, the one or two symbols that may follow have the largest logits. The
    network must remember t over the whole inner string.

    Args:
      longest: the largest number of steps; longer strings, rarer than one in 500 at 40, are truncated.

    Raises:
      ValueError: if the shortest string, of 9 symbols, does not fit.
    """
    if longest < 8:
        raise ValueError(f"data.longest={longest} must be at least 8 steps, the length of the shortest string")

    def loss(logits, targets):
        return cross_entropy(logits, targets[..., :1].astype(int))

    def solved(logits, batch):
        legal = batch.targets[..., 1:] > 0
        lowest_legal = jnp.where(legal, logits, jnp.inf).min(-1)
        highest_illegal = jnp.where(legal, -jnp.inf, logits).max(-1)
        return ((lowest_legal > highest_illegal) | (batch.weights == 0)).all(axis=0)

    return drawn(
        strings(longest),
        output_size=len(SYMBOLS),
        loss=Loss(loss, "cross-entropy (nats)"),
        baselines={"uniform": uniform(len(SYMBOLS))},
        memory=MemoryTask(solved, lags=(5, longest - 2)),
        targets="next_step",
    )


def strings(longest: Any) -> Any:
    """Returns key -> `Sequence`, a string of the embedded grammar."""

    def walk(state, key):
        transition = jax.random.randint(key, (), 0, 2)
        row = jnp.minimum(state, END - 1)
        symbol = jnp.where(state == END, SYMBOLS.index("E"), jnp.asarray(_SYMBOL)[row, transition])
        return jnp.where(state >= END, END + 1, jnp.asarray(_STATE)[row, transition]), (state, symbol)

    def sample(key):
        key_outer, key_inner = jax.random.split(key)
        outer = jnp.where(jax.random.bernoulli(key_outer), SYMBOLS.index("T"), SYMBOLS.index("P"))
        _, (states, symbols) = jax.lax.scan(walk, 0, jax.random.split(key_inner, longest))
        size = jnp.sum(states <= END)  # symbols of the inner string after its B, including its E
        begin = SYMBOLS.index("B")
        string = jnp.concatenate([jnp.stack([jnp.array(begin), outer, jnp.array(begin)]), symbols])
        string = string.at[3 + size].set(outer, mode="drop").at[4 + size].set(SYMBOLS.index("E"), mode="drop")
        times = jnp.arange(longest)
        # Legal next symbols: T or P after the first B, then B, then what the automaton's state allows, then t, then E.
        actual = jax.nn.one_hot(string[1 : longest + 1], len(SYMBOLS)) > 0
        inside = (times >= 2) & (times < 2 + size)
        legal = jnp.where(inside[:, None], jnp.asarray(_LEGAL)[jnp.minimum(states[times - 2], END)], actual)
        legal = legal.at[0].set(jnp.asarray(_LEGAL)[0])
        targets = jnp.concatenate([string[1 : longest + 1, None], legal], axis=-1)
        valid = times < 4 + size
        return Sequence(jax.nn.one_hot(string[:longest], len(SYMBOLS)), 1.0 * targets, 1.0 * valid, valid)

    return sample
