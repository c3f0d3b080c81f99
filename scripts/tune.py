"""Searches for good values: python scripts/tune.py data=sine 'optimizer.learning_rate=tag(log,interval(1e-4,1e-1))'."""

import sys
from importlib.util import find_spec

import hydra
from hydra.core.hydra_config import HydraConfig

from jaxrnn.config import Refusal, force, refusals

HELP = {"--help", "-h", "--cfg", "-c", "--info", "-i"} & set(sys.argv)
SPACE = []


@hydra.main(version_base="1.3", config_path="../conf", config_name="tune")
@refusals()
def main(cfg):
    from jaxrnn import config, report, tuning
    from jaxrnn.devices import prepare

    prepare()
    config.check(cfg)
    given = [text for text in HydraConfig.get().overrides.task if not force(text).startswith("++tune.")]
    folder = HydraConfig.get().runtime.output_dir
    options = config.build(cfg.tune)
    study = tuning.tune(lambda words: hydra.compose("train", words), given, SPACE, options, folder, cfg.seed)
    tuning.draw(study, folder)
    report.write(report.read(folder))
    words, overrides = tuning.best(study)
    print(f"{words}\npython scripts/train.py {' '.join([*(text.removeprefix('++') for text in given), *overrides])}")
    print(f"figures in {folder}/figures, page: {folder}/report/report.html")


if __name__ == "__main__":
    with refusals():
        if not HELP:
            if find_spec("optuna") is None:
                raise Refusal("a search needs Optuna: pip install -e '.[tune]'")
            from jaxrnn import tuning

            sys.argv[1:], SPACE[:] = tuning.split(sys.argv[1:])
        main()
