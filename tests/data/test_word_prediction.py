"""`data=text data.by=words`: words, punctuation marks and line breaks as symbols."""

from collections import Counter

import numpy as np
import pytest

import jaxrnn
from jaxrnn.cells import gru
from jaxrnn.data import _word_text, text
from jaxrnn.symbols import UNKNOWN

RNG = np.random.default_rng(0)
NAMES = np.array(["the", "cat", "dog", "sees", "a", "bird"])
LINES = [" ".join(RNG.choice(NAMES, 7)) + ("." if number % 2 else ", once!") for number in range(300)]


def test_a_text_is_split_into_words_marks_and_breaks():
    assert _word_text.split("Well, don't.\n\n3.5 km") == ["Well", ",", "don't", ".", "\n", "\n", "3.5", "km"]


def test_symbols_are_the_frequent_words_of_the_training_part():
    held_out = [*LINES[:-20], *["zebra zebra zebra"] * 20]
    dataset = text.dataset(held_out, window=8, by="words", vocabulary=8)
    words = _word_text.split("\n".join(held_out))
    trained = round(0.9 * len(words))
    counts = Counter(words[:trained])
    names = dataset.symbols.outputs.names
    assert names[0] == UNKNOWN
    assert [counts[name] for name in names[1:]] == sorted(counts.values(), reverse=True)[:7]
    assert "zebra" not in names
    batch = dataset.splits["test"]
    shown = [names[number] for number in np.asarray(batch.xs)[:, 0, 0]]
    share = words[round(0.95 * len(words)) :]
    assert shown == [word if word in names else UNKNOWN for word in share[: len(shown)]]
    np.testing.assert_array_equal(batch.xs[1:], batch.targets[:-1])


def test_every_word_keeps_its_number_when_all_fit():
    dataset = text.dataset(LINES, window=8, by="words")
    words = _word_text.split("\n".join(LINES))
    assert dataset.output_size == len(set(words)) + 1
    assert dataset.trivial_name == "word frequencies"
    assert dataset.loss.name == "cross-entropy (nats a word)"


def test_a_network_continues_a_prompt_of_words():
    dataset = text.dataset(LINES, window=8, by="words")
    net = jaxrnn.nets.symbol_rnn(gru.cell(4), dataset.output_size, vocabulary_size=dataset.output_size)
    run = jaxrnn.fit(net, dataset, steps=2, batch_size=4, learning_rate=1e-2)
    (continued,) = run.predict(["the cat"])
    assert continued.startswith("the cat ")
    assert set(continued.split()) <= {*dataset.symbols.outputs.names}


def test_a_text_with_too_few_words_is_refused():
    with pytest.raises(ValueError, match=r"words are for training, too few for windows of data.window=64"):
        text.dataset(LINES[:5], by="words")
