"""Makes small wrong changes, one at a time, and runs the tests of the room: those that survive show what is not tested.

python tests/tools/mutants.py RESULTS.csv --each 30 --jobs 2      30 changes a room, two at a time
python tests/tools/mutants.py RESULTS.csv --rooms nets,data --each 10

A change is a sign, an index, the order of two gates, a mask or a reset that is dropped, a comparison, an off-by-one, a
PRNG key that is not folded. Changes are drawn with a fixed seed; a test run that fails, or takes too long, has caught
one.
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
    "training": ["tests/training", "tests/experiments/test_folders.py"],
    "data": ["tests/data"],
    "dynamics": ["tests/dynamics", "tests/studies"],
}
SECONDS = 300  # that the tests of a room may take
MARKED = ["-m", "not oracle and not browser"]  # the slow ones too: what is caught by them is caught
SIGNS = {ast.Add: "-", ast.Sub: "+", ast.Mult: "/", ast.Div: "*", ast.MatMult: "*"}
ORDERS = {ast.Lt: "<=", ast.LtE: "<", ast.Gt: ">=", ast.GtE: ">", ast.Eq: "!=", ast.NotEq: "=="}
DROPPED = ("mask", "reset", "key", "reverse")


def changes(path):
    """[(line, start, end, new text, what)] of a file; start and end are places in its text."""
    text = path.read_text()
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    found = []

    def add(node, new, what, end=None):
        begin = starts[node.lineno - 1] + node.col_offset
        stop = end or starts[node.end_lineno - 1] + node.end_col_offset
        found.append((node.lineno, begin, stop, new, what))

    for function in ast.walk(ast.parse(text)):
        if isinstance(function, ast.FunctionDef):
            for statement in function.body:
                for node in _computing(statement):
                    _of_node(node, text, starts, add)
    return sorted(set(found))


def _computing(statement):
    """The nodes of a statement that compute something: no docstrings, messages, nested functions, annotations."""
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


def drawn(room, each):
    """Changes of a room, spread over its files: [(file, change)]."""
    rng = random.Random(f"jaxrnn {room}")
    files = sorted((ROOT / SOURCE / room).glob("*.py"))
    found = [(file.relative_to(ROOT), change) for file in files for change in changes(file)]
    return rng.sample(found, min(each, len(found)))


def tried(place, room, file, change):
    """Runs the tests of a room with one change in a copy of the checkout: (caught, how)."""
    _, begin, end, new, _ = change
    original = (ROOT / file).read_text()
    (place / file).write_text(original[:begin] + new + original[end:])
    try:
        env = {**os.environ, "PYTHONPATH": str(place / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
        words = [sys.executable, "-m", "pytest", "-q", "-x", "-n", "0", "--no-header", *MARKED, *ROOMS[room]]
        done = subprocess.run(words, cwd=place, env=env, capture_output=True, text=True, timeout=SECONDS)
        lines = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
        return done.returncode != 0, (lines or ["nothing failed"])[0][:120]
    except subprocess.TimeoutExpired:
        return True, "took too long"
    finally:
        (place / file).write_text(original)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("results")
    parser.add_argument("--rooms", default=",".join(ROOMS))
    parser.add_argument("--each", type=int, default=30)
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args()
    work = [(room, *one) for room in given.rooms.split(",") for one in drawn(room, given.each)]
    with tempfile.TemporaryDirectory() as folder, open(given.results, "w", newline="") as file:
        writer, places = csv.writer(file), Queue()
        writer.writerow(["room", "file", "line", "what", "new", "caught", "how"])
        for number in range(given.jobs):
            place = Path(folder) / str(number)
            ignored = shutil.ignore_patterns(".git", "__pycache__", ".pytest_cache", "outputs", "multirun")
            shutil.copytree(ROOT, place, ignore=ignored)
            places.put(place)

        def run(item):
            room, path, change = item
            place = places.get()
            try:
                return item, tried(place, room, path, change)
            finally:
                places.put(place)

        caught = 0
        with ThreadPoolExecutor(given.jobs) as pool:
            for count, ((room, path, change), (is_caught, how)) in enumerate(pool.map(run, work), 1):
                caught += is_caught
                writer.writerow([room, path, change[0], change[4], change[3], int(is_caught), how])
                file.flush()
                print(f"{count} of {len(work)}, {caught} caught: {path}:{change[0]} {change[4]}: {how}", flush=True)
    print(f"{caught} of {len(work)} caught, {caught / len(work):.1%}")


if __name__ == "__main__":
    main()
