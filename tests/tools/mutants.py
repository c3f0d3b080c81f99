"""Mutation testing: makes small wrong changes, one at a time, and runs the tests of the changed module.

python tests/tools/mutants.py RESULTS.csv --draw 150 --seed 1     150 changes, spread evenly over all rooms
python tests/tools/mutants.py RESULTS.csv --draw 20 --rooms nets,data --slow

A change flips a sign or a comparison, shifts an index by one, swaps two names, drops a mask or a reset, or leaves a
PRNG key unfolded. Every folder of the package is a room; `core` are the modules beside them. The tests of a change are
the plain tests of its room (`tests/ROOM`) and every test file that imports the changed module, or runs the changed
command; `--slow` adds the slow ones. A test run that fails, or takes too long, has caught the change. A change that
survives shows code that is not tested. The tool prints all survivors at its end.
"""

import argparse
import ast
import csv
import os
import random
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from itertools import zip_longest
from pathlib import Path
from queue import Queue

ROOT = Path(__file__).parents[2]
SOURCE = Path("src/jaxrnn")
CORE = "core"  # the modules that are in no folder
SECONDS = 600  # limit of a test run's time on a CPU, which another process does not use up
TOO_LONG = -1  # status of a test run that reached a limit; the others are pytest's
HANGS = 3600  # limit of a test run in seconds
PLAIN_AND_SLOW = "not oracle and not browser and not hostile and not docs and not slurm"
PLAIN = f"not slow and {PLAIN_AND_SLOW}"
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


def rooms():
    """Returns {room: its source files} of the package."""
    package = ROOT / SOURCE
    files = {folder.name: sorted(folder.glob("*.py")) for folder in sorted(package.iterdir()) if folder.is_dir()}
    return {CORE: sorted(package.glob("*.py"))} | {room: paths for room, paths in files.items() if paths}


def tests_of(room, file, root):
    """Returns the tests of a source file: first the test files that import it, then those of its room."""
    name = Path(file).stem
    parent = "jaxrnn" if room == CORE else f"jaxrnn.{room}"
    use = rf"{re.escape(parent)}\.{name}\b|from {re.escape(parent)} import [^#\n]*\b{name}\b"
    if room == "commands":  # tests run them in processes of their own
        use += rf'|\b(call|command)\([^)\n]*"{name}"'
    imports = re.compile(use)
    files = sorted((root / "tests").rglob("test_*.py"))
    importing = [path for path in files if imports.search(path.read_text())]
    of_room = [path for path in files if path.parent == (root / "tests" if room == CORE else root / "tests" / room)]
    return [str(path.relative_to(root)) for path in dict.fromkeys([*importing, *of_room])]


def draw(names, count, seed):
    """Draws changes, in turn from each room: [(room, file, change)]."""
    rng = random.Random(seed)
    waiting = {}
    for room in names:
        candidates = [(room, file.relative_to(ROOT), change) for file in rooms()[room] for change in changes(file)]
        waiting[room] = rng.sample(candidates, len(candidates))
    in_turn = [item for items in zip_longest(*waiting.values()) for item in items if item is not None]
    return in_turn[:count]


def run_tests(checkout, room, file, change, marked):
    """Runs the tests of a file with one change in a copy of the checkout; returns (whether they caught it, how).

    A test that fails without the change too, such as one of times on a busy machine, catches nothing and is left out.
    """
    _, begin, end, new, _ = change
    original = (ROOT / file).read_text()
    tests, left_out = tests_of(room, file, checkout), []
    while True:
        (checkout / file).write_text(original[:begin] + new + original[end:])
        try:
            status, how = _pytest(checkout, marked, *tests, *(f"--deselect={test}" for test in left_out))
        finally:
            (checkout / file).write_text(original)
        test = how.removeprefix("FAILED ").partition(" - ")[0]
        if status != 1 or not how.startswith("FAILED ") or _pytest(checkout, marked, test)[0] == 0:
            return status in (1, 2, TOO_LONG), how
        left_out.append(test)


def _pytest(checkout, marked, *words):
    """Runs tests of a checkout; returns (the exit status, how they ended)."""
    env = {**os.environ, "PYTHONPATH": str(checkout / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    # All runs share compiled programs: a change leaves most of them as they are.
    options = ["-q", "-x", "-n", "0", "--no-header", "-m", marked, "-o", f"cache_dir={checkout.parent / 'cache'}"]
    command = f"ulimit -t {SECONDS}; exec " + shlex.join([sys.executable, "-m", "pytest", *options, *words])
    try:
        result = subprocess.run(
            ["bash", "-c", command], cwd=checkout, env=env, capture_output=True, text=True, timeout=HANGS
        )
    except subprocess.TimeoutExpired:
        return TOO_LONG, "took too long"
    if result.returncode < 0:  # ended by the limit
        return TOO_LONG, "took too long"
    lines = [line for line in result.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return result.returncode, (lines or [f"nothing failed, status {result.returncode}"])[0]


def tried(work, jobs, marked):
    """Yields (room, file, change, whether it was caught, how) of the drawn changes, in their order."""
    with tempfile.TemporaryDirectory() as folder:
        checkouts = Queue()
        for number in range(jobs):
            checkout = Path(folder) / str(number)
            ignored = shutil.ignore_patterns(".git", "__pycache__", ".pytest_cache", "outputs", "multirun")
            shutil.copytree(ROOT, checkout, ignore=ignored)
            checkouts.put(checkout)

        def run(item):
            checkout = checkouts.get()
            try:
                return *item, *run_tests(checkout, *item, marked)
            finally:
                checkouts.put(checkout)

        with ThreadPoolExecutor(jobs) as pool:
            yield from pool.map(run, work)


def main():
    parser = argparse.ArgumentParser(description="Mutation testing of the package's rooms.")
    parser.add_argument("results", help="the CSV file to write")
    parser.add_argument("--rooms", default=",".join(rooms()), help="rooms, separated by commas")
    parser.add_argument("--draw", type=int, default=150, help="number of changes")
    parser.add_argument("--seed", type=int, default=0, help="seed of the draw")
    parser.add_argument("--jobs", type=int, default=2, help="changes tested at the same time")
    parser.add_argument("--slow", action="store_true", help="run the slow tests too")
    options = parser.parse_args()
    work = draw(options.rooms.split(","), options.draw, options.seed)
    survivors = []
    with open(options.results, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["room", "file", "line", "kind", "new", "caught", "how"])
        results = tried(work, options.jobs, PLAIN_AND_SLOW if options.slow else PLAIN)
        for count, (room, path, (line, _, _, new, kind), caught, how) in enumerate(results, 1):
            writer.writerow([room, path, line, kind, new, int(caught), how[:160]])
            file.flush()
            survivors += [] if caught else [f"{path}:{line} {kind}: {new}"]
            print(f"{count} of {len(work)}, {len(survivors)} survived: {path}:{line} {kind}: {how[:160]}", flush=True)
    caught = len(work) - len(survivors)
    print(f"{caught} of {len(work)} caught, {caught / max(len(work), 1):.1%}; survivors:")
    print(*survivors, sep="\n")


if __name__ == "__main__":
    main()
