"""Records the results of commands, so that two versions of the code can be compared number by number.

python tests/tools/record.py run RECORD [NAME ...]     runs the commands of this checkout
python tests/tools/record.py compare RECORD OTHER      prints the largest difference for each command
"""

import csv
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[2]
SMALL = ["model.cell.size=5", "trainer.steps=60", "trainer.report_every=20", "figures=false"]
ADDING = ["data=adding", "data.length=22", "trainer.batch_size=4"]
NOISY = ["data=noisy_cosine", "trainer.batch_size=4"]
STUDY = ["seeds=2", "model.cell.size=4", "data.length=22", "trainer.steps=4", "trainer.report_every=2"]

TRAIN = {
    **{f"cell_{name}": [f"model={name}", *NOISY] for name in ("elman", "jordan", "lstm", "gru")},
    "cell_irnn": ["model=elman", "model.cell.activation=relu", *NOISY]
    + ["model.cell.recurrent_init._target_=jaxrnn.initializers.identity", "model.cell.recurrent_init.gain=0.9"],
    "cell_gru_before": ["model=gru", "model.cell.reset=before", "model.cell.chrono=20", *NOISY],
    "data_sine": ["data=sine"],
    "data_cosine": ["data=cosine", "data.points=200", "data.window=20", "data.held_out=50"],
    "data_sunspots": ["data=sunspots", "trainer.steps=20"],
    "data_csv": ["data=csv", "data.path=levels.csv", "data.column=level"],
    "data_adding": ADDING,
    "data_adding_le2015": [*ADDING, "data.form=le2015"],
    "data_multiplication": ["data=multiplication", "data.length=22", "trainer.batch_size=4"],
    "data_temporal_order": ["data=temporal_order", "data.length=20", "trainer.batch_size=4"],
    "data_copy_memory": ["data=copy_memory", "data.length=10", "trainer.batch_size=4"],
    "data_reber": ["data=reber", "trainer.batch_size=4"],
    "unroll_scan": ["unroll=scan", *NOISY],
    "unroll_chunked": ["unroll=chunked", "unroll.k=6", *NOISY],
    "unroll_truncated": ["unroll=truncated", "unroll.k1=5", "unroll.k2=8", *NOISY],
    "unroll_newton": ["unroll=newton", *NOISY],
    "unroll_newton_diagonal": ["unroll=newton", "unroll.jacobian=diagonal", *NOISY],
    "unroll_loop": ["unroll=loop", *NOISY],
    "optimizer_sgd": ["optimizer=sgd", "optimizer.clip_value=0.1", *NOISY],
    "optimizer_momentum": ["optimizer=momentum", "optimizer/schedule=cosine", *NOISY],
    "optimizer_rmsprop": ["optimizer=rmsprop", "optimizer.weight_decay=0.01", *NOISY],
    "optimizer_adagrad": ["optimizer=adagrad", "optimizer/schedule=exponential", *NOISY],
    "precision_bf16": ["trainer.precision=bf16", *NOISY],
    "precision_f64": ["trainer.precision=f64", *NOISY],
    "model_deep": ["model.layers=3", "model.residual=true", "model.dropout=0.2", "model.recurrent_dropout=0.2"]
    + ["model.learned_carry=true", *NOISY],
    "model_bidirectional": ["model.bidirectional=concat", "model.layers=2", *ADDING],
    "patience": [
        "data=sine",
        "callbacks=[early_stopping]",
        "callbacks.early_stopping.patience=2",
        "optimizer.learning_rate=0.1",
        "trainer.steps=600",
    ],
    "flossing": [
        "regularizer=flossing",
        "regularizer.exponents=2",
        "regularizer.before=20",
        "regularizer.weight=0.5",
        *ADDING,
    ],
    "probes": ["probes=[gradient_flow,gates]", *ADDING],
}
SWEEP = ["data=sine", "seed=range(4)", "optimizer.learning_rate=1e-3,1e-2", "trainer.steps=80"] + [
    "hydra/launcher=compiled",
    "hydra.launcher.halve_after=20",
]
STUDIES = {
    "gradient_flow": ["study.batch=4", "train=true"],
    "jacobian": ["study.sequences=2", "train=true"],
    "lyapunov": ["study.steps=40", "study.warm_up=5", "train=true"],
    "gain": ["study.gains=3", "study.lengths=3", "study.longest=12"],
    "gates": ["study.batch=4", "train=true"],
    "clipping": ["study.thresholds=[0.1,1.0]"],
    "long_lag": ["study.lengths=[22,24]", "study.right=8", "study.max_sequences=64"],
    "truncation": ["study.lengths=[2,5]", "study.batch=4", "train=true"],
    "fixed_points": ["study.starts=8", "study.iterations=20", "train=true"],
}


def command(folder, script, *arguments):
    """Runs a script and stops if it fails."""
    path = ROOT / "scripts" / f"{script}.py"
    result = subprocess.run([sys.executable, path, *arguments], cwd=folder, capture_output=True, text=True)
    if result.returncode:
        raise SystemExit(f"{script} {' '.join(arguments)}\n{result.stderr}")


def metrics(folder):
    """Returns {"metrics/SPLIT/COLUMN": [reports]} of a run folder."""
    with open(folder / "metrics.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    return {
        f"metrics/{split}/{name}": np.array([float(row[name]) for row in rows if row["split"] == split])
        for split in sorted({row["split"] for row in rows})
        for name in rows[0]
        if name != "split" and any(row[name] and row["split"] == split for row in rows)
    }


def params(folder):
    """Returns {"params/NUMBER", "best/NUMBER": array} of the last checkpoint, independent of its containers' names."""
    from jaxrnn.storage import array_file

    last = max((folder / "checkpoints").glob("*.safetensors"), key=lambda path: int(path.stem))
    arrays, _ = array_file.read(last)
    parts = {"params": "arrays['state'].params", "best": "arrays['best']"}
    return {
        f"{name}/{number}": arrays[key]
        for name, part in parts.items()
        for number, key in enumerate(key for key in arrays if key.startswith(part))
    }


def study_arrays(file):
    """Returns {key: array} of a study's numbers, without the names of their containers."""
    arrays = {}
    for name, array in np.load(file).items():
        parts = name.replace("|", "/").split("/")
        saturated = " saturated" if "saturated" in parts else ""
        short = [part for part in parts if part not in ("norms", "means", "saturated", "seen")]
        if array.dtype.kind in "fiuc":
            arrays["/".join(short) + saturated] = array
    return arrays


def records(folder):
    """Yields (name, function that runs the command and returns {key: array})."""
    values = 10 + np.sin(np.arange(300) / 5)
    (folder / "levels.csv").write_text("t,level\n" + "".join(f"{t},{v}\n" for t, v in enumerate(values)))

    def single(name, arguments):
        command(folder, "train", *SMALL, *arguments, f"hydra.run.dir={name}")
        arrays = metrics(folder / name) | params(folder / name)
        for file in (folder / name).glob("probes/*/*.npz"):
            arrays |= {f"probe/{file.parent.name}/{file.stem}/{key}": a for key, a in np.load(file).items()}
        return arrays

    def resumed():
        command(folder, "train", *SMALL, "model.layers=2", "model.dropout=0.2", *NOISY, "hydra.run.dir=resumed")
        command(folder, "train", "resume=resumed", "trainer.steps=100")
        return metrics(folder / "resumed") | params(folder / "resumed")

    def sweep():
        command(folder, "train", "-m", *SMALL, *SWEEP, "hydra.sweep.dir=sweep")
        return {
            f"{run}/{key}": array
            for run in range(8)
            for key, array in (metrics(folder / f"sweep/{run}") | params(folder / f"sweep/{run}")).items()
        }

    def study(name, arguments):
        overrides = ["model=gru", *STUDY, *arguments, f"study={name}", f"hydra.run.dir=study_{name}"]
        command(folder, "study", *overrides)
        return study_arrays(folder / f"study_{name}" / f"{name}.npz")

    for name, arguments in TRAIN.items():
        yield name, lambda name=name, arguments=arguments: single(name, arguments)
    yield "resumed", resumed
    yield "sweep", sweep
    for name, arguments in STUDIES.items():
        yield f"study_{name}", lambda name=name, arguments=arguments: study(name, arguments)


def run(record, names):
    """Runs the named commands, or all, and writes their arrays to `record`, an .npz file."""
    arrays = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, compute in records(Path(folder)):
            if not names or name in names:
                arrays |= {f"{name}:{key}": array for key, array in compute().items()}
                print(name, flush=True)
    np.savez_compressed(record, **arrays)


def difference(a, b):
    """Returns the largest difference of two arrays relative to the largest number; 0 if they agree bit for bit."""
    if a.shape != b.shape:
        return np.inf
    if np.array_equal(a, b, equal_nan=True):
        return 0.0
    known = np.isfinite(a)
    if (known != np.isfinite(b)).any():
        return np.inf
    a, b = (np.asarray(x[known], complex) for x in (a, b))
    return float(np.abs(a - b).max() / max(np.abs(a).max(), np.finfo(float).tiny))


def compare(record, other):
    """Prints the largest difference between two records for each command."""
    before, after = np.load(record), np.load(other)
    worst = {}
    for key in sorted({*before.files, *after.files}):
        name = key.partition(":")[0]
        change = difference(before[key], after[key]) if key in before and key in after else np.inf
        if change >= worst.get(name, (0.0, ""))[0]:
            worst[name] = (change, key.partition(":")[2])
    for name, (value, key) in worst.items():
        print(f"{name:28} {'the same bits' if value == 0 else f'{value:.2e} in {key}'}")


if __name__ == "__main__":
    mode, *arguments = sys.argv[1:]
    if mode == "run":
        run(arguments[0], arguments[1:])
    else:
        compare(*arguments)
