"""Studies networks: python scripts/study.py study=gradient_flow model=lstm; those of a run: run=PATH."""

import sys

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import open_dict

from jaxrnn.config import refusals

RUN = any(argument.startswith("run=") for argument in sys.argv)


@hydra.main(version_base="1.3", config_path="../conf", config_name="study_run" if RUN else "study")
@refusals()
def main(cfg):
    from jaxrnn import analysis  # here, so that --help need not import JAX
    from jaxrnn.devices import use_all_cores

    use_all_cores()
    if RUN:
        lines = analysis.study_run(cfg, cfg.run)
    else:
        lines = analysis.study_models(_compared(cfg), HydraConfig.get().runtime.output_dir)
    print("\n".join(lines))


def _compared(cfg):
    """{label: configuration} of the kinds of networks in one figure, or of the one that model=... chooses."""
    given = list(HydraConfig.get().overrides.task)
    cfgs = {str(HydraConfig.get().runtime.choices.model): cfg}
    if cfg.compare is not None and not any(text.startswith(("model=", "experiment=")) for text in given):
        given = [text for text in given if not text.startswith("compare=")]
        cfgs = {label: hydra.compose("study", [*words.split(), *given]) for label, words in cfg.compare.items()}
    for each in cfgs.values():
        with open_dict(each):
            del each.compare
    return cfgs


if __name__ == "__main__":
    with refusals():
        main()
