"""Fills in the numbers in the prose of the README, commands.md, sweeps.md and studies.md.

    python docs/prose.py           fills the pages from docs/numbers and docs/speed
    python docs/prose.py NAME ...  first measures these again ("all": every one), stores them in docs/numbers

In a page `<!-- NAME.KEY -->1.8e-4<!-- -->` contains the number KEY of docs/numbers/NAME.json with two digits. A format
after a colon changes the digits: `<!-- NAME.KEY:.3g -->`. `speed.RUN` is the time in seconds in docs/speed/tutorials.
"""

import csv
import json
import re
import subprocess
import sys
import tempfile
from itertools import product
from pathlib import Path

import numpy as np
import speed

from jaxrnn.benchmarks.machine import machine
from jaxrnn.unroll.newton import MAX_PREDICTED

HERE = Path(__file__).parent
NUMBERS = HERE / "numbers"
PAGES = (HERE.parent / "README.md", *(HERE / f"{name}.md" for name in ("commands", "sweeps", "studies")))
MARK = re.compile(r"<!-- (?P<name>\w+)\.(?P<key>[\w.]+)(?::(?P<form>\S+))? -->(?P<text>.*?)<!-- -->", re.DOTALL)
KINDS = ("elman", "irnn", "jordan", "lstm", "gru")  # networks in the study of long lags
EXPLODING, METRICS = ("experiment=exploding_elman",), "metrics.csv"
MODELS, DATA = ("elman", "jordan", "lstm", "gru"), ("sine", "cosine", "noisy_cosine", "sunspots")


class Runner:
    """Runs each script in its own folder, and records the commands.

    Fields:
      commands: the commands that were run, as a user types them.
      parent: the folder that contains the folders of the runs.
    """

    def __init__(self, parent):
        self.parent, self.commands = Path(parent), []

    def __call__(self, script, *words):
        """Runs a script and returns its folder; `printed.txt` there contains the output."""
        folder = self.parent / str(len(self.commands))
        self.commands.append(f"jaxrnn {script} {' '.join(words)}")
        folders = [f"hydra.run.dir={folder}", f"hydra.sweep.dir={folder}"]
        command = [sys.executable, f"scripts/{script}.py", *words, *folders]
        process = subprocess.run(command, cwd=HERE.parent, check=True, stdout=subprocess.PIPE, text=True)
        (folder / "printed.txt").write_text(process.stdout.replace(str(folder), "outputs/..."))
        return folder


def summary(folder):
    return json.loads((folder / "summary.json").read_text())


def rows(file):
    with open(file, newline="") as opened:
        return list(csv.DictReader(opened))


def losses(folder, split):
    """Returns the losses of a split, one per report."""
    return [float(row["loss"]) for row in rows(folder / METRICS) if row["split"] == split]


def first_run(run):
    yield "output", f"\n```\n{(run('train', 'model=lstm', 'data=sine') / 'printed.txt').read_text()}```\n"


def sine_lstm(run):
    for seed in range(3):
        yield (
            f"generation_{seed}",
            summary(run("train", "experiment=sine_lstm", f"seed={seed}"))["generation"]["mean_squared_error"],
        )


def noisy_cosine_elman(run):
    test = summary(run("train", "experiment=noisy_cosine_elman"))["metrics"]["test"]
    yield from (("loss", test["loss"]), ("baseline", test["baseline"]))


def cosine_elman(run):
    folder = run("train", "experiment=cosine_elman")
    epochs = losses(folder, "train")
    yield from ((f"epoch_{number}", epochs[number - 1]) for number in (1, 2, 3, 10))
    yield "baseline", summary(folder)["metrics"]["validation"]["baseline"]
    first = [losses(run("train", "experiment=cosine_elman", f"seed={seed}", "trainer.steps=20"), "train")[0]
             for seed in range(4)]  # fmt: skip
    yield from (("least", min(first)), ("most", max(first)))


def cosine_elman_odds(run):
    """Counts the seeds whose last network is better than repeating the last value."""
    folder = run("train", "-m", "experiment=cosine_elman", "seed=range(28)", "hydra/launcher=compiled")
    folders = sorted(file.parent for file in folder.glob("*/summary.json"))
    baselines = [summary(folder)["metrics"]["validation"]["baseline"] for folder in folders]
    is_better = [losses(folder, "validation")[-1] < loss for folder, loss in zip(folders, baselines, strict=True)]
    yield from (("better", sum(is_better)), ("seeds", len(folders)))


def cosine_elman_cured(run):
    results = summary(run("train", "experiment=cosine_elman_cured"))
    yield "loss", results["metrics"]["validation"]["loss"]
    yield from ((key, results["generation"][key]) for key in ("prime", "length", "mean_squared_error"))


def models(run):
    for model, data in product(MODELS, DATA):
        test = summary(run("train", f"model={model}", f"data={data}"))["metrics"]["test"]
        yield f"{model}_{data}", test["loss"] / test["baseline"]


def exploding_elman(run):
    for row in rows(run("train", *EXPLODING, "trainer.steps=2", "trainer.report_every=1") / METRICS):
        if row["split"] == "train":
            yield f"norm_{row['step']}", float(row["grad_norm"])
    yield "free", summary(run("train", *EXPLODING))["metrics"]["validation"]["loss"]
    clipped = summary(run("train", *EXPLODING, "optimizer.clip_norm=3"))["metrics"]["validation"]
    yield from (("clipped", clipped["loss"]), ("baseline", clipped["baseline"]))


def rounding(run):
    """Compares the final losses of two single runs whose learning rates differ by about one part in ten million."""
    for name, pair in {"small": ("1e-4", "1.0000001e-4"), "large": ("1e-3", "1.0000002e-3")}.items():
        ends = [summary(run("train", "experiment=sine_lstm", f"optimizer.learning_rate={rate}"))["metrics"]["train"]
                for rate in pair]  # fmt: skip
        yield from ((f"{name}_{number}", end["loss"]) for number, end in enumerate(ends))
        yield f"{name}_apart", abs(ends[0]["loss"] - ends[1]["loss"]) / ends[0]["loss"]


def lyapunov(run):
    lam = np.median(arrays(run, "lyapunov")["lstm/lam"][0], axis=0)  # over networks
    half = len(lam) // 2
    yield from (("largest", lam[0]), ("last_of_half", lam[half - 1]), ("first_of_others", lam[half]))


def jacobian(run):
    logarithms = np.median(arrays(run, "jacobian")["lstm/products"][0, :, -1], axis=0)
    half = len(logarithms) // 2
    yield from (("largest", logarithms[0]), ("first_of_others", logarithms[half]), ("smallest", logarithms[-1]))


def gain(run):
    results = arrays(run, "gain")
    yield from (
        (f"edge_{size}", np.median(edges)) for size, edges in zip(results["sizes"], results["elman/edges"], strict=True)
    )


def newton_steps(run):
    results, kinds = arrays(run, "newton_steps"), ("elman", "gru")
    exponent, needed = (
        np.concatenate([results[f"{kind}/{key}"][-1] for kind in kinds]) for key in ("exponent", "needed")
    )
    yield "steps", results["lengths"][-1]
    yield "most_where_errors_shrink", needed[exponent < -0.2].max()
    yield "not_converged_where_they_grow", 100 * np.mean(needed[exponent > 0] > results["iterations"])
    for kind in kinds:
        errors = np.minimum(results[f"{kind}/needed"], MAX_PREDICTED + 1) - results[f"{kind}/predicted"]
        yield f"near_{kind}", 100 * np.mean(abs(errors) <= 2)


def clipping(run):
    results = arrays(run, "clipping")
    learned = (results["irnn/norm/loss"] < results["success"] * results["irnn/baseline"]).sum(axis=1)
    yield from ((f"at_{threshold:g}", number) for threshold, number in zip(results["thresholds"], learned, strict=True))
    yield "networks", results["irnn/norm/loss"].shape[1]


def long_lag(run):
    """Counts the networks that learned, and averages their training sequences, for each kind and length."""
    lstm = ("study=long_lag", "model=lstm", "model.cell.chrono=${data.length}")
    three_symbols = ("data=temporal_order", "data.symbols=3", "study.lengths=[100]")
    for words in (("study=long_lag",), (*lstm, "study.lengths=[500]"), (*lstm, *three_symbols)):
        results = np.load(run("study", *words) / "long_lag.npz")
        task = "temporal_order" if three_symbols[0] in words else "adding"
        for (length, sequences), kind in product(enumerate(results["lengths"]), KINDS):
            if f"{kind}/seen" in results.files:
                yield f"{task}_{sequences}_{kind}", _learned(results[f"{kind}/seen"][length])


def _learned(seen):
    """Describes in words how many networks learned, from their training sequences (NaN: did not learn)."""
    learned = seen[~np.isnan(seen)]
    return f"{len(learned)} of {len(seen)}" + (f": {float(f'{learned.mean():.3g}'):,.0f}" if len(learned) else "")


def arrays(run, study):
    return np.load(run("study", f"study={study}", "figure.width=3.4") / f"{study}.npz")


MEASURED = (first_run, sine_lstm, noisy_cosine_elman, cosine_elman, cosine_elman_odds, cosine_elman_cured, models,
            exploding_elman, rounding, lyapunov, jacobian, gain, newton_steps, clipping, long_lag)  # fmt: skip


def measure(function):
    """Runs the commands of one measurement and writes docs/numbers/NAME.json."""
    with tempfile.TemporaryDirectory() as folder:
        run = Runner(folder)
        numbers = {key: value if isinstance(value, str) else float(value) for key, value in function(run)}
    device = machine()
    record = {"commands": run.commands, "processor": device["processor"], "cores": device["cores"]}
    record |= {"jax": device["versions"]["jax"], "numbers": numbers}
    NUMBERS.mkdir(exist_ok=True)
    (NUMBERS / f"{function.__name__}.json").write_text(json.dumps(record, indent=2) + "\n")


def known():
    """Returns {NAME.KEY: value} of all files, with NAME.machine in words."""
    numbers = {}
    for file in NUMBERS.glob("*.json"):
        record = json.loads(file.read_text())
        numbers |= {f"{file.stem}.{key}": value for key, value in record["numbers"].items()}
        processor = record["processor"].replace("(R)", "")
        numbers[f"{file.stem}.machine"] = f"{record['cores']} cores of {processor}, jax {record['jax']}"
    for row in speed.rows(HERE / "speed", "tutorials", side="jaxrnn"):
        numbers[f"speed.{row['run']}"] = float(row["median"])
    return numbers


def shown(value, form):
    """Formats a number: 1.8e-4, neither 0.00018 nor 1.8e-04."""
    if isinstance(value, str):
        return value
    text = f"{value:{form or ('.1e' if 0 < abs(value) < 1e-3 else '.2g')}}"
    return re.sub(r"e([+-])0*(\d)", lambda match: f"e{match[1].strip('+')}{match[2]}", text)


def filled(page, numbers):
    """Returns the page with new numbers and new tables of docs/speed."""

    def number(mark):
        form = f":{mark['form']}" if mark["form"] else ""
        name = f"{mark['name']}.{mark['key']}"
        return f"<!-- {name}{form} -->{shown(numbers[name], mark['form'])}<!-- -->"

    return speed.filled(MARK.sub(number, page), speed.blocks(HERE / "speed"))


if __name__ == "__main__":
    names = [function.__name__ for function in MEASURED]
    requested = names if sys.argv[1:] == ["all"] else sys.argv[1:]
    if unknown := set(requested) - set(names):
        sys.exit(f"unknown measurement {', '.join(sorted(unknown))}: expected all or one of {', '.join(names)}")
    for function in MEASURED:
        if function.__name__ in requested:
            measure(function)
    for page in PAGES:
        page.write_text(filled(page.read_text(), known()))
