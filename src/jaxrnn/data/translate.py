"""Translation of short phrases: the names of emoji in English, and in French, German or Spanish.

The package emoji 2.16 ships the names, which come from Unicode's Common Locale Data Repository; its licence (BSD) is in
the folder of the file.
"""

import re
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np

from jaxrnn.arguments import checked
from jaxrnn.data import _assets, _words
from jaxrnn.data._pairs import pairs
from jaxrnn.data._splits import split_groups
from jaxrnn.types import Dataset, Rate, Seed, Size

LANGUAGES = ("english", "french", "german", "spanish")  # the columns of the file
SKIN_TONE = re.compile(r" (medium-)?(light|medium|dark) skin tone\b")
By = Literal["letters", "tokens"]


@checked
def dataset(
    to: Literal["french", "german", "spanish"] = "french",
    unseen: Literal["names", "emoji"] = "names",
    source: By = "letters",
    target: By = "letters",
    longest: Size = 100,
    label_smoothing: Rate = 0.0,
    split_seed: Seed = 0,
) -> Dataset:
    """English names of emoji and their translations, such as "man kneeling facing right" in French.

    Training, validation and test get 80, 10 and 10 % of the names, or of the emoji. About half of the names differ
    from another name only in a skin tone. `unseen` decides whether such names may be in different parts.

    Args:
      to: the language of the answers.
      unseen: what the validation and test parts hold. "names" that are not in the training part, most of them new
        combinations of its words; or "emoji" that are not in the training part with any skin tone, for which most
        answers need words that it does not contain.
      source, target: the symbols of each side: letters, or tokens, which are words and punctuation marks.
      longest: the largest number of symbols of a name; longer ones are left out.
      label_smoothing: the label smoothing of the loss.
      split_seed: the seed of the split.

    Raises:
      ValueError: if fewer than 20 names are short enough.
    """
    separators = tuple("" if by == "letters" else " " for by in (source, target))
    prepare = [_words.prepare(by) for by in (source, target)]
    column, examples = LANGUAGES.index(to), []
    for line in _assets.lines(_assets.text("emoji")):
        fields = line.split("\t")
        examples.append((prepare[0](fields[0]), prepare[1](fields[column])))
    examples = [pair for pair in dict.fromkeys(examples) if _longest(pair, separators) <= longest]
    if len(examples) < 20:
        raise ValueError(f"data.longest={longest}: {len(examples)} names are as short as this; give at least 10")
    keys = [name if unseen == "names" else SKIN_TONE.sub("", name) for name, _ in examples]
    parts = split_groups(keys, seed=split_seed)
    splits = {name: [examples[row] for row in rows] for name, rows in parts.items()}
    default = prepare[0]("man kneeling facing right")
    data = pairs(splits, "source", default, separators, label_smoothing, prepare=prepare[0])
    copied = copy(data.symbols.inputs, data.symbols.outputs)
    return data._replace(baselines={**data.baselines, "copy of the source": copied})


def copy(inputs, outputs):
    """Returns the predictor, Batch -> logits [T, B, K], that answers with the source itself.

    Args:
      inputs, outputs: the `Symbols` of both sides. A symbol that the answers lack ends the copy.
    """
    same = np.array([outputs.names.index(name) if name in outputs.names else 0 for name in inputs.names])

    def predict(batch):
        steps, source = len(batch.targets), batch.xs.source[..., 0].astype(int)
        symbols = jnp.where(batch.mask, jnp.asarray(same)[source], 0)
        symbols = jnp.pad(symbols, ((0, max(steps - len(symbols), 0)), (0, 0)))[:steps]
        return 10 * jax.nn.one_hot(symbols, outputs.size)  # finite logits: a wrong symbol costs about 10 nats

    return predict


def _longest(pair, separators):
    return max(len(text if separator == "" else text.split()) for text, separator in zip(pair, separators, strict=True))
