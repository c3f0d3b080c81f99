"""Reports the results of a sweep, also while it runs: python scripts/report.py PATH."""

import sys

from jaxrnn.commands import report

if __name__ == "__main__":
    report.start(sys.argv[1:])
