"""Values that the recurrent layers of a net read and return in addition to carries and outputs, such as a record.

A carry holds the state of a cell and nothing else, and `Net.apply` returns a carry and outputs. So `record` takes what
a `RecordingUnroll` returns in addition to them from the unroll itself, while JAX traces the net. It works for every
net that passes the unroll on in `with_unroll`. The call as a whole is a pure function.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
from jaxtyping import Array, Float

from jaxrnn.contracts import RecordingUnroll
from jaxrnn.nets.frontend import LastInputs
from jaxrnn.types import Carry, Net, Params, Unroll
from jaxrnn.unroll.contract import scan


class _Collecting(NamedTuple):
    """The unroll of a net whose layers are being recorded."""

    unroll: Unroll

    def __call__(self, *arguments, **flags):
        return self.unroll(*arguments, **flags)


def record(
    net: Net,
    unroll: RecordingUnroll,
    instructions: Sequence[Any] | None,
    params: Params,
    carry: Carry,
    xs: Any,
    **options: Any,
) -> tuple[Carry, Float[Array, "T *B K"], list[Any]]:
    """Runs a net with a recording unroll.

    Args:
      net: a `Net`. In an encoder-decoder only the encoder's layers are recorded, because its decoder may run in a loop.
      unroll: a `RecordingUnroll`.
      instructions: one per layer; None if the unroll takes no instruction.
      params, carry, xs, options: as in `Net.apply`.

    Returns:
      (carry, ys, [the record of each layer]). Layers are in the order in which the net runs them, from the input to the
      output; the forward direction of a bidirectional layer comes before its backward direction.

    Raises:
      ValueError: if the net runs a layer inside a transformation of its own, such as `jax.checkpoint`, or if a part of
        its carry belongs to no recurrent layer.
    """
    from jax.extend.core import get_opaque_trace_state  # importing it takes a tenth of a training's start

    records, carries, caller = [], [], get_opaque_trace_state()

    def collect(cell, params, carry, xs, **flags):
        if get_opaque_trace_state() != caller:
            raise ValueError("this net runs a layer inside a transformation of its own, so it cannot be recorded")
        instruction = None if instructions is None else instructions[len(records)]
        carries.append(carry)
        carry, ys, layer_record = unroll(instruction, cell, params, carry, xs, **flags)
        records.append(layer_record)
        return carry, ys

    new_carry, ys = net.with_unroll(_Collecting(collect)).apply(params, carry, xs, **options)
    if len(jax.tree.leaves(carries)) != len(_state(carry)):
        raise ValueError("this net has a carry outside its recurrent layers, which cannot be recorded")
    return new_carry, ys, records


def _state(carry):
    """Returns the leaves of a net's carry without the inputs that a convolution holds."""
    nodes = jax.tree.leaves(carry, is_leaf=lambda node: isinstance(node, LastInputs))
    return [node for node in nodes if not isinstance(node, LastInputs)]


def unrecorded(unroll):
    """Returns the unroll for layers that are not recorded, such as a decoder's: the plain scan for `record`."""
    return scan if isinstance(unroll, _Collecting) else unroll
