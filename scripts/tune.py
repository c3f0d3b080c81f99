"""Searches for good hyperparameters.

python scripts/tune.py data=sine 'optimizer.learning_rate=tag(log,interval(1e-4,1e-1))'
"""

import sys

from jaxrnn.commands import tune

if __name__ == "__main__":
    tune.start(sys.argv[1:])
