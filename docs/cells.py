"""Writes the table of results in docs/cells.md from the sweeps whose commands the page lists.

python docs/cells.py TASK=SWEEP ...   saves the runs' results in docs/cells/TASK.csv, then writes the page
python docs/cells.py                  writes the page from the saved results
"""

import csv
import json
import statistics
import sys
from pathlib import Path

HERE = Path(__file__).parent
START, END = "<!-- cells -->\n", "<!-- end -->"
TASKS = {"adding": "loss", "copying": "loss", "digits": "solved"}


def save_results(task, sweep):
    """Writes docs/cells/TASK.csv with one row per run, and docs/cells/machine.json."""
    from jaxrnn.benchmarks.machine import machine

    rows = []
    for file in sorted(Path(sweep).glob("*/summary.json"), key=lambda file: int(file.parent.name)):
        summary = json.loads(file.read_text())
        test = summary["metrics"]["test"]
        rows.append(
            {
                "cell": summary["configuration"]["model.cell._target_"].split(".")[-2],
                "seed": summary["configuration"]["seed"],
                "status": summary["status"],
                "updates": summary["steps"],
                "parameters": summary["parameters"],
                "loss": test["loss"],
                "baseline": test["baseline"],
                "solved": test.get("accuracy", test.get("solved")),
                "together": summary["together"],
                "seconds": round(summary["seconds"], 1),
                "device": summary["device"],
            }
        )
    (HERE / "cells").mkdir(exist_ok=True)
    description = machine()
    description = {key: description[key] for key in ("processor", "versions", "python")}
    (HERE / "cells" / "machine.json").write_text(json.dumps(description, indent=2) + "\n")
    with open(HERE / "cells" / f"{task}.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def lines():
    """Returns the lines of the table, with one row per cell."""
    runs = {task: list(csv.DictReader((HERE / "cells" / f"{task}.csv").read_text().splitlines())) for task in TASKS}
    names = list(dict.fromkeys(row["cell"] for rows in runs.values() for row in rows))
    heads = [f"{task}: {'accuracy' if metric == 'solved' else metric} | seconds" for task, metric in TASKS.items()]
    table = ["| cell | " + " | ".join(heads) + " |", "|---" * (1 + 2 * len(TASKS)) + "|"]
    for name in names:
        cells = []
        for task, metric in TASKS.items():
            rows = [row for row in runs[task] if row["cell"] == name]
            values = [float(row[metric]) for row in rows if row["status"] == "finished"]
            diverged = len(rows) - len(values)
            cells += [
                _spread(values) + (f"; {diverged} diverged" if diverged else ""),
                f"{float(rows[0]['seconds']):.0f}",
            ]
        table.append(f"| `{name}` | " + " | ".join(cells) + " |")
    loss = ", ".join(f"{task} {float(runs[task][0]['baseline']):.3g}" for task in TASKS if TASKS[task] == "loss")
    machine = json.loads((HERE / "cells" / "machine.json").read_text())
    core = f"one core of {machine['processor']}, jax {machine['versions']['jax']}"
    return [
        *table,
        "",
        f"Losses of a trivial predictor without memory: {loss}.",
        f"Measured on {core}; another program ran on the other core.",
    ]


def _spread(values):
    """Formats the median, with the smallest and largest value in brackets."""
    if not values:
        return ""
    return f"{statistics.median(values):.2g} ({min(values):.2g} to {max(values):.2g})"


def filled(page):
    """Returns the page with a new table between START and END."""
    before, start, after = page.partition(START)
    return before + start + "\n".join(lines()) + "\n" + after[after.index(END) :]


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        save_results(*argument.split("=", 1))
    page = HERE / "cells.md"
    page.write_text(filled(page.read_text()))
