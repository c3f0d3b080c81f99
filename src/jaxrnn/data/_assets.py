"""The files that ship with the package; `scripts/build_assets.py` makes them and names their sources."""

import lzma
from pathlib import Path

FOLDER = Path(__file__).parent / "assets"


def text(name):
    """The content of a compressed text file."""
    return lzma.decompress((FOLDER / f"{name}.txt.xz").read_bytes()).decode()


def read_text(path, key="data.path"):
    """The content of a text file of the user's, in UTF-8.

    Raises:
      FileNotFoundError: if there is no such file.
      ValueError: if it is not UTF-8, or empty; it names the byte.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{key}={path}: no such file")
    try:
        content = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path}: byte {error.start} is not UTF-8; save the file as UTF-8 (iconv -f latin1 -t utf8)"
        ) from error
    if not content.strip():
        raise ValueError(f"{path} is empty")
    return content.replace("\r\n", "\n")
