"""Columns of tagged words and of pairs, in the forms that corpora have."""

import numpy as np
import pytest

from jaxrnn.data import labels, pairs, tagging

NAMES = ["Ada", "Bo", "Cy", "Di", "Ed"]


def sentences():
    for n in range(25):
        name, count = NAMES[n % 5], n + 1
        yield [
            (name, "NNP", "B-PER"),
            ("Lee", "NNP", "I-PER"),
            ("left", "VBD", "O"),
            (f"{count}", "CD", "O"),
            (".", ".", "O"),
        ]


def conll_2003():
    lines = ["-DOCSTART- -X- -X- O", ""]
    for sentence in sentences():
        lines += [f"{word} {tag} I-NP {entity}" for word, tag, entity in sentence] + [""]
    return "\n".join(lines)


def conll_u():
    lines = []
    for number, sentence in enumerate(sentences()):
        lines += [f"# sent_id = {number}", "# text = ...", "1-2\tAda Lee\t_\t_\t_\t_\t_\t_\t_\t_"]
        lines += [f"{n}\t{word}\t{word.lower()}\t{'PROPN' if n < 3 else 'X'}\t{tag}\t_\t0\troot\t_\t_"
                  for n, (word, tag, _) in enumerate(sentence, 1)]  # fmt: skip
        lines += ["5.1\tempty\t_\t_\t_\t_\t_\t_\t_\t_", ""]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("content", "columns", "tags"),
    [
        (conll_2003(), None, ("B-PER", "I-PER", "O")),
        (conll_2003(), (0, 1), (".", "CD", "NNP", "VBD")),
        (conll_2003(), (0, -1), ("B-PER", "I-PER", "O")),
        (conll_u(), None, ("PROPN", "X")),
        (conll_u(), ("form", "xpos"), (".", "CD", "NNP", "VBD")),
        (conll_u(), ("lemma", 4), (".", "CD", "NNP", "VBD")),
    ],
)
def test_words_and_tags_of_a_corpus(tmp_path, content, columns, tags):
    path = tmp_path / "corpus"
    path.write_text(content)
    dataset = tagging.dataset(str(path), columns=columns)
    assert dataset.symbols.outputs.names == tags
    assert dataset.symbols.question.default.split()[1:3] == (
        ["lee", "left"] if columns == ("lemma", 4) else ["Lee", "left"]
    )
    batch = dataset.splits["test"]
    assert set(np.asarray(batch.mask).sum(axis=0)) == {5}
    assert ("entity_f1" in dataset.metrics) == (tags[0] == "B-PER")
    if "entity_f1" in dataset.metrics:
        assert dataset.metrics["entity_f1"](dataset.trivial(batch), batch) == 1


@pytest.mark.parametrize(
    ("content", "columns", "message"),
    [
        (conll_2003(), (0, 4), r"data\.columns=4: expected an index from 0 to 3$"),
        (conll_u(), ("word", 4), r"data\.columns=word: expected an index from 0 to 9, or a name \(id, form"),
        (conll_2003() + "\nlost NN O\n", None, r"line 153: expected 4 fields with a word and a tag; got 'lost NN O'"),
    ],
)
def test_columns_that_are_not_there(tmp_path, content, columns, message):
    path = tmp_path / "corpus"
    path.write_text(content)
    with pytest.raises(ValueError, match=message):
        tagging.dataset(str(path), columns=columns)


def test_fields_with_tabs_and_pairs_without_a_header(tmp_path):
    path = tmp_path / "mine.tsv"
    path.write_text("\n\n".join(f"Ada{n}\tNNP\tB-PER\nleft\tVBD\tO" for n in range(30)))
    assert tagging.dataset(str(path)).symbols.outputs.names == ("B-PER", "O")
    assert tagging.dataset(str(path), columns=(0, 1)).symbols.outputs.names == ("NNP", "VBD")
    path.write_text("\n".join(f"go {n}\tva {n}\tCC-BY (France)" for n in range(40)))  # sentences with their source
    dataset = pairs.dataset(str(path), columns=(0, 1))
    assert dataset.train.rows == 32
    assert any("data.header=false" in note for note in dataset.notes)


def test_pairs_are_columns_of_a_table(tmp_path):
    path = tmp_path / "mine.csv"
    rows = [f'{n},"one, {n}",un {n}' for n in range(40)]
    path.write_text("\n".join(["id,english,french", *rows]))
    for columns in (("english", "french"), (1, 2)):
        dataset = pairs.dataset(str(path), columns=columns)
        assert dataset.train.rows == 32
        assert dataset.symbols.question.default == "one, 0"
    path.write_text("\n".join(["id,english,french", *rows, "41,forty-one,"]))
    with pytest.raises(ValueError, match="line 42: the source or its answer is missing"):
        pairs.dataset(str(path), columns=("english", "french"))
    with pytest.raises(ValueError, match=r"data\.columns=german: .* no such column; it has id, english, french"):
        pairs.dataset(str(path), columns=("english", "german"))


def test_words_are_split_from_punctuation(tmp_path):
    path = tmp_path / "mine.tsv"
    path.write_text("\n".join(f"{'ham' if n % 2 else 'spam'}\tDon't pay {n}.50, e-mail me!" for n in range(40)))
    dataset = labels.dataset(str(path), text=1, label=0, by="tokens")
    assert {"Don't", "pay", ",", "e-mail", "me", "!"} <= set(dataset.symbols.inputs.names)
    names = dataset.symbols.inputs.names
    asked = dataset.symbols.question.batch("me, pay!")
    assert [names[int(number)] for number in asked.xs[:, 0, 0]] == ["me", ",", "pay", "!"]
    path.write_text("\n".join(f"Is it {n}?\tYes, {n}." for n in range(40)))
    dataset = pairs.dataset(str(path), source="tokens", target="tokens")
    assert dataset.symbols.question.batch("Is it?").xs.source.shape[0] == 3
    assert {"Yes", ",", "."} <= set(dataset.symbols.outputs.names)
