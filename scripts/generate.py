"""Lets a trained network go on by itself: python scripts/generate.py run=PATH prime=P length=L."""

import sys

from jaxrnn.experiments.command_line import config_errors, main


def generate(cfg):
    from jaxrnn import runtime
    from jaxrnn.experiments import files, folders

    runtime.prepare()
    with config_errors():
        values, figure, error = files.write_generation(folders.load(cfg.run), cfg.prime, cfg.length)
    print(f"values in {values}, figure in {figure}")
    if error is not None:
        print(f"mean squared error against the truth: {error:.3g}")


if __name__ == "__main__":
    main(generate, "generate", sys.argv[1:])
