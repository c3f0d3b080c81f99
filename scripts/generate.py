"""Continues a series or a text with a trained network, or asks it for an answer.

python scripts/generate.py run=PATH prime=P length=L
python scripts/generate.py run=PATH word=TEXT
"""

import sys

from jaxrnn.commands import generate

if __name__ == "__main__":
    generate.start(sys.argv[1:])
