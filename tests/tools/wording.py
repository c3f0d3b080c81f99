"""Finds wording that CONTRIBUTING.md rules out: `python tests/tools/wording.py [FILE ...]`; no FILE means all files.

A docstring begins with what the thing does or is. Lines of pages hold at most 120 characters. Names say what they hold.
"""

import ast
import re
import subprocess
import sys
from pathlib import Path

LONGEST = 120  # characters of a line in a page
BEGINNINGS = ("What", "Of", "How", "That", "Who", "Whether", "Where")
VAGUE = {"found", "own", "made", "given", "what", "place", "kept", "taken", "rest", "one", "those", "MOST"}
FREE = re.compile(r"^\s*\||\]\(|https?://|^\[|`jaxrnn ")  # tables, links and commands may be longer
WORDED = (
    "README.md",
    "CONTRIBUTING.md",
    ":(glob)docs/*.md",
    "docs/coming_from/*.md",
    "docs/tutorial/*.md",
    "src/**/*.py",
    "scripts/*.py",
)


def docstrings(tree):
    """(line, text) of every docstring."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node)
            if text:
                yield node.body[0].lineno, text


def assigned(tree):
    """(line, name) of every name that is bound: variables, parameters, functions, loop variables."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.lineno, node.name


def lapses(path):
    """(line, sentence) of every lapse in a file."""
    text = Path(path).read_text(encoding="utf-8")
    if path.suffix == ".md":
        fenced = False
        for number, line in enumerate(text.splitlines(), 1):
            fenced ^= line.lstrip().startswith("```")
            if len(line) > LONGEST and not fenced and not FREE.search(line):
                yield number, f"the line has {len(line)} characters, at most {LONGEST}"
    elif path.suffix == ".py":
        tree = ast.parse(text)
        for number, docstring in docstrings(tree):
            if docstring.split()[0] in BEGINNINGS:
                yield number, f"a docstring begins with {docstring.split()[0]!r}; say what the thing does or is"
        for number, name in assigned(tree):
            if name in VAGUE:
                yield number, f"the name {name!r} does not say what it holds"


def main(names):
    """Prints the lapses of files, or of all that git tracks; 1 if there are any."""
    tracked = subprocess.run(["git", "ls-files", *WORDED], capture_output=True, text=True, check=True).stdout.split()
    paths = [Path(name) for name in names or tracked if not name.startswith("tests/")]
    sentences = [f"{path}:{line}: {sentence}" for path in paths for line, sentence in lapses(path)]
    print("\n".join(sentences))
    return int(bool(sentences))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
