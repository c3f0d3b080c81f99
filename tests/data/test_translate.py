"""Names of emoji: the pairs of the file, its parts, and the copy as a baseline."""

import numpy as np
import pytest

from jaxrnn.data import _assets, translate
from jaxrnn.symbols import UNKNOWN


def pairs_of(data, part):
    """[(source, target)] of a part as text."""
    inputs, outputs = data.symbols.inputs, data.symbols.outputs
    if part == "train":
        arrays = data.train.arrays
        return [
            (inputs.decode(x[:length]), outputs.decode(y))
            for x, length, y in zip(*map(np.asarray, (arrays.xs, arrays.lengths, arrays.targets)), strict=True)
        ]
    rows = data.symbols.describe(data.splits[part], np.zeros(data.splits[part].targets.shape[:2], int))
    return [(row["input"], row["target"]) for row in rows]


@pytest.mark.parametrize("unseen", ["names", "emoji"])
def test_every_pair_is_in_one_part(unseen):
    data = translate.dataset("german", unseen)
    parts = {part: pairs_of(data, part) for part in ("train", "validation", "test")}
    fields = [line.split("\t") for line in _assets.lines(_assets.text("emoji"))]
    true = {(english, german) for english, _, german, _ in fields}
    assert ("baby dark skin tone", "baby dunkle hautfarbe") in true
    assert sum(map(len, parts.values())) == len({pair for pair in true if max(map(len, pair)) <= 100})
    assert {pair for pairs in parts.values() for pair in pairs if UNKNOWN not in "".join(pair)} <= true
    key = {"names": str, "emoji": lambda name: name.replace("medium-", "").replace(" light", "").replace(
        " dark", "").replace(" medium", "").replace(" skin tone", "")}[unseen]  # fmt: skip
    train, test = ({key(source) for source, _ in parts[part]} for part in ("train", "test"))
    assert not train & test
    tones = {source.partition(" dark skin tone")[0] for source, _ in parts["test"] if " dark skin tone" in source}
    relatives = {source for source, _ in parts["train"] if any(source == f"{name} light skin tone" for name in tones)}
    assert bool(relatives) == (unseen == "names")


def test_the_copy_is_right_where_both_names_are_the_same():
    data = translate.dataset("spanish", source="tokens", target="tokens")
    batch, predict = data.splits["test"], data.baselines["copy of the source"]
    rows = data.symbols.describe(batch, np.asarray(predict(batch)).argmax(axis=-1))
    same = [row["input"] == row["target"] and UNKNOWN not in row["input"] for row in rows]
    assert [row["prediction"] == row["target"] for row in rows] == same
    assert float(data.metrics["exact_match"](predict(batch), batch)) == pytest.approx(np.mean(same))


def test_a_question_is_read_in_the_symbols_of_the_source():
    data = translate.dataset("french", source="tokens")
    question = data.symbols.question
    source = question.batch("flag: cat, dog").xs.source
    assert question.name == "source"
    assert len(source) == 5
    with pytest.raises(ValueError, match=r"data\.longest=1: "):
        translate.dataset(longest=1)
