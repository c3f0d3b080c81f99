"""Unrolling parallel in time by Newton's method (DEER, Lim et al. 2024; Gonzalez et al. 2024).

The derivation is in `_newton`.
"""

from functools import partial
from typing import Literal

from jaxrnn.arguments import checked
from jaxrnn.types import NonNegativeInt, Positive, Unroll
from jaxrnn.unroll import _newton
from jaxrnn.unroll._newton import steps as steps
from jaxrnn.unroll._newton_prediction import FIT_OFFSET as FIT_OFFSET
from jaxrnn.unroll._newton_prediction import FIT_SLOPE as FIT_SLOPE
from jaxrnn.unroll._newton_prediction import MAX_PREDICTED as MAX_PREDICTED
from jaxrnn.unroll._newton_prediction import SHORT_RUN as SHORT_RUN
from jaxrnn.unroll._newton_prediction import growth as growth
from jaxrnn.unroll._newton_prediction import predicted_steps as predicted_steps


@checked
def unroll(
    jacobian: Literal["full", "diagonal"] = "full", tolerance: Positive | None = None, iterations: NonNegativeInt = 100
) -> Unroll:
    """Unrolls like `scan`, parallel in time: for accelerators and long sequences.

    The derivative does not go through the iterations. At the solution, dz_t = J_t dz_{t-1} + dF_t is a linear
    recurrence. One more associative scan solves it, and the backward pass is another scan, its transpose. Both need the
    full J_t: T B C^2 numbers if the carry holds C values. A cell that is linear in its carry needs no iterations. Under
    `vmap` the plain scan also runs.

    Args:
      jacobian: `full`, or `diagonal`: the action of each unit on itself only, T B C L numbers with L values per unit.
      tolerance: largest change of a value in the last iteration, relative to the largest value if that is above 1;
        None for eps^(3/4): 6e-6 in float32, 2e-12 in float64.
      iterations: largest number of iterations; then the plain scan takes over. The study `newton_steps` shows how many
        are needed.

    Raises:
      ValueError: when used, if `jacobian` is `diagonal` and the step of the cell does not act unit by unit.
    """
    return partial(_newton.newton, diagonal=jacobian == "diagonal", tolerance=tolerance, iterations=iterations)
