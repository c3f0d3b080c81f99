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
        return {TIMES: _added(times.astype(np.int64), arrays), "unit": np.datetime_data(times.dtype)[0]}
    return _described_list(np.asarray(value).tolist(), arrays) if kind in ("U", "O") else None


def restored(node, arrays, name):
    """Returns the value of a dict that refers to arrays; the dict itself if it does not.

    Raises:
      DamagedError: if an array is missing or does not fit.
    """
    key = next((key for key in (ARRAY, TEXTS, ITEMS, TIMES, FRAME) if key in node), None)
    if key is None:
        return node
    if key == FRAME:
        return _made_frame(node[FRAME], arrays, name)
    if node[key] not in arrays:
        raise DamagedError(f"{name}: its file is damaged: {node[key]} is missing")
    array = arrays[node[key]]
    if key == TIMES:
        return array.astype(f"datetime64[{node['unit']}]")
    if key == ARRAY:
        return array
    values = json.loads(array.tobytes())
    if not isinstance(values, list):  # a single text could be the path of any file
        raise DamagedError(f"{name}: its file is damaged: expected a list")
    return dict(values) if key == ITEMS else values


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
    return {TEXTS: _added(np.frombuffer(text.encode(), np.uint8), arrays)}


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

    try:
        columns = [restored(column, arrays, name) for column in node["columns"]]
        index = None if node["index"] is None else pandas.Index(restored(node["index"], arrays, name))
        frame = pandas.concat([pandas.Series(column, index=index) for column in columns], axis=1)
        frame.columns, frame.index.name = node["names"], node["index_name"]
    except (KeyError, TypeError, ValueError) as error:
        raise DamagedError(f"{name}: its file is damaged: {error}") from error
    return frame.iloc[:, 0] if node["is_series"] else frame
