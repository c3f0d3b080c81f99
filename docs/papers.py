"""Writes the table and the gallery of docs/papers.md from the output of `jaxrnn reproduce`.

jaxrnn reproduce -m paper=... figure.width=3.4 hydra.sweep.dir=reproduced
python docs/papers.py reproduced

Without a folder it computes the verdicts of the committed numbers again and rewrites the tables.
"""

import shutil
import sys
import textwrap
from pathlib import Path

from jaxrnn.papers import _claims
from jaxrnn.table import Table, read

HERE = Path(__file__).parent
MARK, END = "<!-- papers -->\n", "<!-- end -->"


def collect(source):
    """Copies the claims, the pages and the figures of a folder of reproductions to docs/papers."""
    for file in Path(source).rglob("claims.csv"):
        (figure,) = (file.parent / "figures").glob("*.png")
        target = HERE / "papers"
        target.mkdir(exist_ok=True)
        shutil.copyfile(file, target / f"{figure.stem}.csv")
        shutil.copyfile(file.with_name("reproduction.md"), target / f"{figure.stem}.md")
        shutil.copyfile(figure, target / figure.name)


def rewrite(file):
    """Computes the verdicts of a committed `NAME.csv` again and rewrites the table in `NAME.md`."""
    rows = read(file)
    for row in rows:
        row["verdict"] = _claims.verdict(_numbers(row))
    Table(rows).write(file)
    page = file.with_suffix(".md")
    title, _, after = page.read_text().partition("\n\n")
    settings = after[after.index("Settings: ") :]
    page.write_text("\n".join([title, "", *_claims.markdown([_numbers(row) for row in rows]), "", settings]))


def _numbers(row):
    """Returns a row of a CSV file with its numbers as numbers."""
    return row | {name: float(row[name]) for name in _claims.NUMBERS} | {"seeds": int(row["seeds"])}


def lines():
    """Returns a table of all claims, then for each paper its figure, command, settings and differences."""
    table = [
        "| paper | claim | published | ours | spread over seeds | verdict | minutes |",
        "|---|---|---|---|---|---|---|",
    ]
    gallery = []
    for file in sorted((HERE / "papers").glob("*.csv")):
        page = file.with_suffix(".md").read_text().splitlines()
        claims = [line for line in page if line.startswith("| ")][1:]
        command = next(line for line in page if line.startswith("`jaxrnn"))
        minutes = int(command.rpartition(", ")[2].removesuffix(" s")) / 60
        table += [f"| [{file.stem}](papers/{file.stem}.md) {claim} {minutes:.1f} |" for claim in claims]
        settings = next(line for line in page if line.startswith("Settings: "))
        differences = [line for line in page if line.startswith("- ")]
        gallery += [
            "",
            f"## `{file.stem}`",
            "",
            page[0].removeprefix("# ") + ".",
            "",
            f"![{file.stem}](papers/{file.stem}.png)",
        ]
        gallery += ["", *wrapped(f"{command} on 2 cores. {settings}.")]
        gallery += ["", *(part for line in differences for part in wrapped(line))] if differences else []
    return [*table, *gallery]


def wrapped(line):
    """Splits a paragraph or a list item into short lines."""
    indent = "  " if line.startswith("- ") else ""
    return textwrap.wrap(line, 118, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def filled(page):
    """Returns the page with new lines between its markers."""
    before, mark, after = page.partition(MARK)
    return before + mark + "\n".join(lines()) + "\n" + after[after.index(END) :]


if __name__ == "__main__":
    for source in sys.argv[1:]:
        collect(source)
    for file in sorted((HERE / "papers").glob("*.csv")):
        rewrite(file)
    page = HERE / "papers.md"
    page.write_text(filled(page.read_text()))
