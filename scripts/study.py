"""Studies new networks, python scripts/study.py study=gradient_flow model=lstm, or a trained one, run=PATH."""

import sys

from jaxrnn.commands import study

if __name__ == "__main__":
    study.start(sys.argv[1:])
