"""Orders layers by the numbers in their names, because the order of a dict or a file is arbitrary."""

import re


def in_order(names):
    """Sorts names by their numbers: lstm, lstm_1, lstm_2, lstm_10; layers.0.rnn, layers.1.rnn.

    A name without a number comes before the same name with one.

    Returns:
      A list, or None if the names differ in more than their numbers, so that the order is unknown.
    """
    keys = {name: _numbered(name) for name in names}
    templates, numbers = {template for template, _ in keys.values()}, {tuple(n) for _, n in keys.values()}
    if len(templates) > 1 or len(numbers) < len(keys):
        return None
    return sorted(keys, key=lambda name: keys[name][1])


def _numbered(name):
    """Splits a name into (the name without numbers, its numbers). A part that does not end in a number counts as -1."""
    template, numbers = [], []
    for part in re.split(r"[./]", name):
        words = re.split(r"_?(\d+)", part)
        template.append(tuple(words[::2]) if words[-1] == "" else (*words[::2], ""))
        numbers += [int(number) for number in words[1::2]] + ([] if words[-1] == "" else [-1])
    return tuple(template), numbers
