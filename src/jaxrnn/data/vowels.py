"""Japanese Vowels: which of nine men speaks, from the cepstral coefficients of one utterance.

Kudo, Toyama & Shimbo 1999; from the UCI archive, as aeon ships it. The published split has 270 training utterances (30
per speaker) and 370 test utterances.
"""

import numpy as np

from jaxrnn.arguments import checked
from jaxrnn.data import _assets, _descriptions
from jaxrnn.data.examples import Examples, constant_logits, pad, stored
from jaxrnn.scales import Scale, Scales
from jaxrnn.symbols import SymbolData
from jaxrnn.types import Dataset, Rate

SPEAKERS = 9


@checked
def dataset(validation: Rate = 0.1) -> Dataset:
    """12 coefficients per step, 7 to 29 steps, one label at the last step; scaled by the training part.

    Args:
      validation: the share of each speaker's published training utterances used for validation; 0 for none.
    """
    with np.load(_assets.FOLDER / "vowels.npz") as file:
        parts = {name: _utterances(file, name) for name in ("train", "test")}
    values, lengths, speakers = parts["train"]
    mask = np.arange(values.shape[1]) < lengths[:, None]
    mean, std = values[mask].mean(axis=0), values[mask].std(axis=0)
    examples = {
        name: Examples(
            np.where(np.arange(xs.shape[1])[:, None] < n[:, None, None], (xs - mean) / std, 0.0).astype(np.float32),
            n,
            labels.astype(np.int32)[:, None, None],
        )
        for name, (xs, n, labels) in parts.items()
    }
    held_out, rng = np.zeros(len(speakers), bool), np.random.default_rng(0)
    for speaker in range(SPEAKERS):
        utterances = rng.permutation(np.flatnonzero(speakers == speaker))
        held_out[utterances[: round(validation * len(utterances))]] = True
    splits = {"train": examples["train"].take(~held_out)}
    splits |= {"validation": examples["train"].take(held_out)} if held_out.any() else {}
    names = [f"speaker {number + 1}" for number in range(SPEAKERS)]

    def describe_utterance(xs, row):
        return {"input": f"utterance {row + 1}, {len(xs)} steps"}

    data = stored(
        splits | {"test": examples["test"]},
        "last",
        SPEAKERS,
        {"most frequent speaker": constant_logits(np.bincount(speakers[~held_out], minlength=SPEAKERS))},
        symbols=SymbolData(describe=_descriptions.labelled(names, describe_utterance)),
    )
    return data._replace(scales=Scales(inputs=Scale(mean, std)))


def _utterances(file, name):
    lengths = file[f"{name}_lengths"].astype(int)
    utterances = np.split(file[f"{name}_values"], np.cumsum(lengths)[:-1])
    values, lengths = pad(utterances, np.float32)
    return values, lengths, file[f"{name}_speakers"].astype(int)
