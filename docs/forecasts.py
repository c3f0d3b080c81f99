"""Prints the table of forecasts in docs/data.md from the results of sweeps.

python docs/forecasts.py SWEEP ...   stores the results of each sweep in docs/forecasts.json, and prints the table
python docs/forecasts.py             prints the table

A sweep is `jaxrnn sweep data=forecast data.series=NAME data.horizon=1,H 'seed=range(5)'`.
Its networks with a horizon of one step also forecast H steps, by feeding back their own outputs.
"""

import json
import statistics
import sys
from pathlib import Path

FILE = Path(__file__).with_suffix(".json")
BASELINES = ("persistence", "seasonal persistence", "linear autoregression", "echo state network")


def keep(folder):
    """Stores the test results of a sweep's runs, one row per horizon."""
    from jaxrnn.experiments import run_folder
    from jaxrnn.training import forecasts

    paths = sorted(file.parent for file in Path(folder).glob("*/summary.json"))
    runs = [run_folder.load(path) for path in paths]
    longest = max(run.dataset.series.horizon for run in runs)
    rows = {}
    for run, path in zip(runs, paths, strict=True):
        summary = json.loads((path / "summary.json").read_text())
        horizon = run.dataset.series.horizon
        name = run.cfg.data.series
        row = rows.setdefault(f"{name} {horizon}", {"series": name, "horizon": horizon, "runs": []})
        scores = {key: summary["metrics"]["test"][key] for key in ("mase", "crps", "coverage", "mse")}
        if horizon == 1 and run.dataset.series.past_covariates is None:
            scores["fed back"] = float(forecasts.by_lead(run, longest)["network"].mean())
        row["runs"].append(scores)
        if "baselines" not in row:
            baselines = run.evaluator.baselines(run.dataset.splits["test"])
            row |= {"baselines": {key: values["mase"] for key, values in baselines.items()}, "steps": summary["steps"]}
            row |= {"seconds": summary["seconds"], "versions": summary["versions"], "device": summary["device"]}
    stored = json.loads(FILE.read_text()) if FILE.is_file() else {}
    FILE.write_text(json.dumps(dict(sorted((stored | rows).items())), indent=1) + "\n")


def table():
    """Returns the lines of the table, with one row per series and horizon."""
    content = json.loads(FILE.read_text())
    head = ["series", "steps ahead", "network", "fed back", *BASELINES, "CRPS", "90 % interval holds", "seeds"]
    rows = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    for row in sorted(content.values(), key=lambda row: (row["series"], row["horizon"])):
        errors = [run["mase"] for run in row["runs"]]
        baselines = [row["baselines"].get(name) for name in BASELINES]
        best = min(value for value in baselines if value is not None)
        baseline_cells = [_bold(f"{value:.4f}", value == best and best < statistics.mean(errors))
                          if value is not None else "" for value in baselines]  # fmt: skip
        one_step = next(
            other for other in content.values() if (other["series"], other["horizon"]) == (row["series"], 1)
        )
        fed_back = [run["fed back"] for run in one_step["runs"] if "fed back" in run] if row["horizon"] > 1 else []
        mean = {key: statistics.mean(run[key] for run in row["runs"]) for key in ("crps", "coverage")}
        cells = [
            row["series"],
            str(row["horizon"]),
            _bold(_spread(errors), statistics.mean(errors) < best),
            _spread(fed_back),
            *baseline_cells,
        ]
        cells += [f"{mean['crps']:.4f}", f"{mean['coverage']:.1%}".replace("%", " %"), str(len(errors))]
        rows.append(f"| {' | '.join(cells)} |")
    return rows


def _spread(values):
    spread = f" ± {statistics.stdev(values):.4f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.4f}{spread}" if values else ""


def _bold(text, is_best):
    return f"**{text}**" if is_best else text


if __name__ == "__main__":
    for sweep in sys.argv[1:]:
        keep(sweep)
    print("\n".join(table()))
