"""The contracts of the package: `Cell` (one step), `Net` (one sequence) and `Dataset` (see `jaxrnn.dataset`).

Cells and nets are tuples of pure functions without weights; the weights are passed as `params`. Combinators take and
return these types. Shapes: T steps, B sequences (any number of batch axes, also none), D inputs, H units, K outputs.
Sequences are time-major, `xs [T, B, D]`. Weights are `[in, out]` and used as `x @ w`.
"""

from collections.abc import Callable
from typing import Annotated, Any, NamedTuple

from annotated_types import Ge, Gt, Interval

from jaxrnn.batch import Batch as Batch
from jaxrnn.batch import Pair as Pair
from jaxrnn.dataset import Dataset as Dataset

Params = Any  # a pytree of arrays
Carry = Any  # a pytree of arrays [B, ...]
Unroll = Callable[..., tuple[Any, Any]]  # (cell, params, carry, xs, *, mask, reset, reverse) -> (carry, ys)

# Ranges of the numbers in a factory's signature. Configurations are checked against them before anything compiles.
Size = Annotated[int, Interval(gt=0, lt=2**31)]  # JAX counts in int32
Seed = Annotated[int, Interval(ge=0, lt=2**32)]
Lag = Annotated[float, Gt(2)]
Positive = Annotated[float, Gt(0)]
NonNegative = Annotated[float, Ge(0)]
NonNegativeInt = Annotated[int, Interval(ge=0, lt=2**31)]
Rate = Annotated[float, Interval(ge=0, lt=1)]


class Cell(NamedTuple):
    """One step of a recurrent network, as functions that JAX can trace. Params and carries are pytrees of arrays.

    Fields:
      size: H, the width of the output h_t.
      init: (key, input_size) -> params. Draws the weights for inputs of width D = input_size; the recurrent weights
        are the leaf named `w_h`.
      initial: (params, batch_shape) -> carry. Returns the carry before the first step, with leaves [*batch_shape, ...].
      project: (params, x_t [..., D]) -> u_t [..., G]. Computes the input's part of the step, such as x_t W_x + b. The
        cell chooses the width G. `project` does not see the carry, so an unroll may apply it to all steps at once.
      step: (params, carry, u_t [..., G]) -> (carry, h_t [..., H]). Applies the recurrence and the gates; the new carry
        has the structure and the shapes of the old one.
      gates: (params, carry, u_t [..., G]) -> a NamedTuple with one array [..., H] per gate. The field of the gate that
        keeps the state is named f or z, and the field of a candidate is named g or n. None for a cell without gates.
    """

    size: int
    init: Callable[..., Params]
    initial: Callable[..., Carry]
    project: Callable[..., Any]
    step: Callable[..., tuple[Carry, Any]]
    gates: Callable[..., Any] | None = None


class _NetFields(NamedTuple):
    init: Callable[..., Params]
    width: Callable[[int], int]
    initial: Callable[..., Carry]
    apply: Callable[..., tuple[Carry, Any]]
    with_unroll: Callable[..., "Net"]
    causal: bool = True
    decoding: "Decoding | None" = None
    explicit_weights: "ExplicitWeights | None" = None
    vocabulary: int | None = None
    many_to_one: Callable[[], "Net"] | None = None


class Net(_NetFields):
    """A map from a sequence to a sequence.

    `with_unroll` and `many_to_one` build a new net. The new net keeps the fields that were changed with `_replace`.

    Fields:
      init: (key, input_size) -> params. Draws the weights for inputs of width D = input_size.
      width: (input_size) -> output_size. Returns K for inputs of width D.
      initial: (params, batch_shape) -> carry. Returns the carry before the first step, with leaves [*batch_shape, ...].
      apply: (params, carry, xs [T, B, D], *, mask=None, reset=None, key=None) -> (carry, ys [T, B, K]). Runs the net
        over the sequences and returns the last carry (see `jaxrnn.unroll`).
        mask [T, B] is true at the valid steps, reset [T, B] at the steps before which the carry returns to its initial
        value. key [B] holds one PRNG key per sequence and switches dropout and noise on; None switches them off. A loop
        that calls the net step by step passes `jaxrnn.keys.StepKeys`.
      with_unroll: (unroll) -> Net. Returns the same net with its recurrent layers unrolled by `unroll`, a function
        `(cell, params, carry, xs, *, mask, reset, reverse) -> (carry, ys)`.
      causal: whether y_t depends only on x_1 ... x_t, so that the net can run on a stream.
      decoding: the `Decoding` of an encoder-decoder, which reads a `Pair` as xs; None for other nets.
      explicit_weights: the `ExplicitWeights` of a net whose recurrent weights are computed from its params, or None.
      vocabulary: number of symbols that the net can read as integers xs [T, B, 1]; None if it reads values.
      many_to_one: () -> Net. Returns the same net for data with one target per sequence (see `jaxrnn.nets.adapted`);
        None for a net that treats each step separately.
    """

    __slots__ = ()

    def _replace(self, **fields: Any) -> "Net":
        for name in ("with_unroll", "many_to_one"):
            if name not in fields and getattr(self, name) is not None:
                fields = fields | {name: self._rebuilding(name, fields)}
        return super()._replace(**fields)

    def _rebuilding(self, name, fields):
        """Returns the function in the field `name`, with the same changes applied to the net that it builds."""
        return lambda *arguments: getattr(self, name)(*arguments)._replace(**fields)


class ExplicitWeights(NamedTuple):
    """The version of a parametrized net whose params are the recurrent weights themselves.

    Fields:
      net: the `Net` of that version.
      weights: (params of the parametrized net) -> params of `net`. Computes the recurrent weights.
    """

    net: Net
    weights: Callable[[Params], Params]


class Decoding(NamedTuple):
    """The parts of an encoder-decoder, for producing an answer step by step.

    Fields:
      encode: (params, source [S, B, D], mask [S, B]) -> (decoder_params, carry). Reads the source and returns the
        decoder's carry before its first step.
      decoder: the decoder, a causal `Net`.
      start: (batch_shape) -> x_0. Returns the decoder's first input, [B, 1] for symbols or [B, K] for values.
      attention: (decoder_params, carry, inputs [T, B, 1]) -> weights [T, B, S] over the source; None for a decoder
        without attention.
    """

    encode: Callable[..., Any]
    decoder: Net
    start: Callable[..., Any]
    attention: Callable[..., Any] | None = None
