"""The multiplication problem: as the adding problem, with the product of the two marked values as the target."""

import jax

from jaxrnn.arguments import checked
from jaxrnn.data._marked_pairs import marked_pairs
from jaxrnn.types import Dataset, Size


@checked
def dataset(length: Size = 100) -> Dataset:
    """The product of two marked values in [0, 1] (Hochreiter & Schmidhuber 1997, section 5.5).

    Each step is a pair of a value and a marker. The target X1 X2 comes at the last step. A sequence counts as correct
    if its error is at most 0.04. A constant prediction has a loss of 7/144, or slightly more, because the first value
    is 1 if it is marked.

    Args:
      length: T, in steps; lengths are drawn from T to 1.1 T.

    Raises:
      ValueError: if the sequences are too short for two marks.
    """
    return marked_pairs(
        length,
        draw_value=jax.random.uniform,
        first_value=1.0,
        target=lambda x_1, x_2: x_1 * x_2,
        mean=0.25,
        tolerance=0.04,
    )
