"""The gallery: every reproduction, study and data set, run as its command when the site is built, and cached.

An entry is run again when the package, its data, a script or a configuration changes. With JAXRNN_DOCS=quick short
forms are run, with JAXRNN_DOCS=pages none.
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
DOCS = Path(__file__).parents[1]
CACHE = DOCS / "_cache" / "gallery"
KINDS = {"papers": "Papers", "studies": "Studies", "data": "Data sets"}
ABOUT = {
    "papers": "Claims of the literature, measured again when this page was built. The runs with the papers' settings, "
    "which take longer, are in [papers](../papers.md).",
    "studies": "What each study shows of the networks that it brings with it.",
    "data": "What the default network of each data set comes to.",
}


class Outcome(NamedTuple):
    """What a command left.

    Fields:
      folder: of its figures, PNG.
      seconds: from its start to its end.
      machine: where.
      told: the last lines that it printed.
      rows: of the table that it wrote, dicts.
    """

    folder: Path
    seconds: float
    machine: str
    told: list
    rows: list


def key(entry):
    """A digest of the command, of all that it may read, and of the versions of JAX and Matplotlib."""
    import jax
    import matplotlib

    told = [entry.words, sorted(entry.files.items()), jax.__version__, matplotlib.__version__, package()]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:20]


@functools.cache
def package():
    """A digest of the package with its data, the scripts and the configurations."""
    digest = hashlib.sha256()
    for folder in (PACKAGE, ROOT / "scripts", ROOT / "conf"):
        for path in sorted(path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def outcome(entry, digest):
    """What the entry's command left, from the cache where it is there."""
    place = CACHE / entry.kind / f"{entry.name}-{digest}"
    if not (place / "meta.json").exists():
        run(entry, place)
    meta = json.loads((place / "meta.json").read_text())
    return Outcome(place, meta["seconds"], meta["machine"], meta["told"], meta["rows"])


def run(entry, place):
    with tempfile.TemporaryDirectory() as folder:
        for name, content in entry.files.items():
            Path(folder, name).write_text(content)
        out = Path(folder, "out")
        command = [sys.executable, str(ROOT / "scripts" / f"{entry.script}.py"), *entry.words, f"hydra.run.dir={out}"]
        environment = {**os.environ, "MPLBACKEND": "agg"}
        if entry.brief:
            environment["JAX_DISABLE_MOST_OPTIMIZATIONS"] = "true"
        began = time.perf_counter()
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment)
        seconds = time.perf_counter() - began
        if done.returncode:
            raise ExtensionError(
                f"{entry.command}\nends with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-3000:]}"
            )
        temporary = place.with_name(f".{place.name}.{os.getpid()}")
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        for figure in (out / "figures").glob("*"):
            if figure.suffix in (".png", ".txt"):
                shutil.copy(figure, temporary)
        rows = list(csv.DictReader((out / entry.table).read_text().splitlines())) if entry.table else []
        told = done.stdout.replace(str(out), "outputs/...").splitlines()
        meta = {"seconds": seconds, "machine": machine(), "told": told, "rows": rows}
        (temporary / "meta.json").write_text(json.dumps(meta))
        shutil.rmtree(place, ignore_errors=True)
        temporary.rename(place)
    LOG.info("gallery: %s, %.0f s", entry.command, seconds)


def machine():
    """Where a command ran, in words."""
    import jax

    return f"{os.cpu_count()} cores ({platform.machine()}), jax {jax.__version__}"


def page(entry, found):
    """The page of an entry."""
    title = {"papers": first_line(PACKAGE / entry.module).rstrip(".")}.get(entry.kind, f"`{entry.choice}`")
    lines = [f"# {title}", ""]
    if entry.kind != "papers":
        lines += [first_line(PACKAGE / entry.module), ""]
    for figure in entry.shown([path.stem for path in sorted(found.folder.glob("*.png"))]):
        lines += [f"![{figure}](_figures/{entry.kind}_{entry.name}_{figure}.png)", ""]
        shutil.copy(found.folder / f"{figure}.png", figures() / f"{entry.kind}_{entry.name}_{figure}.png")
        caption = found.folder / f"{figure}.txt"
        if caption.exists():
            lines += [caption.read_text().splitlines()[0], ""]
    lines += [
        "```bash",
        entry.command,
        "```",
        "",
        f"{found.seconds:.0f} s on {found.machine}, other commands beside it.",
        "",
    ]
    lines += table(entry, found) + further(entry)
    write(DOCS / "gallery" / f"{entry.kind}_{entry.name}.md", lines)


def table(entry, found):
    """What the command found: claims with their verdicts, or what it printed."""
    if entry.kind == "papers":
        head = ["claim", "published", "ours", "rule", "verdict"]
        lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
        for row in found.rows:
            values = [row["claim"], *(f"{float(row[name]):.4g}" for name in head[1:3]), row["rule"], row["verdict"]]
            lines.append(f"| {' | '.join(values)} |")
        return [*lines, ""]
    told = [line for line in found.told if line.strip()][-14:]
    return ["```text", *told, "```", ""]


def further(entry):
    """Where more of it is told."""
    if entry.kind == "papers":
        return [
            "With the paper's settings, and what differs from it:",
            "",
            f"```{{include}} ../papers/{entry.name}.md",
            ":start-line: 2",
            "```",
            "",
        ]
    more = {"studies": "[Studies](../studies.md)", "data": "[Data](../data.md)"}[entry.kind]
    return [f"{more} says what it measures and which keys it has: `--help` after the command lists them.", ""]


def figures():
    place = DOCS / "gallery" / "_figures"
    place.mkdir(parents=True, exist_ok=True)
    return place


def build(app):
    """Runs what is not cached, as many commands at a time as there are cores, and writes the pages."""
    day = os.environ.get("JAXRNN_DAY") if app.config.quick else None
    listed = [] if app.config.form == "pages" else entries.entries(app.config.quick, None if day is None else int(day))
    begun = sorted(listed, key=lambda entry: -entry.cost)
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        found = dict(zip(begun, pool.map(outcome, begun, map(key, begun)), strict=True))
    index = [
        "# Gallery",
        "",
        "Every reproduction, study and data set with its figure, its command and what it took.",
        "All were run by this version of the package.",
        "",
    ]
    for kind, title in KINDS.items():
        own = [entry for entry in listed if entry.kind == kind]
        index += [f"## {title}", "", ABOUT[kind], "", '<div class="gallery">']
        for entry in own:
            page(entry, found[entry])
            pictures = entry.shown([path.stem for path in sorted(found[entry].folder.glob("*.png"))])
            picture = f'<img alt="" src="../_images/{kind}_{entry.name}_{pictures[0]}.png">' if pictures else ""
            index.append(
                f'<a href="{kind}_{entry.name}.html">{picture}<br>{entry.name}<br>{found[entry].seconds:.0f} s</a>'
            )
        index += ["</div>", "", "```{toctree}", ":hidden:", "", *(f"{kind}_{entry.name}" for entry in own), "```", ""]
    index += ["```{toctree}", ":hidden:", ":glob:", "", "../papers/*", "```"]
    write(DOCS / "gallery" / "index.md", index)
    keep(DOCS / "gallery", [f"{entry.kind}_{entry.name}" for entry in listed])


def setup(app):
    app.add_config_value("quick", False, "env")
    app.add_config_value("form", "full", "env")
    app.connect("builder-inited", build)
    return {"parallel_read_safe": True}
