"""The multiplication problem: as adding, but the product of the two marked values is asked for."""

import jax

from jaxrnn.arguments import checked
from jaxrnn.data._sequences import marked_pairs
from jaxrnn.types import Dataset, Size


@checked
def dataset(length: Size = 100) -> Dataset:
    """Sequences of pairs, a value in [0, 1] and a marker (Hochreiter & Schmidhuber 1997, section 5.5).

    The target X1 X2 comes at the last step and is right within 0.04; a constant has loss 7/144,
    or a little more, for the first pair's value is 1 where it is marked.

    Args:
      length: T, in steps; lengths are drawn from T to 1.1 T.

    Raises:
      ValueError: if the sequences are too short to mark two pairs.
    """
    return marked_pairs(
        length,
        draw_value=jax.random.uniform,
        first_value=1.0,
        target=lambda x_1, x_2: x_1 * x_2,
        mean=0.25,
        tolerance=0.04,
    )
