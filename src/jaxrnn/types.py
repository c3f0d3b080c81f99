"""The types of the package: `Cell` (one step), `Net` (one sequence), `Dataset`, and the ranges of numbers.

Cells and nets are tuples of pure functions without weights; the weights are passed as `params`. Combinators take and
return these types. `jaxrnn.contracts` describes their functions. Shapes: T steps, B sequences (any number of batch
axes, also none), D inputs, H units, K outputs. Sequences are time-major, `xs [T, B, D]`. Weights are `[in, out]` and
used as `x @ w`.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Protocol, runtime_checkable

from annotated_types import Ge, Gt, Interval

from jaxrnn.batch import Batch as Batch
from jaxrnn.batch import Pair as Pair
from jaxrnn.contracts import Carry as Carry
from jaxrnn.contracts import Cell as Cell
from jaxrnn.contracts import Decoding as Decoding
from jaxrnn.contracts import ExplicitWeights as ExplicitWeights
from jaxrnn.contracts import Net as Net
from jaxrnn.contracts import Params as Params
from jaxrnn.contracts import Unroll as Unroll
from jaxrnn.dataset import Dataset as Dataset


@runtime_checkable
class DataFrame(Protocol):
    """A table in memory with `shape` and `len`: a DataFrame or a Series of pandas, or an array."""

    shape: Any

    def __len__(self) -> int: ...


TableSource = (
    str | Path | DataFrame | list[Any] | tuple[Any, ...] | dict[Any, Any]
)  # the path of a file, or a table in memory

# Ranges of the numbers in a factory's signature. Configurations are checked against them before anything compiles.
Size = Annotated[int, Interval(gt=0, lt=2**31)]  # JAX counts in int32
Seed = Annotated[int, Interval(ge=0, lt=2**32)]
Lag = Annotated[float, Gt(2)]
Positive = Annotated[float, Gt(0)]
NonNegative = Annotated[float, Ge(0)]
NonNegativeInt = Annotated[int, Interval(ge=0, lt=2**31)]
Rate = Annotated[float, Interval(ge=0, lt=1)]

# A list of a configuration. In Python it may be any sequence, so that a default can be a tuple.
if TYPE_CHECKING:
    from collections.abc import Sequence as ListOf
else:
    ListOf = list
