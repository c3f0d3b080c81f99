"""Addition of two numbers as text: "535+61" -> "596" (Zaremba & Sutskever 2014, in the version of Keras's example)."""

import numpy as np

from jaxrnn.arguments import checked
from jaxrnn.data._pairs import pairs
from jaxrnn.types import Dataset, Seed, Size


@checked
def dataset(
    digits: Size = 3, examples: Size = 50_000, backwards: bool = True, validation: Size = 5_000, split_seed: Seed = 0
) -> Dataset:
    """Distinct sums of two random numbers.

    Each number has 1 to `digits` digits, with every length equally likely. Of two sums that differ only in the order
    of their numbers, one is used. With the defaults, 45,000 sums train and 5000 validate, as in Keras's example, which
    uses them as its test set. Our test set has 5000 more.

    Args:
      digits: the largest number of digits of a number.
      examples: the number of training and validation examples together.
      backwards: whether the sum is read from its end.
      validation: the number of validation examples, and also of test examples.
      split_seed: the seed of the numbers and of the split.

    Raises:
      ValueError: if there are too few distinct sums.
    """
    rng, seen = np.random.default_rng(split_seed), {}
    total, available = examples + validation, 10**digits * (10**digits + 1) // 2
    if total > available // 2 or validation >= examples:
        raise ValueError(
            f"data.examples={examples} with data.validation={validation}: data.digits={digits} make {available} sums; "
            "examples and validation together must be at most half of them, and validation less than examples"
        )
    while len(seen) < total:
        lengths = rng.integers(1, digits + 1, (total, 2))
        for a, b in (rng.random((total, 2)) * 10**lengths).astype(int):
            seen.setdefault((min(a, b), max(a, b)), (a, b))
            if len(seen) == total:
                break
    sums = [(f"{a}+{b}", str(a + b)) for a, b in seen.values()]
    order = rng.permutation(total)
    parts = {
        "train": order[2 * validation :],
        "validation": order[:validation],
        "test": order[validation : 2 * validation],
    }
    splits = {name: [sums[row] for row in rows] for name, rows in parts.items()}
    return pairs(splits, "sum", "535+61", backwards=backwards)
