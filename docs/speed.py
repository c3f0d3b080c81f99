"""Prints what docs/speed.md and the README say of speed, from the files in docs/speed: python docs/speed.py."""

import csv
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
    sides = {row["side"]: duration(row) for row in rows(folder, "startup")}
    own = [side for side in sides if not side.startswith("import")]
    yield "- Whole commands from start to exit: " + ", ".join(f"`{side}` {sides[side]}" for side in own)
    for length in dict.fromkeys(row["T"] for row in rows(folder, "compile")):
        found = ", ".join(f"{row['side']} {duration(row)}" for row in rows(folder, "compile", T=length))
        yield f"- The first gradient in a new process, imports and compiling included, lstm T={length}: {found}"
    for row in rows(folder, "tutorials", side="NumPy"):
        yield f"- `{row['run']}` as a NumPy loop: {duration(row)} ({float(row['times_the_first']):.3g})"
    own, *others = rows(folder, "addition")
    times = ", ".join(f"{row['side']} {duration(row)} ({float(row['times_the_first']):.3g})" for row in others)
    yield (f"- Sums of two numbers of {own['digits']} digits as text, from the start of a process until "
           f"{float(own['goal']):.0%} of those that validate are exact: {duration(own)}, {times}")  # fmt: skip
    jordan = [1 / float(row["times_the_first"]) for row in rows(folder, "layer", gradient="1", side="jaxrnn elman")]
    yield f"- jordan: {min(jordan):.2f} to {max(jordan):.2f} times the time of elman"
    single, *many = rows(folder, "sweep")
    speeds = ", ".join(f"{row['runs']}: {float(row['runs_per_second']):.3g}" for row in many)
    yield f"- Runs a second, by the runs in one program: {speeds}; single runs {float(single['runs_per_second']):.3g}"
    for row in rows(folder, "length", T="100000"):
        memory = f"{float(row['megabytes']):.3g} MB, compiled in {float(row['compile_seconds']):.2f} s"
        yield f"- `{row['side']}` at T=100,000: {duration(row)}, {memory}"
    for side in ("newton", "newton_diagonal"):
        found = rows(folder, "parallel", side=side)
        times = ", ".join(f"H={row['H']} T={row['T']} {float(row['times_the_first']):.3g}" for row in found)
        error = max(float(row["error"]) for row in found)
        yield f"- `{side}`, times `scan`'s time, gradient of a GRU: {times}; errors at most {error:.0e}"


if __name__ == "__main__":
    place = Path(__file__).parent / "speed"
    print(*table(place), "", *notes(place), sep="\n")
