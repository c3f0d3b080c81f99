"""Splits words from punctuation."""

import re

WORD = re.compile(r"\d+(?:[.,]\d+)+|\w+(?:[-'\u2019]\w+)*|[^\w\s]")


def prepare(by):
    """Returns the function that puts a blank between the symbols of a text.

    Args:
      by: "tokens" for words and punctuation marks; texts of "letters" or "words" stay as they are.
    """
    return separate if by == "tokens" else str


def separate(text):
    """Puts blanks between words and punctuation marks: "No, don't!" becomes "No , don't !"."""
    return " ".join(WORD.findall(text))
