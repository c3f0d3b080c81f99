"""Reports the results of a sweep, also while it runs: python scripts/report.py PATH."""

import sys

from jaxrnn.experiments.command_line import config_errors, main
from jaxrnn.hints import quoted


def report(cfg):
    from jaxrnn.experiments import schema
    from jaxrnn.sweeps import report

    with config_errors():
        print(report.write(report.read(cfg.path, schema.validated(cfg.metric, str, "metric"))))


if __name__ == "__main__":
    arguments = [word if "=" in word or word.startswith("-") else f"path={quoted(word)}" for word in sys.argv[1:]]
    main(report, "report", arguments)
