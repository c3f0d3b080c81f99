"""Trains networks, resumes runs and trains sweeps.

python scripts/train.py model=lstm data=sine
python scripts/train.py resume=PATH
python scripts/train.py -m model=lstm,gru
"""

import sys

from jaxrnn.commands import train

if __name__ == "__main__":
    train.start(sys.argv[1:])
