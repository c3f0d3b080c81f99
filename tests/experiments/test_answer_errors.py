"""Error rates of answers: the edit distance against a search over all edits, and sentences for the terminal."""

from types import SimpleNamespace

import numpy as np
import pytest

from jaxrnn.experiments import answer_errors
from jaxrnn.symbols import Symbols


def fewest_edits(a, b):
    """By breadth-first search: all sequences that one edit more makes, until one is b."""
    letters, reached, count = set(a + b), {a}, 0
    while b not in reached:
        count += 1
        made = set()
        for text in reached:
            for at in range(len(text) + 1):
                made |= {text[:at] + letter + text[at:] for letter in letters}
                made |= {text[:at] + letter + text[at + 1 :] for letter in (*letters, "")}
        reached = made
    return count


def test_the_edit_distance_is_the_fewest_edits():
    rng = np.random.default_rng(0)
    for _ in range(20):
        a, b = ("".join(rng.choice(list("xyz"), rng.integers(0, 4))) for _ in range(2))
        assert answer_errors.edit_distance(a, b) == fewest_edits(a, b)


@pytest.mark.parametrize(
    ("separator", "said"),
    [
        ("", "0.3333 exact; edit distance 0.6 per symbol, 0.75 per word (word error rate)"),
        (" ", "0.3333 exact; edit distance 0.75 per symbol"),
    ],
)
def test_errors_are_per_symbol_and_per_word(tmp_path, separator, said):
    """By hand: the targets have 10 letters and 4 words; the edits are 3, 3 and 0 letters, and 1, 2 and 0 words."""
    path = tmp_path / "predictions.csv"
    path.write_text("split,input,target,prediction,loss\ntest,x,a bc,a bcdef,1\ntest,y,abcd,b c,1\ntest,z,NA,NA,1\n")
    run = SimpleNamespace(
        dataset=SimpleNamespace(symbols=SimpleNamespace(outputs=Symbols(("", "a"), separator))),
        net=SimpleNamespace(decoding=True),
    )
    assert answer_errors.sentence(run, path) == f"answers of test, decoded greedily: {said}"
    assert answer_errors.sentence(run, None) == ""
