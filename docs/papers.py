"""Writes what docs/papers.md says of the reproductions, from what `scripts/reproduce.py` left.

python scripts/reproduce.py -m paper=... figure.width=3.4 hydra.sweep.dir=reproduced
python docs/papers.py reproduced
"""

import shutil
import sys
from pathlib import Path

HERE = Path(__file__).parent
MARK, END = "<!-- papers -->\n", "<!-- end -->"


def collect(source):
    """Copies the claims, the pages and the figures of a folder that reproductions left to docs/papers."""
    for file in Path(source).rglob("claims.csv"):
        (figure,) = (file.parent / "figures").glob("*.png")
        place = HERE / "papers"
        place.mkdir(exist_ok=True)
        shutil.copyfile(file, place / f"{figure.stem}.csv")
        shutil.copyfile(file.with_name("reproduction.md"), place / f"{figure.stem}.md")
        shutil.copyfile(figure, place / figure.name)


def lines():
    """A table of all claims, and the figure, the command and what differs of each paper."""
    table = [
        "| paper | claim | published | ours | spread over seeds | verdict | minutes |",
        "|---|---|---|---|---|---|---|",
    ]
    gallery = []
    for file in sorted((HERE / "papers").glob("*.csv")):
        page = file.with_suffix(".md").read_text().splitlines()
        claims = [line for line in page if line.startswith("| ")][1:]
        command = next(line for line in page if line.startswith("`python"))
        minutes = int(command.rpartition(", ")[2].removesuffix(" s")) / 60
        table += [f"| [{file.stem}](papers/{file.stem}.md) {claim} {minutes:.1f} |" for claim in claims]
        settings = next(line for line in page if line.startswith("Settings: "))
        differs = [line for line in page if line.startswith("- ")]
        gallery += [
            "",
            f"## `{file.stem}`",
            "",
            page[0].removeprefix("# ") + ".",
            "",
            f"![{file.stem}](papers/{file.stem}.png)",
        ]
        gallery += ["", f"{command} on 2 cores. {settings}.", *(["", *differs] if differs else [])]
    return [*table, *gallery]


def filled(page):
    before, mark, after = page.partition(MARK)
    return before + mark + "\n".join(lines()) + "\n" + after[after.index(END) :]


if __name__ == "__main__":
    for source in sys.argv[1:]:
        collect(source)
    page = HERE / "papers.md"
    page.write_text(filled(page.read_text()))
