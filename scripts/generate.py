"""Continues a series or a text with a trained network, or asks it for an answer.

python scripts/generate.py run=PATH prime=P length=L
python scripts/generate.py run=PATH word=TEXT
"""

import sys

from jaxrnn.experiments.command_line import config_errors, main, quoted


def generate(cfg):
    from jaxrnn import runtime
    from jaxrnn.experiments import asking, config, files, folders

    runtime.prepare()
    with config_errors():
        config.check(cfg)
        run = folders.load(cfg.run, config.listed(cfg.trust, "trust"))
        if run.dataset.question is not None:
            print(asking.answered(run, cfg))
            return
        asking.refuse_questions(run, cfg)
        values, figure, error = files.write_generation(run, **asking.continuation(run, cfg))
    print(f"values in {values}, figure in {figure}")
    if error is not None:
        print(f"mean squared error against the truth: {error:.3g}")


if __name__ == "__main__":
    main(generate, "generate", quoted(sys.argv[1:]))
