"""Measures speed, compared with other tools: python scripts/benchmark.py benchmark=sweep."""

import sys

from jaxrnn.commands import benchmark

if __name__ == "__main__":
    benchmark.start(sys.argv[1:])
