"""Measures the same jobs in Keras and in jaxrnn, and writes the table of docs/coming_from/keras.md.

    python docs/jobs.py all        runs all programs in docs/jobs, stores docs/jobs.json, writes the table
    python docs/jobs.py tag        runs the programs of one job or of several
    python docs/jobs.py            writes the table from the stored results

Each program runs in a process of its own, in a folder with the files that it reads. The two programs of a job run in
turn, REPEATS times each, so that both see the same load of the machine. Times are from start to exit, with compilation.
Keras comes with `pip install -e '.[oracle]'`.
"""

import datetime
import importlib.metadata
import itertools
import json
import operator
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from jaxrnn.data import _assets, dates

HERE = Path(__file__).parent
PROGRAMS, FILE, PAGE = HERE / "jobs", HERE / "jobs.json", HERE / "coming_from" / "keras.md"
REPEATS = 3
MARK, END = "<!-- jobs -->\n", "<!-- end of jobs -->"
JOBS = {  # {name of the programs: what they do}
    "forecast": "forecast a column of a CSV file, 12 steps ahead",
    "classify": "classify texts from a table",
    "tag": "tag the words of sentences",
    "translate": "translate pairs of texts",
    "generate": "learn a text and continue it",
    "finetune": "train on one series, fine-tune the readout on another",
}
LANGUAGES = ("en_GB", "de", "fr")
SIDES = {"keras": {"KERAS_BACKEND": "jax"}, "jaxrnn": {}}


def write_files(folder, share=1.0):
    """Writes the files that the programs read, from the data of jaxrnn; with a `share` below 1, the beginnings."""
    words = _assets.lines(_assets.text("language"))[::5]
    random.Random(0).shuffle(words)
    texts = {
        **{f"{name}.csv": (_assets.FOLDER / f"{name}.csv").read_text() for name in ("sunspots", "co2")},
        "words.csv": "\n".join(
            ["text,label", *(",".join(line.split("\t")[:2]) for line in words[: int(share * 25_600)])]
        ),
        "tagged.txt": "\n\n".join(_assets.text("brown").split("\n\n")[: int(share * 3000)]),
        "dates.tsv": "\n".join(itertools.islice(date_pairs(), int(share * 4000))),
        "book.txt": _assets.text("shakespeare")[: int(share * 300_000)],
    }
    for name, text in texts.items():
        Path(folder, name).write_text(text)


def date_pairs():
    """Yields lines with a date in English, German or French, a tab, and the date in ISO 8601; no day twice."""
    locales, rng = json.loads((_assets.FOLDER / "dates.json").read_text()), random.Random(0)
    for day in rng.sample(range((dates.LAST - dates.FIRST).days), 10_000):
        date = dates.FIRST + datetime.timedelta(days=day)
        yield f"{dates.written(date, locales[rng.choice(LANGUAGES)], rng.choice(dates.STYLES))}\t{date.isoformat()}"


def lines(program):
    """Counts the lines of a program that are not empty."""
    return sum(bool(line.strip()) for line in program.read_text().splitlines())


def run(program, folder, side, shorten=False):
    """Runs a program in a folder and returns (seconds, score); `shorten` reduces its training to a few updates."""
    source = program.read_text()
    if shorten:
        source = re.sub(r"steps=\d+", "steps=4", re.sub(r"report_every=\d+", "report_every=4", source))
        source = re.sub(r"(epochs\W+)\d+", r"\g<1>1", source)
    began = time.perf_counter()
    process = subprocess.run([sys.executable, "-c", source], cwd=folder, env={**os.environ, **SIDES[side]},
                             capture_output=True, text=True)  # fmt: skip
    if process.returncode:
        raise RuntimeError(f"{program.name}: {process.stderr[-3000:]}")
    name, _, score = process.stdout.splitlines()[0].rpartition(" ")
    return time.perf_counter() - began, {"name": name, "score": float(score)}


def measure(name):
    """Runs the programs of a job in turn and returns its entry for the file."""
    seconds, scores = {side: [] for side in SIDES}, {}
    with tempfile.TemporaryDirectory() as folder:
        write_files(folder)
        for _, side in itertools.product(range(REPEATS), SIDES):
            duration, scores[side] = run(PROGRAMS / f"{name}_{side}.py", folder, side)
            seconds[side].append(duration)
    return {"seconds": seconds, "scores": scores, "machine": machine()}


def table():
    """Returns the lines of the table: the sizes of the programs and, where they were measured, times and scores."""
    stored = json.loads(FILE.read_text()) if FILE.is_file() else {}
    head = ["job", "lines in Keras", "lines here"]
    head += ["minutes in Keras", "minutes here", "ratio", "test part in Keras", "test part here"] if stored else []
    rows = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for name, words in JOBS.items():
        cells = [words, *(str(lines(PROGRAMS / f"{name}_{side}.py")) for side in SIDES)]
        cells += measurements(stored[name]) if name in stored else [""] * (len(head) - 3)
        rows.append(f"| {' | '.join(cells)} |")
    machines = dict.fromkeys(
        "{cores} cores, Keras {keras} on jax {jax}".format(**e["machine"]) for e in stored.values()
    )
    return [*rows, *(["", f"Medians of {REPEATS} runs on {'; '.join(machines)}."] if stored else [])]


def measurements(entry):
    """Returns the cells of a measured job: minutes, their ratio, scores."""
    seconds, scores = (entry[key] for key in ("seconds", "scores"))
    minutes = [f"{statistics.median(seconds[side]) / 60:.2f}" for side in SIDES]
    ratio = statistics.median(map(operator.truediv, *(seconds[side] for side in SIDES)))
    return [*minutes, f"{ratio:.1f}", *(f"{scores[side]['name']} {scores[side]['score']:.3g}" for side in SIDES)]


def machine():
    import jax

    return {"cores": os.cpu_count(), "jax": jax.__version__, "keras": importlib.metadata.version("keras")}


def filled(page):
    """Returns the page with new lines between its markers."""
    before, mark, after = page.partition(MARK)
    return before + mark + "\n".join(table()) + "\n" + after[after.index(END) :]


if __name__ == "__main__":
    names = list(JOBS) if sys.argv[1:] == ["all"] else sys.argv[1:]
    if unknown := set(names) - set(JOBS):
        sys.exit(f"unknown job {', '.join(sorted(unknown))}: expected all or some of {', '.join(JOBS)}")
    for name in names:
        stored = json.loads(FILE.read_text()) if FILE.is_file() else {}
        FILE.write_text(json.dumps(stored | {name: measure(name)}, indent=1) + "\n")
    PAGE.write_text(filled(PAGE.read_text()))
