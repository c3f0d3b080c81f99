"""Lets a trained network go on by itself: python scripts/generate.py run=PATH prime=P length=L."""

import hydra

from jaxrnn.config import refusals


@hydra.main(version_base="1.3", config_path="../conf", config_name="generate")
@refusals()
def main(cfg):
    from jaxrnn import results, runs
    from jaxrnn.devices import prepare

    prepare()
    values, figure, error = results.write_generation(runs.load(cfg.run), cfg.prime, cfg.length)
    print(f"values in {values}, figure in {figure}")
    if error is not None:
        print(f"mean squared error against the truth: {error:.3g}")


if __name__ == "__main__":
    with refusals():
        main()
