"""Cost of large things: runs of a sweep, steps of a sequence, units of a layer, processes, megabytes of a text."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxrnn.benchmarks import _timing as timing
from jaxrnn.cells import gru, lstm
from jaxrnn.data import text
from jaxrnn.jax_internals import compiler_options
from jaxrnn.plotting import style as plotting
from jaxrnn.types import ListOf, Size
from jaxrnn.unroll import chunked, deferred

SWEEP = (
    "-m",
    "hydra/launcher=compiled",
    "data=sine",
    "model.cell.size=8",
    "trainer.steps=500",
    "trainer.report_every=100",
)
TRAINING = ("data=adding", "model.cell.size=32", "trainer.batch_size=64", "trainer.steps=300", "figures=false")
READING = ("data=text", "data.path=text.txt", "model.cell.size=32", "trainer.steps=300", "figures=false")
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def benchmark(
    script: str,
    runs: ListOf[Size] = (100, 1000, 10_000),
    steps: ListOf[Size] = (10_000, 100_000, 1_000_000),
    units: ListOf[Size] = (256, 512, 1024, 2048),
    processes: ListOf[Size] = (1, 2, 4),
    texts: ListOf[Size] = (100, 300, 1000),
    repeats: Size = 1,
):
    """Times each size with its memory, and fits for each kind the exponent of seconds against size.

    Memory is the sum of the processes' peaks; for a gradient, the memory that XLA reserves; for a page, its file size.

    Args:
      script: path of train.py.
      runs: number of runs of a compiled sweep, whole command. The report's page is also drawn and opened in a browser.
      steps: T of the gradient of an LSTM with 32 units, one sequence, by the unroll `chunked`.
      units: H of the gradient of a GRU with B=16, T=20 and as many inputs.
      processes: number of processes of one training on this machine, whole command.
      texts: megabytes of a text that is trained on for 300 updates, whole command; the file is mapped into memory.
      repeats: number of rounds.
    """
    rows = []
    for number in range(repeats):
        rows_of_round = [row for count in runs for row in _sweep(script, count)]
        rows_of_round += [_steps(length) for length in steps] + [_units(size) for size in units]
        rows_of_round += [_processes(script, count) for count in processes]
        rows_of_round += [_text(script, size) for size in texts]
        rows += [{"round": number, **row} for row in rows_of_round]
    summary = _summarised(rows)
    words = "{side} {size:,}: {seconds:.3g} s, {megabytes:,.0f} MB; cost grows like size^{exponent:.2f}"
    return timing.Measured(rows, summary, [words.format(**row) for row in summary])


def _summarised(rows):
    """Returns the medians of each kind and size, with the kind's exponent of seconds against size."""
    summary = []
    for kind, rows_of_kind in timing.grouped(rows, "side").items():
        rows_by_size = dict(sorted(timing.grouped(rows_of_kind, "size").items()))
        medians = [
            {"side": kind, "size": size, **{name: _median(several, name) for name in ("seconds", "megabytes")}}
            for size, several in rows_by_size.items()
        ]
        logs = np.log([[row["size"], row["seconds"]] for row in medians])
        exponent = float(np.polyfit(logs[:, 0], logs[:, 1], 1)[0]) if len(medians) > 1 else float("nan")
        summary += [row | {"exponent": exponent} for row in medians]
    return summary


def _median(rows, column):
    return float(np.median([row[column] for row in rows]))


def _row(kind, size, seconds, megabytes):
    return {"side": kind, "size": size, "seconds": seconds, "megabytes": megabytes}


def _command(arguments, folder, environments=({},)):
    """Runs a command in one process per environment; returns (seconds until all have ended, MB as the sum of their
    peaks).
    """
    began, processes, megabytes = time.perf_counter(), [], 0.0
    for environment in environments:
        processes.append(
            subprocess.Popen(
                [sys.executable, *arguments],
                cwd=folder,
                env=os.environ | environment,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        )
    for process in processes:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        megabytes += usage.ru_maxrss * 1024 / 1e6
    if failed := [process for process in processes if process.returncode]:
        raise RuntimeError(f"{' '.join(arguments)}: exit status {failed[0].returncode}")
    return time.perf_counter() - began, megabytes


def _sweep(script, count):
    """Yields the rows of a sweep, of its report, and of the page in a browser if one is installed."""
    with tempfile.TemporaryDirectory() as folder:
        yield _row("runs", count, *_command([script, *SWEEP, f"seed=range({count})", "hydra.sweep.dir=many"], folder))
        report = str(Path(script).with_name("report.py"))
        yield _row("report of runs", count, *_command([report, "many"], folder))
        page = Path(folder) / "many" / "report" / "report.html"
        if browser := next(filter(None, map(shutil.which, BROWSERS)), None):
            words = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom", page.as_uri()]
            began = time.perf_counter()
            subprocess.run(words, check=True, capture_output=True)
            yield _row("page of runs", count, time.perf_counter() - began, page.stat().st_size / 1e6)


def _steps(length):
    cell = lstm.cell(32)
    xs = jax.random.normal(jax.random.key(1), (length, 1, 1))
    return _gradient("steps", length, cell, chunked.unroll(), xs)


def _units(size):
    cell = gru.cell(size)
    xs = jax.random.normal(jax.random.key(1), (20, 16, size))
    return _gradient("units", size, cell, deferred.unroll(), xs)


def _gradient(kind, size, cell, unroll, xs):
    params = cell.init(jax.random.key(0), xs.shape[-1])

    def loss(params, xs):
        return jnp.mean(unroll(cell, params, cell.initial(params, xs.shape[1:-1]), xs)[1] ** 2)

    compute = jax.jit(jax.grad(loss)).lower(params, xs).compile(compiler_options())
    jax.block_until_ready(compute(params, xs))
    began = time.perf_counter()
    jax.block_until_ready(compute(params, xs))
    seconds = time.perf_counter() - began
    memory: Any = compute.memory_analysis()
    return _row(kind, size, seconds, memory.temp_size_in_bytes / 1e6)


def _processes(script, count):
    with socket.socket() as free_port:
        free_port.bind(("localhost", 0))
        address = f"localhost:{free_port.getsockname()[1]}"
    coordinator = {"JAX_COORDINATOR_ADDRESS": address, "JAX_NUM_PROCESSES": str(count)}
    environments = [coordinator | {"JAX_PROCESS_ID": str(number)} for number in range(count)] if count > 1 else [{}]
    with tempfile.TemporaryDirectory() as folder:
        words = [script, *TRAINING, "hydra.run.dir=run"]
        return _row("processes", count, *_command(words, folder, environments))


def _text(script, megabytes):
    play = text.shakespeare().encode("ascii", "replace")
    with tempfile.TemporaryDirectory() as folder:
        with open(Path(folder) / "text.txt", "wb") as file:
            for _ in range(-(-megabytes * 10**6 // len(play))):
                file.write(play)
        return _row("megabytes of text", megabytes, *_command([script, *READING, "hydra.run.dir=run"], folder))


def plot(measured):
    """Draws seconds against size, one panel per kind, with the fitted line of the exponent."""

    def heading(kind, rows):
        return f"{kind}: exponent {rows[0]['exponent']:.2f}"

    rows_by_kind = timing.grouped(measured.summary, "side")
    figure, panels = plotting.named_panels(rows_by_kind, "how many", "seconds", heading, columns=3)
    for panel, rows in panels:
        size, seconds = (np.array([row[name] for row in rows], float) for name in ("size", "seconds"))
        panel.loglog(size, seconds, "o", color=plotting.BLUE)
        if len(size) > 1:
            fitted = np.exp(np.log(seconds).mean() + rows[0]["exponent"] * (np.log(size) - np.log(size).mean()))
            panel.loglog(size, fitted, **plotting.THEORY)
        panel.set_xticks(size, [f"{int(each):,}" for each in size])
        panel.xaxis.set_ticks([], minor=True)
    return {"scale": figure}
