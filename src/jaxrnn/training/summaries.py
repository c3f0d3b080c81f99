"""What came of a run: `summary.json`, whole or not there, checked when it is read."""

import hashlib
import json
import math
from pathlib import Path

from jaxrnn import atomic
from jaxrnn.errors import ConfigError
from jaxrnn.training import records

FILE, DIGEST = "summary.json", "sha256"


def write(folder, content):
    """Writes a summary, with the digest of its content and of the rows that `metrics.csv` holds now, and returns it.

    JSON knows no NaN and no infinity; they become null.
    """
    content = {**_finite(content), "rows": records.digest(folder)}
    content[DIGEST] = _digest(content)
    atomic.write(Path(folder) / FILE, json.dumps(content, indent=2, allow_nan=False) + "\n")
    return content


def read(folder):
    """The content of a run's `summary.json`, or None if there is none yet.

    Raises:
      ConfigError: if it is not what was written.
    """
    path = Path(folder) / FILE
    try:
        content = json.loads(path.read_text())
    except FileNotFoundError:
        return None
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path} is damaged: {error}") from error
    if not isinstance(content, dict) or DIGEST not in content:
        raise ConfigError(f"{path} is damaged, or of jaxrnn 0.4 or earlier")
    if content[DIGEST] != _digest(content):
        raise ConfigError(f"{path} is damaged: it is not what was written; resume= of the run writes it again")
    return content


def _digest(content):
    rest = {name: value for name, value in content.items() if name != DIGEST}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def _finite(content):
    if isinstance(content, dict):
        return {str(key): _finite(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_finite(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content
