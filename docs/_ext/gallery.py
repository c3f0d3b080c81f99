"""Builds the gallery: runs the command of every reproduction, study and data set, and caches the results.

A command runs again when the package, its data or a configuration changes. JAXRNN_DOCS=quick runs short forms
of the commands, and JAXRNN_DOCS=pages runs none.
"""

import csv
import functools
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import entries
from pages import PACKAGE, ROOT, first_line, keep, write
from sphinx.errors import ExtensionError
from sphinx.util import logging

LOG = logging.getLogger(__name__)
PROGRAM = "from jaxrnn.commands.program import main\n\nmain()\n"  # as pip installs it
DOCS = Path(__file__).parents[1]
CACHE = DOCS / "_cache" / "gallery"
KINDS = {"data": "Data sets", "studies": "Studies", "papers": "Papers"}  # in the order of the page
ABOUT = {
    "papers": "Claims of papers, measured again when this page was built. [Papers](../papers.md) has the longer runs "
    "with the papers' settings.",
    "studies": "The figures of each study for its default networks.",
    "data": "The results of each data set's default network.",
}


class Outcome(NamedTuple):
    """Results of a command.

    Fields:
      folder: folder of its figures (PNG).
      seconds: time from its start to its end.
      machine: description of the machine.
      printed: the lines that it printed.
      rows: rows of the table that it wrote, as dicts.
    """

    folder: Path
    seconds: float
    machine: str
    printed: list
    rows: list


def key(entry):
    """Returns a digest of the command, of everything that it can read, and of the JAX and Matplotlib versions."""
    import jax
    import matplotlib

    inputs = [entry.words, sorted(entry.files.items()), jax.__version__, matplotlib.__version__, package()]
    return hashlib.sha256(json.dumps(inputs).encode()).hexdigest()[:20]


@functools.cache
def package():
    """Returns a digest of the package with its data, and of the configurations."""
    digest = hashlib.sha256()
    for folder in (PACKAGE, ROOT / "conf"):
        for path in sorted(path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def outcome(entry, digest):
    """Returns the results of the entry's command; runs it if they are not in the cache."""
    cached = CACHE / entry.kind / f"{entry.name}-{digest}"
    if not (cached / "meta.json").exists():
        run(entry, cached)
    meta = json.loads((cached / "meta.json").read_text())
    return Outcome(cached, meta["seconds"], meta["machine"], meta["told"], meta["rows"])


def run(entry, cached):
    """Runs the entry's command and stores its results in a folder of the cache."""
    with tempfile.TemporaryDirectory() as folder:
        for name, content in entry.files.items():
            Path(folder, name).write_text(content)
        out = Path(folder, "out")
        Path(folder, "jaxrnn").write_text(PROGRAM)
        command = [sys.executable, "jaxrnn", entry.program, *entry.words, f"hydra.run.dir={out}"]
        environment = {**os.environ, "MPLBACKEND": "agg"}
        if entry.brief:
            environment["JAX_DISABLE_MOST_OPTIMIZATIONS"] = "true"
        began = time.perf_counter()
        process = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment)
        seconds = time.perf_counter() - began
        if process.returncode:
            raise ExtensionError(
                f"{entry.command}\nfailed with status {process.returncode}:\n"
                f"{process.stdout[-2000:]}{process.stderr[-3000:]}"
            )
        temporary = cached.with_name(f".{cached.name}.{os.getpid()}")
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        for figure in (out / "figures").glob("*"):
            if figure.suffix in (".png", ".txt"):
                shutil.copy(figure, temporary)
        rows = list(csv.DictReader((out / entry.table).read_text().splitlines())) if entry.table else []
        printed = process.stdout.replace(str(out), "outputs/...").splitlines()
        meta = {"seconds": seconds, "machine": machine(), "told": printed, "rows": rows}
        (temporary / "meta.json").write_text(json.dumps(meta))
        shutil.rmtree(cached, ignore_errors=True)
        temporary.rename(cached)
    LOG.info("gallery: %s, %.0f s", entry.command, seconds)


def machine():
    """Describes the machine in words."""
    import jax

    return f"{os.cpu_count()} cores ({platform.machine()}), jax {jax.__version__}"


def page(entry, result):
    """Writes the page of an entry."""
    title = {"papers": first_line(PACKAGE / entry.module).rstrip(".")}.get(entry.kind, f"`{entry.choice}`")
    lines = [f"# {title}", ""]
    if entry.kind != "papers":
        lines += [first_line(PACKAGE / entry.module), ""]
    for figure in entry.shown([path.stem for path in sorted(result.folder.glob("*.png"))]):
        lines += [f"![{figure}](_figures/{entry.kind}_{entry.name}_{figure}.png)", ""]
        shutil.copy(result.folder / f"{figure}.png", figures() / f"{entry.kind}_{entry.name}_{figure}.png")
        caption = result.folder / f"{figure}.txt"
        if caption.exists():
            lines += [caption.read_text().splitlines()[0], ""]
    lines += [
        "```bash",
        entry.command,
        "```",
        "",
        f"{result.seconds:.0f} s on {result.machine}, while other commands were running.",
        "",
    ]
    lines += table(entry, result) + further(entry)
    write(DOCS / "gallery" / f"{entry.kind}_{entry.name}.md", lines)


def table(entry, result):
    """Returns the lines with the results of a command: claims with their verdicts, or the printed lines."""
    if entry.kind == "papers":
        head = ["claim", "published", "ours", "rule", "verdict"]
        lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
        for row in result.rows:
            values = [row["claim"], *(f"{float(row[name]):.4g}" for name in head[1:3]), row["rule"], row["verdict"]]
            lines.append(f"| {' | '.join(values)} |")
        return [*lines, ""]
    last_lines = [line for line in result.printed if line.strip()][-14:]
    return ["```text", *last_lines, "```", ""]


def further(entry):
    """Returns the lines that link to further pages."""
    if entry.kind == "papers":
        return [
            "The results with the paper's settings, and the differences from the paper:",
            "",
            f"```{{include}} ../papers/{entry.name}.md",
            ":start-line: 2",
            "```",
            "",
        ]
    more = {"studies": "[Studies](../studies.md)", "data": "[Data](../data.md)"}[entry.kind]
    return [f"{more} has more details. `--help` after the command lists its keys.", ""]


def figures():
    """Returns the folder for the figures of the gallery; creates it if needed."""
    folder = DOCS / "gallery" / "_figures"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def build(app):
    """Runs the commands that are not cached, one per core at a time, and writes the pages."""
    day = os.environ.get("JAXRNN_DAY") if app.config.quick else None
    listed = [] if app.config.form == "pages" else entries.entries(app.config.quick, None if day is None else int(day))
    longest_first = sorted(listed, key=lambda entry: -entry.cost)
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        outcomes = pool.map(outcome, longest_first, map(key, longest_first))
        results = dict(zip(longest_first, outcomes, strict=True))
    index = [
        "# Gallery",
        "",
        "Every data set, study and reproduction, with its figure, its command and its time.",
        "This version of the package ran all of them.",
        "",
    ]
    for kind, title in KINDS.items():
        kind_entries = [entry for entry in listed if entry.kind == kind]
        index += [f"## {title}", "", ABOUT[kind], "", '<div class="gallery">']
        for entry in kind_entries:
            page(entry, results[entry])
            pictures = entry.shown([path.stem for path in sorted(results[entry].folder.glob("*.png"))])
            picture = f'<img alt="" src="../_images/{kind}_{entry.name}_{pictures[0]}.png">' if pictures else ""
            index.append(
                f'<a href="{kind}_{entry.name}.html">{picture}<br>{entry.name}<br>{results[entry].seconds:.0f} s</a>'
            )
        stems = [f"{kind}_{entry.name}" for entry in kind_entries]
        index += ["</div>", "", "```{toctree}", ":hidden:", "", *stems, "```", ""]
    index += ["```{toctree}", ":hidden:", ":glob:", "", "../papers/*", "```"]
    write(DOCS / "gallery" / "index.md", index)
    keep(DOCS / "gallery", [f"{entry.kind}_{entry.name}" for entry in listed])


def setup(app):
    app.add_config_value("quick", False, "env")
    app.add_config_value("form", "full", "env")
    app.connect("builder-inited", build)
    return {"parallel_read_safe": True}
