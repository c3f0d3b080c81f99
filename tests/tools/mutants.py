"""Mutation testing: makes small wrong changes, one at a time, and runs the tests of the room.

python tests/tools/mutants.py RESULTS.csv --each 30 --jobs 2      30 changes per room, two at a time
python tests/tools/mutants.py RESULTS.csv --rooms nets,data --each 10

A change flips a sign or a comparison, shifts an index by one, swaps two gates, drops a mask or a reset, or leaves a
PRNG key unfolded. Changes are drawn with a fixed seed. A test run that fails, or takes too long, has caught the change.
A change that survives shows code that is not tested.
"""

import argparse
import ast
import csv
import os
import random
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Queue

ROOT = Path(__file__).parents[2]
SOURCE = Path("src/jaxrnn")
ROOMS = {  # room -> the tests that should catch a wrong change in it
    "cells": ["tests/cells", "tests/unroll/test_every_cell.py", "tests/nets"],
    "unroll": ["tests/unroll"],
    "nets": ["tests/nets"],
    "training": ["tests/training", "tests/experiments/test_run_folder.py"],
    "data": ["tests/data"],
    "dynamics": ["tests/dynamics", "tests/studies"],
}
SECONDS = 300  # time limit of the tests of a room
MARKED = ["-m", "not oracle and not browser"]  # includes the slow tests
SIGNS = {ast.Add: "-", ast.Sub: "+", ast.Mult: "/", ast.Div: "*", ast.MatMult: "*"}
ORDERS = {ast.Lt: "<=", ast.LtE: "<", ast.Gt: ">=", ast.GtE: ">", ast.Eq: "!=", ast.NotEq: "=="}
DROPPED = ("mask", "reset", "key", "reverse")


def changes(path):
    """Returns the possible changes of a file: [(line, start, end, new text, kind)]; start and end index its text."""
    text = path.read_text()
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    mutations = []

    def add(node, new, kind, end=None):
        begin = starts[node.lineno - 1] + node.col_offset
        stop = end or starts[node.end_lineno - 1] + node.end_col_offset
        mutations.append((node.lineno, begin, stop, new, kind))

    for function in ast.walk(ast.parse(text)):
        if isinstance(function, ast.FunctionDef):
            for statement in function.body:
                for node in _computing(statement):
                    _of_node(node, text, starts, add)
    return sorted(set(mutations))


def _computing(statement):
    """Yields the nodes of a statement that compute something, without messages and nested functions."""
    if isinstance(statement, ast.FunctionDef | ast.Raise | ast.Import | ast.ImportFrom):
        return
    waiting = [statement]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.JoinedStr | ast.Raise | ast.FunctionDef):
            continue
        yield node
        waiting.extend(ast.iter_child_nodes(node))


def _of_node(node, text, starts, add):
    def source(part):
        return ast.get_source_segment(text, part)

    if isinstance(node, ast.BinOp) and type(node.op) in SIGNS:
        add(node, f"{source(node.left)} {SIGNS[type(node.op)]} {source(node.right)}", "sign")
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and not isinstance(node.operand, ast.Constant):
        add(node, source(node.operand), "sign")
    elif isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in ORDERS:
        add(node, f"{source(node.left)} {ORDERS[type(node.ops[0])]} {source(node.comparators[0])}", "comparison")
    elif isinstance(node, ast.Constant) and type(node.value) is int and 0 <= node.value <= 3:
        add(node, str(node.value + 1), "index")
    elif isinstance(node, ast.Tuple) and len(node.elts) == 2 and isinstance(node.ctx, ast.Store):
        if all(isinstance(part, ast.Name) for part in node.elts):
            add(node, f"{source(node.elts[1])}, {source(node.elts[0])}", "order")
    elif isinstance(node, ast.Call):
        _of_call(node, source, add)


def _of_call(node, source, add):
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if name == "fold_in" and len(node.args) == 2:
        add(node, source(node.args[0]), "key fold")
    if name == "where" and len(node.args) == 3:
        add(node, source(node.args[1]), "mask")
    for keyword in node.keywords:
        if keyword.arg in DROPPED and not isinstance(keyword.value, ast.Constant):
            add(keyword.value, "None" if keyword.arg != "reverse" else "False", "dropped")


def draw(room, count):
    """Draws changes of a room, over all its files: [(file, change)]."""
    rng = random.Random(f"jaxrnn {room}")
    files = sorted((ROOT / SOURCE / room).glob("*.py"))
    candidates = [(file.relative_to(ROOT), change) for file in files for change in changes(file)]
    return rng.sample(candidates, min(count, len(candidates)))


def run_tests(checkout, room, file, change):
    """Runs the tests of a room with one change in a copy of the checkout; returns (whether they caught it, how)."""
    _, begin, end, new, _ = change
    original = (ROOT / file).read_text()
    (checkout / file).write_text(original[:begin] + new + original[end:])
    try:
        env = {**os.environ, "PYTHONPATH": str(checkout / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-n", "0", "--no-header", *MARKED, *ROOMS[room]]
        result = subprocess.run(command, cwd=checkout, env=env, capture_output=True, text=True, timeout=SECONDS)
        lines = [line for line in result.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
        return result.returncode != 0, (lines or ["nothing failed"])[0][:120]
    except subprocess.TimeoutExpired:
        return True, "took too long"
    finally:
        (checkout / file).write_text(original)


def main():
    parser = argparse.ArgumentParser(description="Mutation testing of the package's rooms.")
    parser.add_argument("results", help="the CSV file to write")
    parser.add_argument("--rooms", default=",".join(ROOMS), help="rooms, separated by commas")
    parser.add_argument("--each", type=int, default=30, help="changes per room")
    parser.add_argument("--jobs", type=int, default=2, help="changes tested at the same time")
    options = parser.parse_args()
    work = [(room, *mutation) for room in options.rooms.split(",") for mutation in draw(room, options.each)]
    with tempfile.TemporaryDirectory() as folder, open(options.results, "w", newline="") as file:
        writer, checkouts = csv.writer(file), Queue()
        writer.writerow(["room", "file", "line", "what", "new", "caught", "how"])
        for number in range(options.jobs):
            checkout = Path(folder) / str(number)
            ignored = shutil.ignore_patterns(".git", "__pycache__", ".pytest_cache", "outputs", "multirun")
            shutil.copytree(ROOT, checkout, ignore=ignored)
            checkouts.put(checkout)

        def run(item):
            room, path, change = item
            checkout = checkouts.get()
            try:
                return item, run_tests(checkout, room, path, change)
            finally:
                checkouts.put(checkout)

        caught = 0
        with ThreadPoolExecutor(options.jobs) as pool:
            for count, ((room, path, change), (is_caught, how)) in enumerate(pool.map(run, work), 1):
                caught += is_caught
                writer.writerow([room, path, change[0], change[4], change[3], int(is_caught), how])
                file.flush()
                print(f"{count} of {len(work)}, {caught} caught: {path}:{change[0]} {change[4]}: {how}", flush=True)
    print(f"{caught} of {len(work)} caught, {caught / len(work):.1%}")


if __name__ == "__main__":
    main()
