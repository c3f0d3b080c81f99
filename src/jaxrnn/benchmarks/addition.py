"""Sum of two numbers as text, against Keras's example `addition_rnn`: seconds until enough sums are exact."""

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
    """Times two new processes from their start to the same goal, including imports and compiling.

    Both see `examples` different sums, a tenth of them for validation, and are tested after every epoch. Ours is the
    default of data=addition. Keras's is its example: one LSTM reads, one writes, with batches of 32 and Adam.

    Args:
      goal: share of validation sums that must be exact, with all letters right.
      examples: number of different sums.
      digits: largest number of digits.
      size: units of each LSTM.
      epochs: epochs after which Keras gives up; ours gives up at the end of its schedule. A side that gives up is left
        out and named.
      repeats: number of rounds.
    """
    arguments = (goal, examples, digits, size)
    makers = {
        "jaxrnn": partial(_side, first_time(tutorials.jaxrnn_addition, *arguments)),
        "Keras on TensorFlow": partial(
            _side, first_time(tutorials.keras_addition, *arguments, epochs, environment=TENSORFLOW)
        ),
    }
    words = "{goal:.0%} of the sums exact, {side}: {median:.3g} s, {times_the_first:.3g} times ours"
    return timing.compare([({"goal": goal, "examples": examples, "digits": digits}, makers)], repeats, words)


def _side(run):
    """Returns a side that measures its first time at once, so that a failure counts as missing."""
    first_times = [run()]
    return lambda: first_times.pop() if first_times else run()


def plot(measured):
    """Draws the seconds of each side until the goal."""
    figure, axes = plotting.axes("", "seconds")
    timing.bars(axes, measured.summary, "{:.3g} s")
    axes.margins(y=0.12)
    return {"addition": figure}
