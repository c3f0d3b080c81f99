"""Dates in thirty languages, translated to ISO 8601: "vendredi 16 septembre 1983" -> "1983-09-16".

The patterns and names come from Babel 2.18 (BSD), which takes them from Unicode's Common Locale Data Repository.
"""

import datetime
import json
import re
from typing import Any

import numpy as np

from jaxrnn.arguments import checked
from jaxrnn.data import _assets
from jaxrnn.data._pairs import pairs
from jaxrnn.types import Dataset, Seed, Size

STYLES = ("medium", "long", "full")  # not "short", where day and month can be confused
FIRST, LAST = datetime.date(1900, 1, 1), datetime.date(2099, 12, 31)


@checked
def dataset(examples: Size = 30_000, validation: Size = 1_000, test: Size = 2_000, split_seed: Seed = 0) -> Dataset:
    """Random days from 1900 to 2099, each in a random language and style (medium, long or full).

    Args:
      examples: the number of training examples.
      validation, test: the numbers of validation and test examples; their days are not in the training set.
      split_seed: the seed of the days, languages and styles.
    """
    locales = json.loads((_assets.FOLDER / "dates.json").read_text())
    rng, names = np.random.default_rng(split_seed), list(locales)
    days = rng.permutation((LAST - FIRST).days + 1)
    held_out = min(validation + test, len(days) // 4)
    parts = {"validation": (days[: held_out // 3], validation), "test": (days[held_out // 3 : held_out], test)}
    parts["train"] = (days[held_out:], examples)

    def example(day):
        date = FIRST + datetime.timedelta(days=int(day))
        locale = locales[names[rng.integers(len(names))]]
        return written(date, locale, STYLES[rng.integers(len(STYLES))]), date.isoformat()

    splits = {name: [example(day) for day in rng.choice(pool, count)] for name, (pool, count) in parts.items()}
    return pairs(splits, "date", "vendredi 16 septembre 1983")


def written(date: Any, locale: Any, style: Any) -> Any:
    """Writes a date in a language and style.

    Args:
      date: a `datetime.date`.
      locale: {"patterns": the patterns of the four styles, "months_wide", "months_abbreviated", "days_wide", ...}.
      style: "short", "medium", "long" or "full".
    """
    pattern = locale["patterns"][("short", "medium", "long", "full").index(style)]

    def field(match):
        letters = match.group(0)
        if letters.startswith("'"):
            return letters[1:-1] or "'"
        kind, width = letters[0], len(letters)
        if kind == "y":
            return str(date.year)[-2:] if width == 2 else str(date.year)
        if kind == "d" or (kind == "M" and width < 3):
            return f"{date.day if kind == 'd' else date.month:0{width}}"
        length = "wide" if width == 4 else "abbreviated"
        return locale[f"months_{length}"][date.month - 1] if kind == "M" else locale[f"days_{length}"][date.weekday()]

    return re.sub(r"'[^']*'|y+|M+|L+|d+|E+|c+", field, pattern.replace("L", "M"))
