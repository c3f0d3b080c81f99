"""Pictures of characters and their Unicode names: "LATIN SMALL LETTER N WITH CURL" for a picture, or a picture for it.

The pictures are drawn from DejaVu Sans, which comes with Matplotlib, the names are the standard library's: there is no
file to ship.
"""

import unicodedata
from collections import Counter
from typing import Any, Literal

import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from jaxrnn.arguments import checked
from jaxrnn.data import _shown
from jaxrnn.data._pairs import by_place
from jaxrnn.data._splits import split_groups
from jaxrnn.data._stored import Examples, padded, single_batch, stored
from jaxrnn.losses import binary_cross_entropy
from jaxrnn.metrics import weighted_mean
from jaxrnn.symbols import vocabulary
from jaxrnn.types import Batch, Dataset, Metric, Question, Seed, Size


@checked
def dataset(
    task: Literal["caption", "draw"] = "caption", side: Size = 16, fewest: Size = 10, split_seed: Seed = 0
) -> Dataset:
    """Characters of DejaVu Sans; 80, 10 and 10 % of them train, validate and test.

    Args:
      task: "caption" gives the picture in one step and asks for the name, word by word (one-to-many); "draw" gives the
        name word by word and asks for all pixels at its last word (many-to-one).
      side: pixels of a picture's side.
      fewest: a character is left out where a word of its name is in fewer names than this.
      split_seed: of the split.
    """
    letters, names = characters(fewest)
    pictures = np.stack([picture(letter, side) for letter in letters])
    places = split_groups([each.tobytes() for each in pictures], seed=split_seed)
    make = captions if task == "caption" else drawings
    return make(pictures, names, places)


def captions(pictures: Any, names: Any, places: Any) -> Any:
    """The data set that asks for the name of a picture."""
    side = pictures.shape[1]
    words = vocabulary([name.split() for name in names], " ", end=True)
    targets, answers = padded([[*words.encode(name), 0] for name in names])
    flat = pictures.reshape(len(pictures), 1, -1).astype(np.float32)
    examples = Examples(flat, np.ones(len(flat), np.int32), targets, answers)
    splits = {part: examples.take(rows) for part, rows in places.items()}

    def asked(text):
        if len(text) != 1:
            raise ValueError(f"glyph={text}: give one character")
        xs = picture(text, side).reshape(1, -1).astype(np.float32)
        return single_batch("answer", xs, np.zeros((targets.shape[1], 1), np.int32))

    def describe(source, number):
        return {"input": f"character {number + 1}", "picture": np.asarray(source).reshape(side, side)}

    return stored(
        splits,
        "answer",
        words.size,
        {"most frequent word of each place": by_place(splits["train"], words.size)},
        outputs=words,
        question=Question("glyph", asked, "ñ"),
        shown=_shown.answered(describe, words),
    )


def drawings(pictures: Any, names: Any, places: Any) -> Any:
    """The data set that asks for the picture of a name."""
    side = pictures.shape[1]
    words = vocabulary([name.split() for name in names], " ")
    xs, lengths = padded([words.encode(name) for name in names])
    pixels = pictures.reshape(len(pictures), 1, -1).astype(np.float32)
    examples = Examples(xs, lengths, pixels)
    splits = {part: examples.take(rows) for part, rows in places.items()}
    mean = np.clip(splits["train"].targets.mean(axis=(0, 1)), 1e-3, 1 - 1e-3)
    logits = np.log(mean / (1 - mean))

    def asked(text):
        return single_batch("last", words.encode(text.upper())[:, None], np.zeros((1, side * side), np.float32))

    def shown(batch, predicted):
        inputs, mask, at = np.asarray(batch.xs[..., 0]), np.asarray(batch.mask), _shown.last_counted(batch)
        return [
            {
                "input": words.decode(inputs[mask[:, row], row]),
                "target": "",
                "prediction": "",
                "picture": np.asarray(batch.targets[step, row]).reshape(side, side),
                "drawn": 1 / (1 + np.exp(-np.asarray(predicted[step, row]).reshape(side, side))),
            }
            for row, step in enumerate(at)
        ]

    return stored(
        splits,
        "last",
        side * side,
        {"mean picture": lambda batch: jnp.broadcast_to(jnp.asarray(logits, float), batch.targets.shape)},
        loss=binary_cross_entropy,
        loss_name="cross-entropy (nats a picture)",
        metrics={"pixels_wrong": Metric(pixels_wrong, "share")},
        inputs=words,
        question=Question("name", asked, "LATIN SMALL LETTER N WITH TILDE"),
        shown=shown,
    )


def pixels_wrong(ys: ArrayLike, batch: Batch) -> Any:
    """The share of pixels that are on the wrong side of one half."""
    return weighted_mean(jnp.mean((ys > 0) != (batch.targets > 0.5), axis=-1), batch.weights)


def characters(fewest: Any) -> Any:
    """(characters, names) that the font holds and whose words are each in `fewest` names at least."""
    from matplotlib.ft2font import FT2Font

    found = {chr(code): unicodedata.name(chr(code), "") for code in sorted(FT2Font(_font()).get_charmap())}
    found = {letter: name.replace("-", " ") for letter, name in found.items() if name}
    while True:
        counts = Counter(word for name in found.values() for word in set(name.split()))
        kept = {letter: name for letter, name in found.items() if all(counts[w] >= fewest for w in name.split())}
        if len(kept) == len(found):
            return list(kept), list(kept.values())
        found = kept


def picture(letter: Any, side: Any) -> Any:
    """The picture of a character, [side, side] in [0, 1], its middle in the middle of the square."""
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.truetype(_font(), size=round(0.8 * side))
    image = Image.new("L", (side, side))
    ImageDraw.Draw(image).text((side / 2, side / 2), letter, fill=255, font=font, anchor="mm")
    return np.asarray(image) / 255.0


def _font():
    import matplotlib

    return f"{matplotlib.get_data_path()}/fonts/ttf/DejaVuSans.ttf"
