"""Evaluates a trained network on every split of its data: python scripts/evaluate.py run=PATH."""

import hydra

from jaxrnn.config import refusals


@hydra.main(version_base="1.3", config_path="../conf", config_name="evaluate")
@refusals()
def main(cfg):
    from jaxrnn import results, runs
    from jaxrnn.devices import prepare

    prepare()
    run = runs.load(cfg.run)
    metrics = results.write_evaluation(run)
    print(f"{run.folder}, the params of step {run.step}")
    print(results.table(metrics, run.experiment.dataset.trivial_name))
    print(f"in {run.folder / 'evaluation.csv'}")


if __name__ == "__main__":
    with refusals():
        main()
