"""Reads numbers as people write them: decimal commas, thousands separators, and values that stand for a gap."""

import functools
import math
import re
from typing import NamedTuple

import numpy as np

from jaxrnn import hints

GAPS = {"", "na", "nan", "null", "none"}  # texts that stand for a missing value, in lower case
MEANINGS = ((".", ""), (",", ""), (".", ","), (",", "."), (".", "'"), (",", " "), (".", " "), (",", "'"))
MAX_TEXTS = 5000  # different texts that decide about the format
SPACES = str.maketrans("\u00a0\u202f\u2019", "  '")
SENTINEL = re.compile(r"-9{2,6}(\.[09]*)?|9{4,6}(\.[09]*)?")  # numbers that often stand for a missing value


class NumberFormat(NamedTuple):
    """Decimal mark, and the separator of thousands, which may be empty."""

    decimal: str = "."
    thousands: str = ""

    def parse(self, text):
        """Returns the number that a text stands for; NaN if it is not a finite number."""
        if self != PLAIN:
            if not _pattern(self).fullmatch(text.translate(SPACES)):
                return math.nan
            text = text.translate(SPACES).replace(self.thousands, "").replace(self.decimal, ".")
        try:
            value = math.nan if "_" in text else float(text)  # Python reads 1_0 as 10
        except ValueError:
            return math.nan
        return value if math.isfinite(value) else math.nan


PLAIN = NumberFormat()


def format_of(columns, delimiter, decimal=None, thousands=None):
    """Returns the `NumberFormat` in which most texts are numbers.

    A comma before three digits in every number may be a decimal mark or separate thousands. It is a decimal mark in a
    file with semicolons, and separates thousands in a file with commas.

    Args:
      columns: lists of texts, without gaps.
      delimiter: the delimiter of the file.
      decimal, thousands: values that the user sets; None to find them.

    Raises:
      ValueError: if several meanings fit.
    """
    meanings = [
        NumberFormat(*meaning)
        for meaning in MEANINGS
        if decimal in (None, meaning[0]) and thousands in (None, meaning[1])
    ] or [NumberFormat(decimal or ".", thousands or "")]
    if meanings[0] == PLAIN and all(plain(column) is not None for column in columns):
        return PLAIN
    texts = list(dict.fromkeys(text for column in columns for text in column))
    texts = texts[:: max(len(texts) // MAX_TEXTS, 1)]
    values = {meaning: [meaning.parse(text) for text in texts] for meaning in meanings}
    misfits = {meaning: int(np.isnan(numbers).sum()) for meaning, numbers in values.items()}
    best = [meaning for meaning in meanings if misfits[meaning] == min(misfits.values())]
    if len(best) == 1 or best[0] == PLAIN or all(values[best[0]] == values[other] for other in best):
        return best[0]
    decimal = {";": ",", ",": "."}.get(delimiter)
    by_delimiter = [meaning for meaning in best if meaning.decimal == decimal]
    if by_delimiter:
        return by_delimiter[0]
    example = next(text for text in texts if best[0].parse(text) != best[1].parse(text))
    raise ValueError(
        f"{example!r} may be {best[0].parse(example):g} or {best[1].parse(example):g}; give "
        f"{hints.argument('data.decimal', best[0].decimal)} or {hints.argument('data.decimal', best[1].decimal)}"
    )


def plain(texts):
    """Returns texts as numbers, [N], if Python reads all of them as finite numbers; None otherwise."""
    try:
        values = np.array(texts, object).astype(float)
    except ValueError:
        return None
    return values if np.isfinite(values).all() and not any("_" in text for text in texts) else None


@functools.cache
def _pattern(form):
    separator = re.escape(form.thousands)
    whole = rf"(\d+|\d{{1,3}}({separator}\d{{3}})+)" if form.thousands else r"\d+"
    decimal = re.escape(form.decimal)
    return re.compile(rf"[+-]?({whole}({decimal}\d*)?|{decimal}\d+)([eE][+-]?\d+)?")


def sentinel(values):
    """Returns a number such as -9999 that is far from all others of a column, or None."""
    known = values[np.isfinite(values)]
    for extreme, others in ((f(known), known[known != f(known)]) for f in (np.min, np.max) if len(known)):
        distance = np.min(np.abs(others - extreme), initial=math.inf)
        if SENTINEL.fullmatch(f"{extreme:.6g}") and len(others) > 2 and distance > np.ptp(others):
            return float(extreme)
    return None
