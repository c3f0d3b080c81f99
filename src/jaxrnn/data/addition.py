"""The sum of two numbers as text: "535+61" -> "596", the task of Zaremba & Sutskever 2014 as Keras's example has it."""

import numpy as np

from jaxrnn.arguments import checked
from jaxrnn.data._pairs import pairs
from jaxrnn.types import Dataset, Seed, Size


@checked
def dataset(
    digits: Size = 3, examples: Size = 50_000, backwards: bool = True, validation: Size = 5_000, split_seed: Seed = 0
) -> Dataset:
    """Different sums of two numbers, `validation` of them to validate and as many others of them to test.

    A number has 1 to `digits` digits, each length as likely as another; a sum and the same with its numbers exchanged
    are one and do not both come. With the defaults 45,000 train and 5000 validate as in Keras's example, whose test
    set they are; ours are 5000 more.

    Args:
      digits: of a number at most.
      examples: that train and validate.
      backwards: whether the sum is read from its end.
      validation: examples that validate, and as many that test.
      split_seed: of the draw.

    Raises:
      ValueError: if there are not so many different sums.
    """
    rng, seen = np.random.default_rng(split_seed), {}
    wanted, most = examples + validation, 10**digits * (10**digits + 1) // 2
    if wanted > most // 2 or validation >= examples:
        raise ValueError(f"data.examples={examples}: data.digits={digits} make {most} sums; ask for fewer than half")
    while len(seen) < wanted:
        lengths = rng.integers(1, digits + 1, (wanted, 2))
        for a, b in (rng.random((wanted, 2)) * 10**lengths).astype(int):
            seen.setdefault((min(a, b), max(a, b)), (a, b))
            if len(seen) == wanted:
                break
    drawn = [(f"{a}+{b}", str(a + b)) for a, b in seen.values()]
    order = rng.permutation(wanted)
    parts = {
        "train": order[2 * validation :],
        "validation": order[:validation],
        "test": order[validation : 2 * validation],
    }
    splits = {name: [drawn[row] for row in rows] for name, rows in parts.items()}
    return pairs(splits, "sum", "535+61", backwards=backwards)
