"""Pictures of characters: the Unicode name of a picture ("LATIN SMALL LETTER N WITH CURL"), or a picture for a name.

The pictures are rendered in DejaVu Sans, which comes with Matplotlib. The Unicode names come from the standard
library, so no file ships.
"""

import unicodedata
from collections import Counter
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np

from jaxrnn.arguments import checked
from jaxrnn.batch import Batch
from jaxrnn.data import _descriptions
from jaxrnn.data._pairs import log_frequencies
from jaxrnn.data._splits import split_groups
from jaxrnn.data.examples import Examples, pad, single_batch, stored
from jaxrnn.dataset import Dataset, Loss, Metric
from jaxrnn.losses import binary_cross_entropy
from jaxrnn.metrics import weighted_mean
from jaxrnn.symbols import Question, SymbolData, vocabulary
from jaxrnn.types import Seed, Size


@checked
def dataset(
    task: Literal["caption", "draw"] = "caption", side: Size = 16, fewest: Size = 10, split_seed: Seed = 0
) -> Dataset:
    """Characters of DejaVu Sans; training, validation and test get 80, 10 and 10 % of them.

    Args:
      task: "caption" reads the picture in one step and predicts the name word by word (one-to-many), "draw" reads the
        name word by word and predicts all pixels at its last word (many-to-one).
      side: the height and width of a picture, in pixels.
      fewest: each word of a name must occur in at least this many names; other characters are left out.
      split_seed: the seed of the split.
    """
    letters, names = characters(fewest)
    pictures = np.stack([picture(letter, side) for letter in letters])
    parts = split_groups([pixels.tobytes() for pixels in pictures], seed=split_seed)
    build = captions if task == "caption" else drawings
    return build(pictures, names, parts)


def captions(pictures: Any, names: Any, parts: Any) -> Any:
    """Builds the data set that predicts the name of a picture; `parts` are {name: indices}."""
    side = pictures.shape[1]
    words = vocabulary([name.split() for name in names], " ", end=True)
    targets, answers = pad([[*words.encode(name), 0] for name in names])
    flat = pictures.reshape(len(pictures), 1, -1).astype(np.float32)
    examples = Examples(flat, np.ones(len(flat), np.int32), targets, answers)
    splits = {part: examples.take(rows) for part, rows in parts.items()}

    def question_batch(text):
        if len(text) != 1:
            raise ValueError(f"glyph={text}: give one character")
        xs = picture(text, side).reshape(1, -1).astype(np.float32)
        return single_batch("answer", xs, np.zeros((targets.shape[1], 1), np.int32))

    def describe_picture(source, row):
        return {"input": f"character {row + 1}", "picture": np.asarray(source).reshape(side, side)}

    return stored(
        splits,
        "answer",
        words.size,
        {"most frequent word of each place": log_frequencies(splits["train"], words.size)},
        symbols=SymbolData(
            outputs=words,
            question=Question("glyph", question_batch, "ñ"),
            describe=_descriptions.answered(describe_picture, words),
        ),
    )


def drawings(pictures: Any, names: Any, parts: Any) -> Any:
    """Builds the data set that predicts the picture of a name; `parts` are {name: indices}."""
    side = pictures.shape[1]
    words = vocabulary([name.split() for name in names], " ")
    xs, lengths = pad([words.encode(name) for name in names])
    pixels = pictures.reshape(len(pictures), 1, -1).astype(np.float32)
    examples = Examples(xs, lengths, pixels)
    splits = {part: examples.take(rows) for part, rows in parts.items()}
    mean = np.clip(splits["train"].targets.mean(axis=(0, 1)), 1e-3, 1 - 1e-3)
    logits = np.log(mean / (1 - mean))

    def question_batch(text):
        return single_batch("last", words.encode(text.upper())[:, None], np.zeros((1, side * side), np.float32))

    def describe(batch, predicted):
        inputs, mask, steps = np.asarray(batch.xs[..., 0]), np.asarray(batch.mask), _descriptions.last_counted(batch)
        return [
            {
                "input": words.decode(inputs[mask[:, row], row]),
                "target": "",
                "prediction": "",
                "picture": np.asarray(batch.targets[step, row]).reshape(side, side),
                "drawn": 1 / (1 + np.exp(-np.asarray(predicted[step, row]).reshape(side, side))),
            }
            for row, step in enumerate(steps)
        ]

    return stored(
        splits,
        "last",
        side * side,
        {"mean picture": lambda batch: jnp.broadcast_to(jnp.asarray(logits, float), batch.targets.shape)},
        loss=Loss(binary_cross_entropy, "cross-entropy (nats a picture)"),
        metrics={"pixels_wrong": Metric(pixels_wrong, "share")},
        symbols=SymbolData(
            inputs=words,
            question=Question("name", question_batch, "LATIN SMALL LETTER N WITH TILDE"),
            describe=describe,
        ),
    )


def pixels_wrong(ys: jax.Array, batch: Batch) -> Any:
    """Share of the pixels on the wrong side of one half."""
    return weighted_mean(jnp.mean((ys > 0) != (batch.targets > 0.5), axis=-1), batch.weights)


def characters(fewest: Any) -> Any:
    """Returns (characters, names) of the font's characters; each word of a name occurs in at least `fewest` names."""
    from matplotlib.ft2font import FT2Font

    names = {chr(code): unicodedata.name(chr(code), "") for code in sorted(FT2Font(_font()).get_charmap())}
    names = {letter: name.replace("-", " ") for letter, name in names.items() if name}
    while True:
        counts = Counter(word for name in names.values() for word in set(name.split()))
        frequent = {letter: name for letter, name in names.items() if all(counts[w] >= fewest for w in name.split())}
        if len(frequent) == len(names):
            return list(frequent), list(frequent.values())
        names = frequent


def picture(letter: Any, side: Any) -> Any:
    """Renders a character in the middle of a square, [side, side], with values in [0, 1]."""
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.truetype(_font(), size=round(0.8 * side))
    image = Image.new("L", (side, side))
    ImageDraw.Draw(image).text((side / 2, side / 2), letter, fill=255, font=font, anchor="mm")
    return np.asarray(image) / 255.0


def _font():
    import matplotlib

    return f"{matplotlib.get_data_path()}/fonts/ttf/DejaVuSans.ttf"
