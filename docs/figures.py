"""Makes the figures of docs/studies.md: every study with its defaults, cold, at column width, and the same in grey.

    python docs/figures.py             # all of them
    python docs/figures.py gates gain  # some
    python docs/figures.py gallery     # prints what the page says of each

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
CELLS = (
    "elman,jordan,ctrnn,plrnn,lstm,peephole_lstm,coupled_lstm,layer_norm_lstm,slstm,gru,layer_norm_gru,mgu,ugrnn,"
    "minimal_rnn,indrnn,diagonal_gru,diagonal_lstm,lru,rg_lru,min_gru,min_lstm"
)
RULES = "snap_1,diagonal_rtrl,eprop,uoro,kf_rtrl,truncated"
ARGUMENTS = {
    "gradient_flow": ["train=true"],
    "online_gradients": [
        f"compare=[{CELLS}]", f"study.rules=[{RULES}]", "study.lengths=[10]", "data.length=50", "model.cell.size=8"
    ],
}  # fmt: skip
WIDTHS = {"gradient_flow": 7.0}
# Where it is not the one that is called as the study:
FIGURES = {"landscape": "landscape_cliff", "online_gradients": "online_gradients_table"}
NAMES = sorted(path.stem for path in (DOCS.parent / "conf" / "study").glob("*.yaml") if path.stem != "custom")


def made(name):
    """Runs a study in an empty folder with an empty cache, and keeps its first figure and caption."""
    words = ["scripts/study.py", f"study={name}", *ARGUMENTS.get(name, []), f"figure.width={WIDTHS.get(name, 3.4)}"]
    with tempfile.TemporaryDirectory() as place:
        began = time.perf_counter()
        environment = {**os.environ, "XDG_CACHE_HOME": f"{place}/cache"}
        command = [sys.executable, *words, f"hydra.run.dir={place}/run"]
        subprocess.run(command, cwd=DOCS.parent, env=environment, check=True)
        seconds = time.perf_counter() - began
        found = Path(place) / "run" / "figures" / f"{FIGURES.get(name, name)}.png"
        target = DOCS / "studies" / f"{name}.png"
        target.parent.mkdir(exist_ok=True)
        shutil.copy(found, target)
        Image.open(found).convert("L").save(target.with_name(f"{name}_grey.png"))
        kept = [line for line in found.with_suffix(".txt").read_text().splitlines() if not line.startswith("Command: ")]
        kept.insert(
            -1, f"Command: python {' '.join(words)}; {seconds:.0f} s from start to exit, nothing compiled before."
        )
        target.with_suffix(".txt").write_text("\n".join(kept) + "\n")


def gallery(name):
    """What docs/studies.md says of a study's figure: the pictures, and the command with its cost, from the caption."""
    lines = (DOCS / "studies" / f"{name}.txt").read_text().splitlines()
    told = next(line.removeprefix("Command: ") for line in lines if line.startswith("Command: "))
    command, _, cost = told.partition("; ")
    yield f"![{name}](studies/{name}.png) ![{name} in grey](studies/{name}_grey.png)"
    seconds = cost.partition(" from")[0]
    yield f"`{command}`,\n{seconds} on 2 cores with an empty compilation cache. [Caption](studies/{name}.txt)"


if __name__ == "__main__":
    if sys.argv[1:] == ["gallery"]:
        for each in NAMES:
            print(f"### {each}", "", *gallery(each), "", sep="\n")
    else:
        for each in sys.argv[1:] or NAMES:
            made(each)
