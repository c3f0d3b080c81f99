"""Classification of handwritten digits: 1797 images of 8 x 8 pixels, read as sequences of rows or pixels.

Alpaydin & Kaynak 1998. This is the test part of the UCI set, as scikit-learn ships it.
"""

from typing import Literal

import numpy as np

from jaxrnn.arguments import checked
from jaxrnn.data import _assets, _descriptions
from jaxrnn.data._splits import split_groups
from jaxrnn.data.examples import Examples, constant_logits, stored
from jaxrnn.symbols import SymbolData
from jaxrnn.types import Dataset, Seed

SIDE, CLASSES = 8, 10


@checked
def dataset(by: Literal["rows", "pixels", "permuted"] = "rows", split_seed: Seed = 0) -> Dataset:
    """One image per sequence; the digit is predicted at the last step.

    Training, validation and test get 80, 10 and 10 % of the images.

    Args:
      by: "rows" reads 8 steps of 8 pixels, "pixels" 64 steps of one pixel, "permuted" the pixels in one fixed random
        order (as Le, Jaitly & Hinton 2015 did with MNIST).
      split_seed: the seed of the split.
    """
    with np.load(_assets.FOLDER / "digits.npz") as file:
        pixels, labels = file["pixels"].reshape(-1, SIDE * SIDE) / 16.0, file["labels"].astype(np.int32)
    order = np.random.default_rng(92).permutation(SIDE * SIDE) if by == "permuted" else np.arange(SIDE * SIDE)
    width = SIDE if by == "rows" else 1
    xs = pixels[:, order].reshape(len(pixels), -1, width).astype(np.float32)
    examples = Examples(xs, np.full(len(xs), xs.shape[1], np.int32), labels[:, None, None])
    parts = split_groups([image.tobytes() for image in pixels], seed=split_seed)

    def describe_image(xs, row):
        picture = np.zeros(SIDE * SIDE)
        picture[order] = np.ravel(xs)
        return {"input": f"image {row + 1}", "picture": picture.reshape(SIDE, SIDE)}

    return stored(
        {name: examples.take(rows) for name, rows in parts.items()},
        "last",
        CLASSES,
        {"most frequent digit": constant_logits(np.bincount(labels[parts["train"]], minlength=CLASSES))},
        symbols=SymbolData(describe=_descriptions.labelled([str(digit) for digit in range(CLASSES)], describe_image)),
    )
