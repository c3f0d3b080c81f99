"""Measures published claims: python scripts/reproduce.py paper=pascanu_2013; for all papers: -m 'paper=glob(*)'."""

import sys

from jaxrnn.commands import reproduce

if __name__ == "__main__":
    reproduce.start(sys.argv[1:])
