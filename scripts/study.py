"""Studies networks: python scripts/study.py study=gradient_flow model=lstm; those of a run: run=PATH."""

import sys

import hydra
from hydra.core.hydra_config import HydraConfig

from jaxrnn.config import force, refusals

RUN = any(argument.startswith("run=") for argument in sys.argv)


@hydra.main(version_base="1.3", config_path="../conf", config_name="study_run" if RUN else "study")
@refusals()
def main(cfg):
    from jaxrnn import analysis  # here, so that --help need not import JAX
    from jaxrnn.devices import prepare

    prepare()
    if RUN:
        lines = analysis.study_run(cfg, cfg.run)
    else:
        lines = analysis.study_models(_compared(cfg), HydraConfig.get().runtime.output_dir)
    print("\n".join(lines))


def _compared(cfg):
    """{label: configuration} of the kinds of networks in one figure, or of the one that model=... chooses."""
    given = [text for text in HydraConfig.get().overrides.task if not text.startswith("compare=")]
    if cfg.compare is None or any(text.startswith(("model=", "experiment=")) for text in given):
        return {str(HydraConfig.get().runtime.choices.model): cfg}
    other_data = any(text.startswith("data=") for text in given)
    cfgs = {}
    for kind in cfg.compare:
        for label, words in ({kind: f"model={kind}"} if isinstance(kind, str) else kind).items():
            words = [word for word in words.split() if not (other_data and word.startswith("data."))]
            cfgs[label] = hydra.compose("study", [*map(force, words), *given])
    return cfgs


if __name__ == "__main__":
    with refusals():
        main()
