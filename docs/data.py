"""Prints the table of results in docs/data.md, from the run folders of its commands.

python docs/data.py RUN ...   saves each run's results in docs/data/NAME.json, then prints the table
python docs/data.py           prints the table from the saved results
"""

import json
import sys
from pathlib import Path

FOLDER = Path(__file__).parent / "data"
PUBLISHED = {
    "vowels": "LSTM 80 %, best 99.5 % (recalled, not checked)",
    "text": "nanoGPT after three minutes on a CPU, on another Shakespeare file: 1.88 nats",
    "g2p": "encoder-decoder on the whole dictionary: word error rate 28.6 %",
    "adding": "T=600: GRU 5.3e-5, LSTM 0.164",
}


def save_results(folder):
    """Saves a run's test metrics and baselines as docs/data/NAME.json, where NAME is the folder's name."""
    from omegaconf import OmegaConf

    from jaxrnn.experiments import run_folder

    run, summary = run_folder.load(folder), json.loads((Path(folder) / "summary.json").read_text())
    overrides = OmegaConf.to_container(OmegaConf.load(Path(folder) / ".hydra" / "overrides.yaml"))
    keys = ("steps", "seconds", "compile_seconds", "parameters", "device", "versions")
    content = {key: summary[key] for key in keys}
    content |= {"test": summary["metrics"]["test"], "baselines": run.evaluator.baselines(run.dataset.splits["test"])}
    content |= {"loss_name": run.dataset.loss.name, "padding": summary.get("padding")}
    arguments = [word.removeprefix("++") for word in overrides if not word.startswith(("hydra.", "figures="))]
    content["command"] = " ".join(["jaxrnn train", *arguments])
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{Path(folder).resolve().name}.json").write_text(json.dumps(content, indent=1) + "\n")


def table():
    """Returns the lines of the table, with one row per saved run."""
    rows = ["| command | test | baselines | published | updates | time |", "|---|---|---|---|---|---|"]
    for path in sorted(FOLDER.glob("*.json")):
        content = json.loads(path.read_text())
        metrics = [name for name in content["test"] if name not in ("loss", "baseline")]
        metrics = [name for name in metrics if name != "solved"] or ["loss", *metrics]
        test = ", ".join(f"{name} {content['test'][name]:.3g}" for name in metrics)
        baselines = "; ".join(
            f"{name}: " + ", ".join(f"{metric} {values[metric]:.3g}" for metric in metrics if metric in values)
            for name, values in content["baselines"].items()
        )
        cells = [f"`{content['command']}`", test, baselines, PUBLISHED.get(path.stem.partition("_")[0], "")]
        rows.append(f"| {' | '.join(cells)} | {content['steps']} | {content['seconds']:.0f} s |")
    return rows


if __name__ == "__main__":
    for folder in sys.argv[1:]:
        save_results(folder)
    print("\n".join(table()))
