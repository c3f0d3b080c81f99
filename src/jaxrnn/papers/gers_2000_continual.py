"""Gers, Schmidhuber & Cummins 2000, "Learning to forget", section 4: the continual embedded Reber grammar.

Strings of the grammar follow one another without a separator, and nothing resets the network. Memory cells that cannot
forget, c_t = c_{t-1} + i_t g_t, grow and saturate. With forget gates, c_t = f_t c_{t-1} + i_t g_t, the network learns
to reset itself at the end of a string.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxrnn.arrays import AnyArray
from jaxrnn.cells import lstm
from jaxrnn.data import reber
from jaxrnn.losses import cross_entropy
from jaxrnn.nets import rnn
from jaxrnn.papers._claims import Claim, Reproduction, at_least, at_most
from jaxrnn.papers._seeds import over_seeds
from jaxrnn.plotting import style
from jaxrnn.types import Size
from jaxrnn.unroll import deferred

ROWS, WINDOW = 10, 50  # streams side by side, and steps between two updates
WARM_UP = 500  # first symbols of a new stream, which are not scored
ALWAYS = 1e3  # forget bias whose gate is exactly one and stays one, because its gradient is zero
POINTS = 20


class Stream(NamedTuple):
    symbols: AnyArray  # [T, B, 7], one-hot
    following: AnyArray  # [T, B, 1], the next symbol
    legal: AnyArray  # [T, B, 7], whether a symbol may come next


def reproduce(quick: bool = False, seeds: Size = 5, size: Size = 16, updates: Size = 1500) -> Reproduction:
    """Measures symbols until the first mistake on a new stream and the size of the memory, with and without forget
    gates.

    Args:
      quick: half of the updates, two networks, a bound of 200 symbols.
      seeds: networks per kind.
      size: H.
      updates: updates of 10 windows of 50 symbols.
    """
    updates, seeds, required = (updates // 2, 2, 200) if quick else (updates, seeds, 10_000)
    kinds = {"forget gates": 1.0, "no forgetting": ALWAYS}
    tested = 4 * required
    results_by_kind = {name: _train(bias, seeds, size, updates, tested) for name, bias in kinds.items()}
    forgets, keeps = results_by_kind.values()
    claims = [
        at_least("symbols until the first mistake, forget gates", required, forgets["symbols"]),
        at_most("symbols until the first mistake, no forgetting", 100, keeps["symbols"]),
        Claim(
            "share of networks without forget gates that learn the task",
            0.0,
            np.mean(keeps["symbols"] >= required),
            source="unchecked",
        ),
        at_least(
            "largest memory cell: no forgetting / forget gates",
            10.0,
            np.median(keeps["memory"][:, -1]) / np.median(forgets["memory"][:, -1]),
        ),
    ]
    settings = {
        "H": size,
        "seeds": seeds,
        "updates": updates,
        "streams": ROWS,
        "window": WINDOW,
        "Adam": "0.01, falling",
    }
    strings = updates * ROWS * WINDOW / 12
    differs = [
        f"Adam with truncated backpropagation on 10 streams, {strings:,.0f} strings of about 12 symbols; the paper "
        "uses gradient descent after every symbol on 30,000 strings. 16 memory cells instead of 8.",
        "The paper's shares of perfect networks depend on the learning rate schedule, so we do not compare them.",
        "With `paper.updates=6000`, 3 of 5 networks without forget gates also learn the task: Adam finds weights with "
        "which the memory grows without harm.",
    ]
    draw = partial(_draw, results_by_kind, updates, tested)
    return Reproduction("Gers, Schmidhuber & Cummins 2000, continual Reber", claims, settings, differs, draw)


def _draw(results_by_kind, updates, tested):
    figure, panels = style.panels(2, "", "")
    at = (np.arange(POINTS) + 1) * updates / POINTS
    for number, (name, each) in enumerate(results_by_kind.items()):
        line = style.series(number)
        panels[0].semilogy(at, each["memory"].T, label=[name] + [None] * (len(each["memory"]) - 1), markevery=6, **line)
        panels[1].plot(np.full(len(each["symbols"]), number), each["symbols"], line["marker"], color=line["color"])
    panels[0].set_xlabel("updates")
    style.title(panels[0], "largest memory cell |c|")
    panels[1].set(yscale="log", xlim=(-0.5, 1.5))
    panels[1].set_xticks([0, 1], [name.replace(" ", "\n") for name in results_by_kind])
    style.title(panels[1], f"symbols until the first mistake, of {tested:,}")
    return {"gers_2000_continual": style.legend_below(figure)}


def _stream(key, steps, rows):
    """Makes `rows` streams of `steps` symbols: strings from `jaxrnn.data.reber`, one after the other."""
    longest = 40
    sample = reber.strings(longest)

    def of_string(key):
        string = sample(key)
        # The end symbol is an input too; its target is the first symbol of the next string.
        ends = jnp.sum(string.mask)
        begin = jax.nn.one_hot(reber.SYMBOLS.index("B"), len(reber.SYMBOLS))
        last = jax.nn.one_hot(reber.SYMBOLS.index("E"), len(reber.SYMBOLS))
        xs = jnp.concatenate([string.xs, last[None]]).at[ends].set(last)
        after = jnp.concatenate([jnp.argmax(begin)[None], begin])
        targets = jnp.concatenate([string.targets, after[None]]).at[ends].set(after)
        return xs, targets, jnp.arange(longest + 1) <= ends

    count = rows * steps // 9 + rows  # the shortest string has 9 symbols
    xs, targets, valid = (np.asarray(a) for a in jax.jit(jax.vmap(of_string))(jax.random.split(key, count)))
    xs, targets = (a[valid][: steps * rows].reshape(rows, steps, -1).swapaxes(0, 1) for a in (xs, targets))
    return Stream(xs, targets[..., :1].astype(np.int32), targets[..., 1:] > 0)


def _train(bias, seeds, size, updates, tested):
    """Trains networks.

    Returns:
      {"symbols": [seeds], symbols until the first mistake; "memory": [seeds, POINTS], largest |c| during training}.
    """
    net = rnn(lstm.cell(size, forget_bias=bias), len(reber.SYMBOLS)).with_unroll(deferred.unroll())
    stream = _stream(jax.random.key(1), updates * WINDOW, ROWS)
    windows = jax.tree.map(lambda a: a.reshape(updates, WINDOW, *a.shape[1:]), stream)
    test = _stream(jax.random.key(2), WARM_UP + tested, 1)
    rule = optax.chain(optax.clip_by_global_norm(1.0), optax.adam(optax.cosine_decay_schedule(1e-2, updates)))

    def update(state, window):
        params, opt_state, carry = state

        def loss(params):
            after, ys = net.apply(params, carry, window.symbols)
            return jnp.mean(cross_entropy(ys, window.following)), after

        grads, after = jax.grad(loss, has_aux=True)(params)
        changes, opt_state = rule.update(grads, opt_state)
        return (optax.apply_updates(params, changes), opt_state, after), jnp.max(jnp.abs(after[0].c))

    def run(key):
        params = net.init(key, len(reber.SYMBOLS))
        state = params, rule.init(params), net.initial(params, (ROWS,))
        (params, _, _), memory = jax.lax.scan(update, state, windows)
        ys = net.apply(params, net.initial(params, (1,)), test.symbols)[1]
        lowest_legal = jnp.where(test.legal, ys, jnp.inf).min(-1)
        wrong = (lowest_legal <= jnp.where(test.legal, -jnp.inf, ys).max(-1))[WARM_UP:, 0]
        first = jnp.where(wrong.any(), jnp.argmax(wrong), tested)
        return first, memory

    first, memory = over_seeds(run, seeds)
    largest = [np.max(part, axis=1) for part in np.array_split(memory, POINTS, axis=1)]
    return {"symbols": first, "memory": np.stack(largest, axis=1)}
