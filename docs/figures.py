"""Makes the figures of docs/studies.md: every study with its defaults, cold, at column width, and the same in grey.

    python docs/figures.py             # all of them
    python docs/figures.py gates gain  # some

Beside each figure in docs/studies lies its caption with the command and what it took; the README's figure is that of
`gradient_flow` after training, as wide as a page.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image

DOCS = Path(__file__).parent
ARGUMENTS = {"gradient_flow": ["train=true"]}
WIDTHS = {"gradient_flow": 7.0}


def made(name):
    """Runs a study in an empty folder with an empty cache, and keeps its first figure and caption."""
    words = ["scripts/study.py", f"study={name}", *ARGUMENTS.get(name, []), f"figure.width={WIDTHS.get(name, 3.4)}"]
    with tempfile.TemporaryDirectory() as place:
        began = time.perf_counter()
        environment = {**os.environ, "XDG_CACHE_HOME": f"{place}/cache"}
        command = [sys.executable, *words, f"hydra.run.dir={place}/run"]
        subprocess.run(command, cwd=DOCS.parent, env=environment, check=True)
        seconds = time.perf_counter() - began
        found = Path(place) / "run" / "figures" / f"{name}.png"
        target = DOCS / "studies" / f"{name}.png"
        target.parent.mkdir(exist_ok=True)
        shutil.copy(found, target)
        Image.open(found).convert("L").save(target.with_name(f"{name}_grey.png"))
        kept = [line for line in found.with_suffix(".txt").read_text().splitlines() if not line.startswith("Command: ")]
        kept.insert(
            -1, f"Command: python {' '.join(words)}; {seconds:.0f} s from start to exit, nothing compiled before."
        )
        target.with_suffix(".txt").write_text("\n".join(kept) + "\n")


if __name__ == "__main__":
    everything = sorted(path.stem for path in (DOCS.parent / "conf" / "study").glob("*.yaml") if path.stem != "custom")
    for each in sys.argv[1:] or everything:
        made(each)
