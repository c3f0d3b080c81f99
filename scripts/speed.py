"""Prints what the README says of speed, from the files that the benchmarks wrote: python scripts/speed.py docs/speed."""

import csv
import json
import sys
from pathlib import Path

JAX = ("Keras on JAX", "Flax linen", "Flax nnx", "Haiku", "Equinox")


def rows(folder, name, **chosen):
    with open(folder / f"{name}_summary.csv", newline="") as file:
        return [row for row in csv.DictReader(file) if all(row[key] == value for key, value in chosen.items())]


def duration(row):
    seconds = float(row["median"])
    return f"{1000 * seconds:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"


def beside(found, sides):
    """The fastest of these sides and how many times our time it takes; nothing where none was measured."""
    found = [row for row in found if row["side"] in sides]
    if not found:
        return ""
    best = min(found, key=lambda row: float(row["median"]))
    name = f", {best['side']}" if len(sides) > 1 else ""
    return f"{duration(best)} ({float(best['times_the_first']):.3g}{name})"


def table(folder):
    lines = ["| | jaxrnn | PyTorch | Keras on TensorFlow | fastest on JAX |", "|---|---|---|---|---|"]
    work = {}
    for row in rows(folder, "tutorials"):
        work.setdefault(f"`{row['run']}`, {int(row['updates']):,} updates", []).append(row)
    for row in rows(folder, "layer", gradient="1"):
        if row["cell"] != "jordan":
            work.setdefault("{cell}, B={B} T={T} D={D} H={H}".format(**row), []).append(row)
    for what, found in work.items():
        others = [beside(found, sides) for sides in (("PyTorch",), ("Keras on TensorFlow",), JAX)]
        lines.append(f"| {what} | {duration(found[0])} | {' | '.join(others)} |")
    return lines


def notes(folder):
    by_side = {row["side"]: row for row in rows(folder, "startup")}
    yield from (f"- `{side}`: {duration(row)}" for side, row in by_side.items())
    for row in rows(folder, "tutorials", side="NumPy"):
        yield f"- `{row['run']}` in NumPy: {duration(row)} ({float(row['times_the_first']):.3g})"
    for row in rows(folder, "layer", gradient="1", cell="jordan", side="jaxrnn elman"):
        ratio = 1 / float(row["times_the_first"])
        yield "- jordan, B={B} T={T} D={D} H={H}: ".format(**row) + f"{ratio:.2f} times elman"
    yield "- runs in one program, runs a second: " + ", ".join(
        f"{row['runs']}: {float(row['runs_per_second']):.3g}" for row in rows(folder, "sweep")[1:]
    )
    for row in rows(folder, "length"):
        memory = f"{float(row['megabytes']):.3g} MB, compiled in {float(row['compile_seconds']):.2f} s"
        yield f"- `{row['side']}`, T={int(row['T']):,}: {duration(row)}, {memory}"
    for row in rows(folder, "compile"):
        yield f"- first gradient, T={row['T']}, {row['side']}: {duration(row)}"


if __name__ == "__main__":
    place = Path(sys.argv[1])
    machine = json.loads((place / "machine.json").read_text())
    print("\n".join(table(place)), "", *notes(place), json.dumps(machine), sep="\n")
