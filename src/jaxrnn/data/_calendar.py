"""Calendar features of times: inputs that are known in advance."""

import numpy as np

PERIODS = {"year": 365.25 * 86400, "week": 7 * 86400.0, "day": 86400.0}  # seconds


def features(times, parts):
    """Returns [N, 2 n]: sine and cosine of each time's position in each of n `parts` ("year", "week" or "day")."""
    whole = times.astype("datetime64[s]")
    seconds = whole.astype(float) + (times - whole) / np.timedelta64(1, "s")
    angles = [2 * np.pi * seconds / PERIODS[part] for part in parts]
    return np.stack([f(angle) for angle in angles for f in (np.sin, np.cos)], axis=1)
