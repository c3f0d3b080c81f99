"""Writes the tables of docs/speed.md and the README from the benchmark results in docs/speed.

    python docs/speed.py [FOLDER ...]

Each FOLDER is the output of `jaxrnn benchmark`, for one benchmark or for several (-m). Its summaries and its
description of the machine are first copied to docs/speed, into one folder per benchmark.
"""

import csv
import json
import re
import shutil
import sys
import textwrap
from pathlib import Path

HERE = Path(__file__).parent
JAX = ("Keras on JAX", "Flax linen", "Flax nnx", "Haiku", "Equinox")
PEERS = {"PyTorch": ("PyTorch",), "Keras on TensorFlow": ("Keras on TensorFlow",), "fastest on JAX": JAX}
IN_README = (
    "`sine_lstm`",
    "`cosine_elman`",
    "lstm, B=1 T=36",
    "lstm, B=32",
    "lstm, B=64",
    "gru, B=64",
)


def rows(folder, name, **chosen):
    file = folder / name / f"{name}_summary.csv"
    if not file.exists():
        return []
    with open(file, newline="") as opened:
        return [row for row in csv.DictReader(opened) if all(row[key] == value for key, value in chosen.items())]


def machine(folder, name):
    """Returns the line that describes the machine of a benchmark."""
    description = json.loads((folder / name / "machine.json").read_text())
    versions = description["versions"]
    tools = {"jax": "jax", "torch": "PyTorch", "keras": "Keras", "tensorflow": "TensorFlow", "flax": "Flax"}
    words = ", ".join(f"{tools[key]} {versions[key].partition('+')[0]}" for key in tools if key in versions)
    processor = f" of {description['processor']}" if description.get("processor") else ""
    return f"`{name}`: {description['cores']} cores{processor}, {words}."


def duration(seconds):
    seconds = float(seconds)
    if seconds < 1e-3:
        return f"{1e6 * seconds:.3g} µs"
    return f"{1e3 * seconds:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"


def fastest(measurements, sides):
    """Returns the fastest time of these sides and its ratio to the first side; "" if none was measured."""
    candidates = [row for row in measurements if row["side"] in sides]
    if not candidates:
        return ""
    best = min(candidates, key=lambda row: float(row["median"]))
    name = f", {best['side']}" if len(sides) > 1 else ""
    return f"{duration(best['median'])} ({float(best['times_the_first']):.3g}{name})"


def compared(work, peers=PEERS, first="jaxrnn"):
    """Returns a table of {task: rows of its sides}; the others are compared with the first row."""
    lines = [f"| | {first} | {' | '.join(peers)} |", "|---" * (2 + len(peers)) + "|"]
    for task, measurements in work.items():
        others = [fastest(measurements, sides) for sides in peers.values()]
        lines.append(f"| {task} | {duration(measurements[0]['median'])} | {' | '.join(others)} |")
    return lines


def table(head, body):
    return [f"| {' | '.join(head)} |", "|---" * len(head) + "|", *(f"| {' | '.join(row)} |" for row in body)]


def grouped(measurements, template):
    """Returns {label: rows}, where the label is the template filled with a row's columns."""
    groups = {}
    for row in measurements:
        groups.setdefault(template.format(**row), []).append(row)
    return groups


def with_commas(groups):
    """Writes the large numbers in the labels of groups with commas."""
    return {re.sub(r"\d{4,}", lambda match: f"{int(match[0]):,}", label): group for label, group in groups.items()}


def layers(folder, name, gradient):
    measurements = [row for row in rows(folder, name, gradient=gradient) if row["cell"] != "jordan"]
    return grouped(measurements, "{cell}, B={B} T={T} D={D} H={H}")


def jordan(folder):
    ratios = [1 / float(row["times_the_first"]) for row in rows(folder, "layer", side="jaxrnn elman")]
    return [f"- jordan: {min(ratios):.2f} to {max(ratios):.2f} times the time of elman"]


def numpy(folder):
    for row in rows(folder, "tutorials", side="NumPy"):
        yield f"- `{row['run']}` as a NumPy loop: {duration(row['median'])} ({float(row['times_the_first']):.3g})"


def addition(folder):
    ours, *others = rows(folder, "addition")
    times = ", ".join(
        f"{row['side']} {duration(row['median'])} ({float(row['times_the_first']):.3g})" for row in others
    )
    yield (
        f"- Sums of two numbers of {ours['digits']} digits as text, from the start of the process until "
        f"{float(ours['goal']):.0%} of the validation examples are exact: {duration(ours['median'])}, {times}"
    )


def startup(folder):
    body = [
        (f"`{row['side']}`", duration(row["median"]), f"{float(row['times_import_jax']):.2f}", row["budget"])
        for row in rows(folder, "startup")
    ]
    return table(("", "from start to exit", "times `import jax`", "budget"), body)


def compiling(folder):
    for length in dict.fromkeys(row["T"] for row in rows(folder, "compile")):
        times = ", ".join(f"{row['side']} {duration(row['median'])}" for row in rows(folder, "compile", T=length))
        yield f"- First gradient in a new process, including imports and compilation, lstm T={length}: {times}"


def sweep(folder):
    single, *many = rows(folder, "sweep")
    speeds = ", ".join(f"{row['runs']}: {float(row['runs_per_second']):.3g}" for row in many)
    yield (
        f"- Runs per second for each number of runs in one program: {speeds}; "
        f"single runs {float(single['runs_per_second']):.3g}"
    )


def launchers(folder):
    work = grouped(rows(folder, "launchers"), "{cache} cache of compiled programs")
    return compared(work, {"basic": ("basic",), "joblib": ("joblib",)}, "compiled")


def length(folder):
    for row in rows(folder, "length", T="100000"):
        memory = f"{float(row['megabytes']):.3g} MB, compiled in {float(row['compile_seconds']):.2f} s"
        yield f"- `{row['side']}` at T=100,000: {duration(row['median'])}, {memory}"


def scale(folder):
    body = []
    for row in rows(folder, "scale"):
        exponent, first = f"{float(row['exponent']):.2f}", not body or body[-1][0] != row["side"]
        costs = f"{float(row['seconds']):.3g}", f"{float(row['megabytes']):.3g}"
        body.append((row["side"], f"{int(row['size']):,}", *costs, exponent if first else ""))
    return table(("", "size", "seconds", "MB", "exponent of the time"), body)


def parallel(folder):
    for side in ("newton", "newton_diagonal"):
        measurements = rows(folder, "parallel", side=side)
        ratios = ", ".join(f"H={row['H']} T={row['T']} {float(row['times_the_first']):.3g}" for row in measurements)
        error = max(float(row["error"]) for row in measurements)
        yield f"- `{side}`, time relative to `scan`, gradient of a GRU: {ratios}; errors at most {error:.0e}"


def associative(folder):
    work = with_commas(grouped(rows(folder, "associative"), "{cell}, T={T}"))
    return compared(work, {"associative": ("associative",)}, "scan")


def online(folder):
    """Returns a table with one row per rule: time and memory for every number of units."""
    measurements = rows(folder, "online")
    sizes = list(dict.fromkeys(row["H"] for row in measurements))
    body = []
    for rule in dict.fromkeys(row["side"] for row in measurements):
        by_size = {row["H"]: row for row in measurements if row["side"] == rule}
        costs = (f"{duration(by_size[size]['median'])}, {float(by_size[size]['megabytes']):.3g} MB" for size in sizes)
        body.append((f"`{rule}`", *costs))
    return table(("", *(f"H={size}" for size in sizes)), body)


def blocks(folder):
    """Returns {name: lines between `<!-- name -->` and `<!-- end -->` in the pages}."""
    runs = with_commas(grouped(rows(folder, "tutorials"), "`{run}`, {updates} updates"))
    gradients = layers(folder, "layer", "1")
    for_readme = {task: group for task, group in (runs | gradients).items() if task.startswith(IN_README)}
    streams = grouped(rows(folder, "stream"), "{cell}, B={B} D={D} H={H}")
    both = {f"{task}, {name}": group for name, gradient in (("forward", "0"), ("and backward", "1"))
            for task, group in layers(folder, "bidirectional", gradient).items()}  # fmt: skip
    tables = {
        "readme": (compared(for_readme), ("tutorials", "layer")),
        "tutorials": ([*compared(runs), "", *numpy(folder), *addition(folder)], ("tutorials", "addition")),
        "gradient": ([*compared(gradients), "", *jordan(folder)], ("layer",)),
        "forward": (compared(layers(folder, "layer", "0")), ("layer",)),
        "bidirectional": (compared(both), ("bidirectional",)),
        "stream": (compared(streams, {name: (name,) for name in ("PyTorch", "Flax nnx")}), ("stream",)),
        "startup": ([*startup(folder), "", *compiling(folder)], ("startup", "compile")),
        "launchers": (launchers(folder), ("launchers",)),
        "sweeps": ([*launchers(folder), "", *sweep(folder)], ("launchers", "sweep")),
        "scale": (scale(folder), ("scale",)),
        "associative": (associative(folder), ("associative",)),
        "online": (online(folder), ("online",)),
        "long": ([*length(folder), *parallel(folder)], ("length", "parallel")),
    }
    machines = {
        name: [*dict.fromkeys(machine(folder, source) for source in sources)] for name, (_, sources) in tables.items()
    }
    return {name: [*wrapped(lines), "", *machines[name]] for name, (lines, _) in tables.items()}


def wrapped(lines):
    """Yields lines, with long list items wrapped."""
    for line in lines:
        if line.startswith("- "):
            yield from textwrap.wrap(line, 118, subsequent_indent="  ", break_on_hyphens=False)
        else:
            yield line


def filled(page, blocks_by_name):
    """Returns a page with new lines between its markers."""
    for name, lines in blocks_by_name.items():
        before, mark, after = page.partition(f"<!-- {name} -->\n")
        if mark:
            page = before + mark + "\n".join(lines) + "\n" + after[after.index("<!-- end -->") :]
    return page


def collect(source):
    """Copies the summaries and the machine's description from a folder of benchmark results."""
    for summary in Path(source).rglob("*_summary.csv"):
        target = HERE / "speed" / summary.name.removesuffix("_summary.csv")
        target.mkdir(exist_ok=True)
        for file in (summary, summary.with_name("machine.json")):
            shutil.copyfile(file, target / file.name)


if __name__ == "__main__":
    for source in sys.argv[1:]:
        collect(source)
    for page in (HERE / "speed.md", HERE.parent / "README.md"):
        page.write_text(filled(page.read_text(), blocks(HERE / "speed")))
