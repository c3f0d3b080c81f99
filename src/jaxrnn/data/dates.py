"""Dates as thirty languages write them, and the same day in ISO 8601: "vendredi 16 septembre 1983" -> "1983-09-16".

The patterns and names are those of Babel 2.18 (BSD), from Unicode's Common Locale Data Repository.
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

STYLES = ("medium", "long", "full")  # the short ones do not say which number is the month
FIRST, LAST = datetime.date(1900, 1, 1), datetime.date(2099, 12, 31)


@checked
def dataset(examples: Size = 30_000, validation: Size = 1_000, test: Size = 2_000, split_seed: Seed = 0) -> Dataset:
    """Random days from 1900 to 2099, each in a random language and in its medium, long or full style.

    Args:
      examples: that train.
      validation, test: examples, of days that do not train.
      split_seed: of the draw.
    """
    locales = json.loads((_assets.FOLDER / "dates.json").read_text())
    rng, names = np.random.default_rng(split_seed), list(locales)
    days = rng.permutation((LAST - FIRST).days + 1)
    held = min(validation + test, len(days) // 4)
    parts = {"validation": (days[: held // 3], validation), "test": (days[held // 3 : held], test)}
    parts["train"] = (days[held:], examples)

    def one(day):
        date = FIRST + datetime.timedelta(days=int(day))
        locale = locales[names[rng.integers(len(names))]]
        return written(date, locale, STYLES[rng.integers(len(STYLES))]), date.isoformat()

    splits = {name: [one(day) for day in rng.choice(pool, count)] for name, (pool, count) in parts.items()}
    return pairs(splits, "date", "vendredi 16 septembre 1983")


def written(date: Any, locale: Any, style: Any) -> Any:
    """A date as a language writes it.

    Args:
      date: a `datetime.date`.
      locale: {"patterns": of the styles short to full, "months_wide", "months_abbreviated", "days_wide", ...}.
      style: "short", "medium", "long" or "full".
    """
    pattern = locale["patterns"][("short", "medium", "long", "full").index(style)]

    def field(found):
        letters = found.group(0)
        if letters.startswith("'"):
            return letters[1:-1] or "'"
        kind, width = letters[0], len(letters)
        if kind == "y":
            return str(date.year)[-2:] if width == 2 else str(date.year)
        if kind == "d" or (kind == "M" and width < 3):
            return f"{date.day if kind == 'd' else date.month:0{width}}"
        length = "wide" if width == 4 else "abbreviated"
        return locale[f"months_{length}"][date.month - 1] if kind == "M" else locale[f"days_{length}"][date.weekday()]

    return re.sub(r"'[^']*'|y+|M+|L+|d+|E+|c+", lambda found: field(found), pattern.replace("L", "M"))
