"""Makes frameworks.npz: outputs and gradients of PyTorch's and Keras's layers for fixed weights, in float64.

    pip install -e .[oracle] && python tests/interop/goldens/build.py

The plain tests read the file, so that they need no framework; `pytest -m oracle` compares with
the frameworks themselves.
"""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))


def main():
    import frameworks
    import jax

    jax.config.update("jax_enable_x64", True)
    arrays = {}
    for case in frameworks.GOLDEN_CASES:
        for name, array in frameworks.run(case).items():
            arrays[f"{case}/{name}"] = np.asarray(array)
    np.savez_compressed(Path(__file__).with_name("frameworks.npz"), **arrays)
    print(f"wrote {len(arrays)} arrays of {len(frameworks.GOLDEN_CASES)} cases")


if __name__ == "__main__":
    main()
