"""The table of forecasts in docs/data.md, from the sweeps that the command beside it left behind.

python docs/forecasts.py SWEEP ...   keeps what each sweep came to in docs/forecasts.json, and prints the table
python docs/forecasts.py             prints the table

A sweep is `train.py -m data=forecast data.series=NAME data.horizon=1,H 'seed=range(5)'`. Its networks of one step are
also fed back H steps.
"""

import json
import statistics
import sys
from pathlib import Path

FILE = Path(__file__).with_suffix(".json")
BASELINES = ("last value", "season before", "linear autoregression", "echo state network")


def keep(folder):
    """Keeps what the runs of a sweep came to on the test split, a row a horizon."""
    from jaxrnn.experiments import folders
    from jaxrnn.training import forecasts

    places = sorted(file.parent for file in Path(folder).glob("*/summary.json"))
    runs = [folders.load(place) for place in places]
    longest = max(run.dataset.series.horizon for run in runs)
    rows = {}
    for run, place in zip(runs, places, strict=True):
        content, horizon = json.loads((place / "summary.json").read_text()), run.dataset.series.horizon
        name = run.cfg.data.series
        row = rows.setdefault(f"{name} {horizon}", {"series": name, "horizon": horizon, "runs": []})
        found = {key: content["metrics"]["test"][key] for key in ("mase", "crps", "coverage", "mse")}
        if horizon == 1 and run.dataset.series.past is None:
            found["fed back"] = float(forecasts.by_lead(run, longest)["network"].mean())
        row["runs"].append(found)
        if "baselines" not in row:
            scores = run.evaluator.baselines(run.dataset.splits["test"])
            row |= {"baselines": {key: values["mase"] for key, values in scores.items()}, "steps": content["steps"]}
            row |= {"seconds": content["seconds"], "versions": content["versions"], "device": content["device"]}
    known = json.loads(FILE.read_text()) if FILE.is_file() else {}
    FILE.write_text(json.dumps(dict(sorted((known | rows).items())), indent=1) + "\n")


def table():
    """The rows of the table, one a series and horizon."""
    content = json.loads(FILE.read_text())
    head = ["series", "steps ahead", "network", "fed back", *BASELINES, "CRPS", "90 % interval holds", "seeds"]
    rows = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    for row in sorted(content.values(), key=lambda row: (row["series"], row["horizon"])):
        own = [run["mase"] for run in row["runs"]]
        others = [row["baselines"].get(name) for name in BASELINES]
        best = min(value for value in others if value is not None)
        said = [_bold(f"{value:.4f}", value == best and best < statistics.mean(own)) if value is not None else ""
                for value in others]  # fmt: skip
        one = next(each for each in content.values() if each["series"] == row["series"] and each["horizon"] == 1)
        fed = [run["fed back"] for run in one["runs"] if "fed back" in run] if row["horizon"] > 1 else []
        mean = {key: statistics.mean(run[key] for run in row["runs"]) for key in ("crps", "coverage")}
        cells = [
            row["series"],
            str(row["horizon"]),
            _bold(_spread(own), statistics.mean(own) < best),
            _spread(fed),
            *said,
        ]
        cells += [f"{mean['crps']:.4f}", f"{mean['coverage']:.1%}".replace("%", " %"), str(len(own))]
        rows.append(f"| {' | '.join(cells)} |")
    return rows


def _spread(values):
    spread = f" ± {statistics.stdev(values):.4f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.4f}{spread}" if values else ""


def _bold(text, is_best):
    return f"**{text}**" if is_best else text


if __name__ == "__main__":
    for place in sys.argv[1:]:
        keep(place)
    print("\n".join(table()))
