"""The sum of two numbers as text beside Keras's example `addition_rnn`: seconds until so many sums are exact."""

from functools import partial

from jaxrnn.benchmarks import _baseline_tutorials as tutorials
from jaxrnn.benchmarks import _timing as timing
from jaxrnn.benchmarks._baseline_layers import TENSORFLOW
from jaxrnn.benchmarks._worker import first_time
from jaxrnn.plotting import style as plotting
from jaxrnn.types import Rate, Size


def benchmark(
    goal: Rate = 0.99,
    examples: Size = 50_000,
    digits: Size = 3,
    size: Size = 128,
    epochs: Size = 100,
    repeats: Size = 1,
):
    """Times two new processes, from their start on, imports and compiling included, each to the same goal.

    Both see `examples` different sums, a tenth of which validate; each is asked after every epoch. Ours is the default
    of data=addition, Keras's is its example: an LSTM that reads, one that writes, batches of 32, Adam.

    Args:
      goal: share of the sums that validate to be exact, all letters right.
      examples: different sums.
      digits: of a number at most.
      size: units of each LSTM.
      epochs: after which Keras gives up, ours at the end of its schedule; a side that does is left out and named.
      repeats: rounds.
    """
    arguments = (goal, examples, digits, size)
    makers = {
        "jaxrnn": partial(_side, first_time(tutorials.jaxrnn_addition, *arguments)),
        "Keras on TensorFlow": partial(
            _side, first_time(tutorials.keras_addition, *arguments, epochs, environment=TENSORFLOW)
        ),
    }
    measured, left_out = timing.in_turn(makers, repeats)
    columns = {"goal": goal, "examples": examples, "digits": digits}
    summary = timing.summarised(measured, **columns)
    words = "{goal:.0%} of the sums exact, {side}: {median:.3g} s, {times_the_first:.3g} times ours"
    return timing.Measured(
        timing.rows_of(measured, **columns), summary, [*(words.format(**row) for row in summary), *left_out]
    )


def _side(run):
    """A side whose first time is taken when it is made: it is missing if that fails."""
    taken = [run()]
    return lambda: taken.pop() if taken else run()


def plot(measured):
    """Seconds of each side until the goal."""
    figure, axes = plotting.axes("", "seconds")
    names = [row["side"] for row in measured.summary]
    bars = axes.bar(names, [row["median"] for row in measured.summary], color=plotting.COLOURS[0])
    axes.bar_label(bars, [f"{row['median']:.3g} s" for row in measured.summary])
    axes.margins(y=0.12)
    return {"addition": figure}
