"""Stores the values that a factory was called with: plain values as JSON, arrays and tables beside it.

Texts, dates and tables are references to arrays, {key: name of the array, ...}, so that the header of the file stays
small.
"""

import json

import numpy as np

from jaxrnn.errors import DamagedError

ARRAY, TEXTS, ITEMS, TIMES, FRAME = "_array_", "_texts_", "_items_", "_times_", "_frame_"  # keys of the references


def described(value, arrays):
    """Returns a table, an array, a list or a dict with other keys than texts as references; None for other values.

    Their content is added to `arrays`, {name: array}.
    """
    if hasattr(value, "iloc"):
        return {FRAME: _described_frame(value, arrays)}
    if type(value) in (list, tuple):
        return _described_list(value, arrays)
    if isinstance(value, dict) and not all(isinstance(key, str) for key in value):
        items = _described_list(list(value.items()), arrays)
        return items and {ITEMS: items[TEXTS]}
    kind = np.asarray(value).dtype.kind if hasattr(value, "dtype") else ""
    if kind and kind in "biuf":
        return {ARRAY: _added(np.asarray(value), arrays)}
    if kind == "M":
        times = np.asarray(value)
        unit, count = np.datetime_data(times.dtype)  # ("m", 15) for steps of a quarter of an hour
        return {TIMES: _added(times.astype(np.int64), arrays), "unit": unit if count == 1 else f"{count}{unit}"}
    return _described_list(np.asarray(value).tolist(), arrays) if kind in ("U", "O") else None


def restored(node, arrays, name):
    """Returns the value of a dict that refers to arrays; the dict itself if it does not.

    Raises:
      DamagedError: if an array is missing or does not fit.
    """
    key = next((key for key in (ARRAY, TEXTS, ITEMS, TIMES, FRAME) if key in node), None)
    if key is None:
        return node
    try:
        return _made_frame(node[FRAME], arrays, name) if key == FRAME else _made_values(key, node, arrays)
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        reason = f"{error.args[0]} is missing" if isinstance(error, KeyError) else str(error).partition("\n")[0]
        raise DamagedError(f"{name}: its file is damaged: {reason}") from error


def _made_values(key, node, arrays):
    array = arrays[node[key]]
    if key == TIMES:
        return array.astype(f"datetime64[{node['unit']}]")
    if key == ARRAY:
        return array
    values = json.loads(array.tobytes())
    if not isinstance(values, list):  # a single text could be the path of any file
        raise ValueError("expected a list")
    return {_hashable(item): value for item, value in values} if key == ITEMS else values


def _hashable(key):
    """Returns a key of a dict; JSON has lists for its tuples."""
    return tuple(map(_hashable, key)) if isinstance(key, list) else key


def _added(array, arrays):
    """Adds an array and returns its name."""
    name = f"array {len(arrays)}"
    arrays[name] = array
    return name


def _described_list(values, arrays):
    try:
        text = json.dumps(values, default=_plain)
    except TypeError:
        return None
    if not _has_text_keys(values):  # JSON would make texts of the numbers
        return None
    return {TEXTS: _added(np.frombuffer(text.encode(), np.uint8), arrays)}


def _has_text_keys(value):
    """Returns whether all keys of the dicts in a value are texts."""
    if isinstance(value, dict):
        return all(isinstance(key, str) for key in value) and all(map(_has_text_keys, value.values()))
    return not isinstance(value, list | tuple) or all(map(_has_text_keys, value))


def _plain(value):
    """Returns a number of NumPy as one of Python."""
    if isinstance(value, np.generic) and value.dtype.kind in "biuf":
        return value.item()
    raise TypeError


def _described_frame(frame, arrays):
    """Returns a DataFrame, or a pandas Series, as its columns and its index."""
    import pandas

    columns = [frame] if frame.ndim == 1 else [frame.iloc[:, number] for number in range(frame.shape[1])]
    has_index = not isinstance(frame.index, pandas.RangeIndex)
    return {
        "is_series": frame.ndim == 1,
        "names": [None if column.name is None else str(column.name) for column in columns],
        "columns": [_described_column(column, arrays) for column in columns],
        "index": _described_column(frame.index.to_series(), arrays) if has_index else None,
        "index_name": None if frame.index.name is None else str(frame.index.name),
    }


def _described_column(column, arrays):
    if getattr(column.dtype, "kind", "") in "biufM" and getattr(column.dtype, "tz", None) is None:
        return described(column.to_numpy(), arrays)
    values = column.astype(object).where(column.notna(), None).tolist()
    return _described_list([v if isinstance(v, str | int | float) or v is None else str(v) for v in values], arrays)


def _made_frame(node, arrays, name):
    import pandas

    columns = [restored(column, arrays, name) for column in node["columns"]]
    index = None if node["index"] is None else pandas.Index(restored(node["index"], arrays, name))
    frame = pandas.concat([pandas.Series(column, index=index) for column in columns], axis=1)
    frame.columns, frame.index.name = node["names"], node["index_name"]
    return frame.iloc[:, 0] if node["is_series"] else frame
