"""Draws the figures of docs/studies.md: every study with its defaults, at column width.

    python docs/figures.py             # all figures
    python docs/figures.py gates gain  # some figures
    python docs/figures.py gallery     # prints the lines of the page for each figure

Each study runs with an empty compilation cache. Its caption, with the command and the time, is stored next to the
figure in docs/studies. The README shows the figure of `gradient_flow` after training, at page width.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

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
# The figure to show, if its name differs from the study's:
FIGURES = {"landscape": "landscape_cliff", "online_gradients": "online_gradients_table"}
NAMES = sorted(path.stem for path in (DOCS.parent / "conf" / "study").glob("*.yaml") if path.stem != "custom")


def draw(name):
    """Runs a study in an empty folder with an empty cache, and stores its first figure and caption."""
    words = [f"study={name}", *ARGUMENTS.get(name, []), f"figure.width={WIDTHS.get(name, 3.4)}"]
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        environment = {**os.environ, "XDG_CACHE_HOME": f"{folder}/cache"}
        command = [sys.executable, "scripts/study.py", *words, f"hydra.run.dir={folder}/run"]
        subprocess.run(command, cwd=DOCS.parent, env=environment, check=True)
        seconds = time.perf_counter() - began
        figure = Path(folder) / "run" / "figures" / f"{FIGURES.get(name, name)}.png"
        target = DOCS / "studies" / f"{name}.png"
        target.parent.mkdir(exist_ok=True)
        shutil.copy(figure, target)
        printed = figure.with_suffix(".txt").read_text().splitlines()
        caption = [line for line in printed if not line.startswith("Command: ")]
        cost = f"{seconds:.0f} s from start to exit, with an empty compilation cache."
        caption.insert(-1, f"Command: jaxrnn study {' '.join(words)}; {cost}")
        target.with_suffix(".txt").write_text("\n".join(caption) + "\n")


def gallery(name):
    """Yields the lines of docs/studies.md for a study's figure: the image, and the command and time of the caption."""
    lines = (DOCS / "studies" / f"{name}.txt").read_text().splitlines()
    command_line = next(line.removeprefix("Command: ") for line in lines if line.startswith("Command: "))
    command, _, cost = command_line.partition("; ")
    yield f"![{name}](studies/{name}.png)"
    seconds = cost.partition(" from")[0]
    yield f"`{command}`,\n{seconds} on 2 cores with an empty compilation cache. [Caption](studies/{name}.txt)"


if __name__ == "__main__":
    if sys.argv[1:] == ["gallery"]:
        for study in NAMES:
            print(f"### {study}", "", *gallery(study), "", sep="\n")
    else:
        for study in sys.argv[1:] or NAMES:
            draw(study)
