"""The contracts of cells, nets and unrolls: the functions that each consists of, with their arguments and shapes.

A function fits a contract if it takes these arguments in this order; it need not mention the class. The annotations
are for readers and type checkers: nothing checks them when a program runs. Shapes: T steps, B sequences (`*B`: any
number of batch axes, also none), D inputs, G values of a projected input, H units, K outputs.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from jax.typing import ArrayLike
from jaxtyping import Array, Bool, Float, Key, Num

from jaxrnn.batch import Pair
from jaxrnn.keys import StepKeys
from jaxrnn.made_by import Recorded

Params = Any  # a pytree of arrays
Carry = Any  # a pytree of arrays [*B, ...]


class Init(Protocol):
    """Draws the weights of a cell or a net for inputs of width D = `input_size`.

    The recurrent weights of a cell are the leaf named `w_h`.
    """

    def __call__(self, key: Key[Array, ""], input_size: int, /) -> Params: ...


class Initial(Protocol):
    """Returns the carry before the first step, with leaves [*batch_shape, ...]."""

    def __call__(self, params: Params, batch_shape: tuple[int, ...], /) -> Carry: ...


class Project(Protocol):
    """Computes the input's part of a step, such as x_t W_x + b.

    The cell chooses the width G. The function does not see the carry, so an unroll may apply it to all steps at once.
    """

    def __call__(self, params: Params, x_t: Num[Array, "*B D"], /) -> Float[Array, "*B G"]: ...


class StepFunction(Protocol):
    """Applies the recurrence and the gates: returns the new carry and h_t.

    The new carry has the structure and the shapes of the old one. A step may be an object that tells more about
    itself, see `jaxrnn.cells.structure`.
    """

    def __call__(
        self, params: Params, carry: Carry, u_t: Float[Array, "*B G"], /
    ) -> tuple[Carry, Float[Array, "*B H"]]: ...


class Gates(Protocol):
    """Returns a NamedTuple with one array [*B, H] per gate.

    The field of the gate that keeps the state is named f or z, and the field of a candidate is named g or n.
    """

    def __call__(
        self, params: Params, carry: Carry, u_t: Float[Array, "*B G"], /
    ) -> tuple[Float[Array, "*B H"], ...]: ...


class _CellFields(NamedTuple):
    size: int
    init: Init
    initial: Initial
    project: Project
    step: StepFunction
    gates: Gates | None = None


class Cell(_CellFields, Recorded):
    """One step of a recurrent network, as functions that JAX can trace. Params and carries are pytrees of arrays.

    Fields:
      size: H, the width of the output h_t.
      init, initial, project, step: the functions `Init`, `Initial`, `Project` and `StepFunction`.
      gates: the function `Gates`; None for a cell without gates.
    """


class Unroll(Protocol):
    """Applies a cell step by step: returns the last carry and the outputs.

    `jaxrnn.unroll` describes the arguments, and how an unroll treats masks and resets.
    """

    def __call__(
        self,
        cell: Cell,
        params: Params,
        carry: Carry,
        xs: Num[Array, "T *B D"],
        /,
        *,
        mask: Bool[Array, "T *B"] | None = None,
        reset: Bool[Array, "T *B"] | None = None,
        reverse: bool = False,
    ) -> tuple[Carry, Float[Array, "T *B H"]]: ...


class RecordingUnroll(Protocol):
    """An unroll that also reads an instruction and returns a record, any pytrees; `jaxrnn.nets.recording` runs it."""

    def __call__(
        self,
        instruction: Any,
        cell: Cell,
        params: Params,
        carry: Carry,
        xs: Num[Array, "T *B D"],
        /,
        *,
        mask: Bool[Array, "T *B"] | None = None,
        reset: Bool[Array, "T *B"] | None = None,
        reverse: bool = False,
    ) -> tuple[Carry, Float[Array, "T *B H"], Any]: ...


class Width(Protocol):
    """Returns K, the width of a net's outputs, for inputs of width D."""

    def __call__(self, input_size: int, /) -> int: ...


class Apply(Protocol):
    """Runs a net over sequences: returns the last carry and the outputs (see `jaxrnn.unroll`).

    Args:
      params, carry, xs: the params, the carry before the first step, and the inputs; an encoder-decoder reads a `Pair`.
      mask: true at the valid steps.
      reset: true at the steps before which the carry returns to its initial value.
      key: one PRNG key per sequence, which switches dropout and noise on; None switches them off. A loop that calls the
        net step by step passes `jaxrnn.keys.StepKeys`.
    """

    def __call__(
        self,
        params: Params,
        carry: Carry,
        xs: Num[ArrayLike, "T *B D"] | Pair,
        /,
        *,
        mask: Bool[ArrayLike, "T *B"] | None = None,
        reset: Bool[ArrayLike, "T *B"] | None = None,
        key: Key[Array, "*B"] | StepKeys | None = None,
    ) -> tuple[Carry, Float[Array, "T *B K"]]: ...


class WithUnroll(Protocol):
    """Returns the same net with its recurrent layers unrolled by `unroll`."""

    def __call__(self, unroll: Unroll, /) -> "Net": ...


class ManyToOne(Protocol):
    """Returns the same net for data with one target per sequence (see `jaxrnn.nets.adapted`)."""

    def __call__(self) -> "Net": ...


class AttentionWeights(Protocol):
    """Returns the attention that each step of a net pays to the S steps of its source."""

    def __call__(self, params: Params, carry: Carry, xs: Num[ArrayLike, "T *B D"], /) -> Float[Array, "T *B S"]: ...


class _NetFields(NamedTuple):
    init: Init
    width: Width
    initial: Initial
    apply: Apply
    with_unroll: WithUnroll
    causal: bool = True
    decoding: "Decoding | None" = None
    explicit_weights: "ExplicitWeights | None" = None
    vocabulary: int | None = None
    many_to_one: ManyToOne | None = None
    attention: AttentionWeights | None = None


class Net(_NetFields, Recorded):
    """A map from a sequence to a sequence.

    `with_unroll` and `many_to_one` build a new net. The new net keeps the fields that were changed with `_replace`.

    Fields:
      init, width, initial, apply, with_unroll: the functions `Init`, `Width`, `Initial`, `Apply` and `WithUnroll`.
      causal: whether y_t depends only on x_1 ... x_t, so that the net can run on a stream.
      decoding: the `Decoding` of an encoder-decoder, which reads a `Pair` as xs; None for other nets.
      explicit_weights: the `ExplicitWeights` of a net whose recurrent weights are computed from its params, or None.
      vocabulary: number of symbols that the net can read as integers xs [T, B, 1]; None if it reads values.
      many_to_one: the function `ManyToOne`; None for a net that treats each step separately.
      attention: the function `AttentionWeights`; None for a net without attention.
    """

    def __repr__(self) -> str:
        from jaxrnn.net_summary import one_line

        return one_line(self) or super().__repr__()

    def _replace(self, **fields: Any) -> "Net":
        versions = {name: self._version(name, fields) for name in ("with_unroll", "many_to_one") if name not in fields}
        return super()._replace(**fields, **versions)

    def _version(self, name, fields):
        """Returns the function in the field `name`, with the same changes to the net that it builds, or None."""
        build = getattr(self, name)
        return build and (lambda *arguments: build(*arguments)._replace(**fields))


class ExplicitWeights(NamedTuple):
    """The version of a parametrized net whose params are the recurrent weights themselves.

    Fields:
      net: the `Net` of that version.
      weights: (params of the parametrized net) -> params of `net`. Computes the recurrent weights.
    """

    net: Net
    weights: Callable[[Params], Params]


class Encode(Protocol):
    """Reads the source; returns the decoder's params and its carry before the first step."""

    def __call__(
        self, params: Params, source: Num[ArrayLike, "S *B D"], mask: Bool[ArrayLike, "S *B"] | None = None, /
    ) -> tuple[Params, Carry]: ...


class Decoding(NamedTuple):
    """The parts of an encoder-decoder, for producing an answer step by step.

    Fields:
      encode: the function `Encode`.
      decoder: the decoder, a causal `Net`.
      start: (batch_shape) -> x_0. Returns the decoder's first input, [B, 1] for symbols or [B, K] for values.
    """

    encode: Encode
    decoder: Net
    start: Callable[[tuple[int, ...]], Float[Array, "*B K"]]
