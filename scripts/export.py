"""Writes a trained network for other libraries: python scripts/export.py run=PATH to=torch."""

import sys

from jaxrnn.commands import export

if __name__ == "__main__":
    export.start(sys.argv[1:])
