"""The table of what each cell learns in docs/cells.md, from the sweeps whose commands stand above it.

python docs/cells.py TASK=SWEEP ...   keeps what the runs came to in docs/cells/TASK.csv, and writes the page
python docs/cells.py                  writes the page
"""

import csv
import json
import statistics
import sys
from pathlib import Path

HERE = Path(__file__).parent
MARK, END = "<!-- cells -->\n", "<!-- end -->"
TASKS = {"adding": "loss", "copying": "loss", "digits": "correct"}


def keep(task, sweep):
    """Writes docs/cells/TASK.csv, one row a run, and what machine this is."""
    from jaxrnn.benchmarks._timing import machine

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
                "correct": test.get("accuracy", test.get("correct")),
                "together": summary["together"],
                "seconds": round(summary["seconds"], 1),
                "device": summary["device"],
            }
        )
    (HERE / "cells").mkdir(exist_ok=True)
    found = machine()
    kept = {key: found[key] for key in ("processor", "versions", "python")}
    (HERE / "cells" / "machine.json").write_text(json.dumps(kept, indent=2) + "\n")
    with open(HERE / "cells" / f"{task}.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def lines():
    """The table, a row a cell."""
    found = {task: list(csv.DictReader((HERE / "cells" / f"{task}.csv").read_text().splitlines())) for task in TASKS}
    names = list(dict.fromkeys(row["cell"] for rows in found.values() for row in rows))
    heads = [f"{task}: {'share right' if metric == 'correct' else metric} | seconds" for task, metric in TASKS.items()]
    table = ["| cell | " + " | ".join(heads) + " |", "|---" * (1 + 2 * len(TASKS)) + "|"]
    for name in names:
        cells = []
        for task, metric in TASKS.items():
            rows = [row for row in found[task] if row["cell"] == name]
            values = [float(row[metric]) for row in rows if row["status"] == "finished"]
            lost = len(rows) - len(values)
            cells += [_spread(values) + (f"; {lost} diverged" if lost else ""), f"{float(rows[0]['seconds']):.0f}"]
        table.append(f"| `{name}` | " + " | ".join(cells) + " |")
    loss = ", ".join(f"{task} {float(found[task][0]['baseline']):.3g}" for task in TASKS if TASKS[task] == "loss")
    place = json.loads((HERE / "cells" / "machine.json").read_text())
    on = f"one core of {place['processor']}, jax {place['versions']['jax']}"
    return [*table, "", f"Without memory the losses are: {loss}. On {on}; another program ran on the other core."]


def _spread(values):
    if not values:
        return ""
    return f"{statistics.median(values):.2g} ({min(values):.2g} to {max(values):.2g})"


def filled(page):
    before, mark, after = page.partition(MARK)
    return before + mark + "\n".join(lines()) + "\n" + after[after.index(END) :]


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        keep(*argument.split("=", 1))
    page = HERE / "cells.md"
    page.write_text(filled(page.read_text()))
