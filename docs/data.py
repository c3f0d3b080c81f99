"""The table of results in docs/data.md, from the run folders that the commands beside it left behind.

python docs/data.py RUN ...   keeps what each run came to in docs/data/NAME.json, and prints the table
python docs/data.py           prints the table
"""

import json
import sys
from pathlib import Path

FOLDER = Path(__file__).parent / "data"
PUBLISHED = {
    "vowels": "LSTM 80 %, best 99.5 % (recalled, not checked)",
    "text": "nanoGPT, three minutes on a CPU, another Shakespeare file: 1.88 nats",
    "g2p": "encoder-decoder on the whole dictionary: 28.6 % of the words wrong",
    "adding": "T=600: GRU 5.3e-5, LSTM 0.164",
}


def keep(folder):
    """Keeps what a run came to, and its baselines on the test split, as docs/data/NAME.json, after its folder."""
    from omegaconf import OmegaConf

    from jaxrnn.experiments import folders

    run, summary = folders.load(folder), json.loads((Path(folder) / "summary.json").read_text())
    overrides = OmegaConf.to_container(OmegaConf.load(Path(folder) / ".hydra" / "overrides.yaml"))
    kept = ("steps", "seconds", "compile_seconds", "parameters", "device", "versions")
    content = {key: summary[key] for key in kept}
    content |= {"test": summary["metrics"]["test"], "baselines": run.evaluator.baselines(run.dataset.splits["test"])}
    content |= {"loss_name": run.dataset.loss_name, "padding": summary.get("padding")}
    told = [word.removeprefix("++") for word in overrides if not word.startswith(("hydra.", "figures="))]
    content["command"] = " ".join(["python scripts/train.py", *told])
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{Path(folder).resolve().name}.json").write_text(json.dumps(content, indent=1) + "\n")


def table():
    """The rows of the table, one a run that was kept."""
    rows = ["| command | test | baselines | published | updates | time |", "|---|---|---|---|---|---|"]
    for path in sorted(FOLDER.glob("*.json")):
        content = json.loads(path.read_text())
        metrics = [name for name in content["test"] if name not in ("loss", "baseline")]
        metrics = [name for name in metrics if name != "correct"] or ["loss", *metrics]
        test = ", ".join(f"{name} {content['test'][name]:.3g}" for name in metrics)
        baselines = "; ".join(
            f"{name}: " + ", ".join(f"{metric} {values[metric]:.3g}" for metric in metrics if metric in values)
            for name, values in content["baselines"].items()
        )
        cells = [f"`{content['command']}`", test, baselines, PUBLISHED.get(path.stem.partition("_")[0], "")]
        rows.append(f"| {' | '.join(cells)} | {content['steps']} | {content['seconds']:.0f} s |")
    return rows


if __name__ == "__main__":
    for place in sys.argv[1:]:
        keep(place)
    print("\n".join(table()))
