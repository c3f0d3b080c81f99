"""Evaluates a trained network on every split of its data: python scripts/evaluate.py run=PATH."""

import sys

from jaxrnn.commands import evaluate

if __name__ == "__main__":
    evaluate.start(sys.argv[1:])
