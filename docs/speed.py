"""Writes what docs/speed.md and the README say of speed, from the files in docs/speed that the benchmarks wrote.

    python docs/speed.py [FOLDER ...]

A folder is one that `scripts/benchmark.py` left, of one benchmark or of several (-m): its summaries and the description
of the machine are copied to docs/speed first, a folder for each benchmark.
"""

import csv
import json
import re
import shutil
import sys
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
    """The line that says on what a benchmark ran."""
    found = json.loads((folder / name / "machine.json").read_text())
    versions = found["versions"]
    tools = {"jax": "jax", "torch": "PyTorch", "keras": "Keras", "tensorflow": "TensorFlow", "flax": "Flax"}
    words = ", ".join(f"{tools[key]} {versions[key].partition('+')[0]}" for key in tools if key in versions)
    processor = f" of {found['processor']}" if found.get("processor") else ""
    return f"`{name}`: {found['cores']} cores{processor}, {words}."


def duration(seconds):
    seconds = float(seconds)
    if seconds < 1e-3:
        return f"{1e6 * seconds:.3g} µs"
    return f"{1e3 * seconds:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"


def beside(found, sides):
    """The fastest of these sides and how many times our time it takes; nothing where none was measured."""
    found = [row for row in found if row["side"] in sides]
    if not found:
        return ""
    best = min(found, key=lambda row: float(row["median"]))
    name = f", {best['side']}" if len(sides) > 1 else ""
    return f"{duration(best['median'])} ({float(best['times_the_first']):.3g}{name})"


def compared(work, peers=PEERS, first="jaxrnn"):
    """A table of {what: rows of its sides, the one that the others are compared with first}."""
    lines = [f"| | {first} | {' | '.join(peers)} |", "|---" * (2 + len(peers)) + "|"]
    for what, found in work.items():
        others = [beside(found, sides) for sides in peers.values()]
        lines.append(f"| {what} | {duration(found[0]['median'])} | {' | '.join(others)} |")
    return lines


def table(head, body):
    return [f"| {' | '.join(head)} |", "|---" * len(head) + "|", *(f"| {' | '.join(row)} |" for row in body)]


def by(found, words):
    """{what, by the columns that the words name: rows}."""
    work = {}
    for row in found:
        work.setdefault(words.format(**row), []).append(row)
    return work


def layers(folder, name, gradient):
    found = [row for row in rows(folder, name, gradient=gradient) if row["cell"] != "jordan"]
    return by(found, "{cell}, B={B} T={T} D={D} H={H}")


def jordan(folder):
    found = [1 / float(row["times_the_first"]) for row in rows(folder, "layer", side="jaxrnn elman")]
    return [f"- jordan: {min(found):.2f} to {max(found):.2f} times the time of elman"]


def numpy(folder):
    for row in rows(folder, "tutorials", side="NumPy"):
        yield f"- `{row['run']}` as a NumPy loop: {duration(row['median'])} ({float(row['times_the_first']):.3g})"


def addition(folder):
    own, *others = rows(folder, "addition")
    times = ", ".join(
        f"{row['side']} {duration(row['median'])} ({float(row['times_the_first']):.3g})" for row in others
    )
    yield (
        f"- Sums of two numbers of {own['digits']} digits as text, from the start of a process until "
        f"{float(own['goal']):.0%} of those that validate are exact: {duration(own['median'])}, {times}"
    )


def startup(folder):
    found = rows(folder, "startup")
    body = [
        (f"`{row['side']}`", duration(row["median"]), f"{float(row['times_import_jax']):.2f}", row["budget"])
        for row in found
    ]
    return table(("", "from start to exit", "times `import jax`", "budget"), body)


def compiling(folder):
    for length in dict.fromkeys(row["T"] for row in rows(folder, "compile")):
        found = ", ".join(f"{row['side']} {duration(row['median'])}" for row in rows(folder, "compile", T=length))
        yield f"- The first gradient in a new process, imports and compiling included, lstm T={length}: {found}"


def sweep(folder):
    single, *many = rows(folder, "sweep")
    speeds = ", ".join(f"{row['runs']}: {float(row['runs_per_second']):.3g}" for row in many)
    yield f"- Runs a second, by the runs in one program: {speeds}; single runs {float(single['runs_per_second']):.3g}"


def launchers(folder):
    work = by(rows(folder, "launchers"), "{cache} cache of compiled programs")
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
    return table(("", "how many", "seconds", "MB", "seconds grow like that to the power of"), body)


def parallel(folder):
    for side in ("newton", "newton_diagonal"):
        found = rows(folder, "parallel", side=side)
        times = ", ".join(f"H={row['H']} T={row['T']} {float(row['times_the_first']):.3g}" for row in found)
        error = max(float(row["error"]) for row in found)
        yield f"- `{side}`, times `scan`'s time, gradient of a GRU: {times}; errors at most {error:.0e}"


def associative(folder):
    work = by(rows(folder, "associative"), "{cell}, T={T}")
    work = {re.sub(r"\d{4,}", lambda found: f"{int(found[0]):,}", what): found for what, found in work.items()}
    return compared(work, {"associative": ("associative",)}, "scan")


def online(folder):
    """A row a rule: time and memory at every number of units."""
    found = rows(folder, "online")
    sizes = list(dict.fromkeys(row["H"] for row in found))
    body = []
    for rule in dict.fromkeys(row["side"] for row in found):
        own = {row["H"]: row for row in found if row["side"] == rule}
        costs = (f"{duration(own[size]['median'])}, {float(own[size]['megabytes']):.3g} MB" for size in sizes)
        body.append((f"`{rule}`", *costs))
    return table(("", *(f"H={size}" for size in sizes)), body)


def blocks(folder):
    """{name: lines}, what stands between `<!-- name -->` and `<!-- end -->` in the pages."""
    runs = by(rows(folder, "tutorials"), "`{run}`, {updates} updates")
    runs = {re.sub(r"\d{4,}", lambda found: f"{int(found[0]):,}", what): found for what, found in runs.items()}
    gradients = layers(folder, "layer", "1")
    first = {what: found for what, found in (runs | gradients).items() if what.startswith(IN_README)}
    streams = by(rows(folder, "stream"), "{cell}, B={B} D={D} H={H}")
    both = {f"{what}, {name}": found for name, gradient in (("forward", "0"), ("and backward", "1"))
            for what, found in layers(folder, "bidirectional", gradient).items()}  # fmt: skip
    found = {
        "readme": (compared(first), ("tutorials", "layer")),
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
        name: [*dict.fromkeys(machine(folder, source) for source in sources)] for name, (_, sources) in found.items()
    }
    return {name: [*lines, "", *machines[name]] for name, (lines, _) in found.items()}


def filled(page, found):
    """A page with what stands between its marks made anew."""
    for name, lines in found.items():
        before, mark, after = page.partition(f"<!-- {name} -->\n")
        if mark:
            page = before + mark + "\n".join(lines) + "\n" + after[after.index("<!-- end -->") :]
    return page


def collect(source):
    """Copies the summaries and the machine's description of a folder that benchmarks left."""
    for file in Path(source).rglob("*_summary.csv"):
        place = HERE / "speed" / file.name.removesuffix("_summary.csv")
        place.mkdir(exist_ok=True)
        for one in (file, file.with_name("machine.json")):
            shutil.copyfile(one, place / one.name)


if __name__ == "__main__":
    for source in sys.argv[1:]:
        collect(source)
    for page in (HERE / "speed.md", HERE.parent / "README.md"):
        page.write_text(filled(page.read_text(), blocks(HERE / "speed")))
