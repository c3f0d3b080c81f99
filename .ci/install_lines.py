"""Tests the install lines of the docs: installs each in its own environment and runs a short command in it.

    python .ci/install_lines.py [REQUIREMENT ...]     # skips lines that other stages test, such as '.[test]'

The lines come from the pages and from the package's messages. All of them contain `pip install -e .`, so each starts
from a copy of that environment.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LINE = re.compile(r"pip install ((?:-\w+ |'[^'\n]*'|[^\s`'\"&#;){}]+ ?)+)")
SHORT = "data=sine trainer.steps=36 trainer.report_every=36"
# A command for each extra, run in an empty folder; {run} is the run folder of the first command.
COMMANDS = {
    "": f"python {ROOT}/scripts/train.py model=lstm data=sine" + " hydra.run.dir={run}",
    "test": f"python -m pytest -n 0 -q --rootdir {ROOT} {ROOT}/tests/test_rooms.py",
    "pandas": "python -c \"from jaxrnn.table import Table; Table([{'a': 1}]).to_pandas()\"",
    "tune": f"python {ROOT}/scripts/tune.py {SHORT} tune.trials=2 optimizer.learning_rate=interval(1e-4,1e-2)",
    "launch": f"python {ROOT}/scripts/train.py -m hydra/launcher=joblib seed=0,1 {SHORT}",
    "export": f"python {ROOT}/scripts/export.py to=stablehlo folder=exported" + " run={run}",
    "tensorboard": f"python {ROOT}/scripts/train.py logger=tensorboard {SHORT}",
    "report": f"python {ROOT}/scripts/report.py .",
    "strokes": f"python {ROOT}/scripts/train.py data=strokes data.path=kanjivg data.examples=50 trainer.steps=2"
    " trainer.report_every=2",
    "docs": f"env JAXRNN_DOCS=pages python -m sphinx -W -q {ROOT}/docs site",
}
# Only resolved, not installed: these need other hardware, or libraries that the oracle stage installs and uses.
RESOLVED = ("cuda", "tpu", "baselines", "wandb", "trackio", "mlflow", "trackers")


def documented():
    """Returns {the words of an install line after `pip install`: the files that contain it}."""
    files = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
    files += [*sorted((ROOT / "src").rglob("*.py")), *sorted((ROOT / "conf").rglob("*.yaml"))]
    files_by_line = {}
    for file in files:
        name = str(file.relative_to(ROOT))
        if name.startswith(("docs/_", "docs/api", "docs/gallery", "docs/configuration", "docs/contributing")):
            continue  # generated from the other files
        for line in LINE.findall(file.read_text()):
            files_by_line.setdefault(tuple(shlex.split(line)), []).append(name)
    return files_by_line


def extras(words):
    """Returns the extras of a line; ("",) for none.

    Raises:
      ValueError: if the line does not install this checkout.
    """
    requirements = [word for word in words if re.fullmatch(r"\.(\[[\w,]+\])?", word)]
    if len(requirements) != 1 or "-e" not in words:
        raise ValueError(f"pip install {shlex.join(words)}: expected -e . or -e '.[EXTRA]'; jaxrnn is not on an index")
    return tuple(requirements[0][2:-1].split(","))


def is_resolved_only(words):
    return any(name in word for word in words for name in RESOLVED)


def attempt(words, python, folder):
    """Installs a line and runs the command of each of its extras."""
    start = time.perf_counter()
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if is_resolved_only(words):
        subprocess.run([*pip, "--dry-run", *words], cwd=ROOT, check=True)
    else:
        subprocess.run([*pip, *words], cwd=ROOT, check=True)
        environment = {**os.environ, "PATH": f"{python.parent}:{os.environ['PATH']}"}
        for extra in extras(words):
            command = [word.replace("{run}", str(folder / "run")) for word in shlex.split(COMMANDS[extra])]
            subprocess.run(command, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)
    print(f"pip install {shlex.join(words)}: {time.perf_counter() - start:.0f} s", flush=True)


def main(skipped):
    lines = [words for words in documented() if not set(skipped) & set(words)]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "runs"
        folder.mkdir()
        base = Path(temporary) / "base"
        subprocess.run([sys.executable, "-m", "venv", str(base)], check=True)
        attempt(("-e", "."), base / "bin" / "python", folder)
        for number, words in enumerate(lines):
            if extras(words) == ("",) and not is_resolved_only(words):
                continue
            environment = Path(temporary) / str(number)
            shutil.copytree(base, environment, symlinks=True)
            attempt(words, environment / "bin" / "python", folder)
            shutil.rmtree(environment)


if __name__ == "__main__":
    main(sys.argv[1:])
