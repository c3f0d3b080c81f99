"""Describes a library's layers, and converts between its modules and `Stack`s by that description."""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

import jax.numpy as jnp

from jaxrnn.interop._equivalence import stack_of_net, verified
from jaxrnn.interop._stack import KIND_NAMES, KINDS, Layer, Stack, net_of
from jaxrnn.interop._weights import Format, array, arrays_of, params_of
from jaxrnn.nets.combine import MERGES
from jaxrnn.nets.layers import AffineParams


class Library(NamedTuple):
    """A library's layers.

    Fields:
      name: name of the library in messages.
      reader: name of the function that imports from it.
      expected: the modules that an import accepts, in order, for messages.
      cells: one `Format` per kind of cell, or per variant of one.
      embedding: names of the class and of its array.
      readout: names of the class and of its arrays for w and b.
      transposed: whether recurrent weights and readouts have the shape [out, in].
      merges: ways to merge the outputs of two directions that the library has.
      outputs: values of `Stack.output` that the library has.
    """

    name: str
    reader: str
    expected: str
    cells: tuple[Format, ...]
    embedding: tuple[str, str]
    readout: tuple[str, str, str]
    transposed: bool = False
    merges: tuple[str, ...] = tuple(MERGES)
    outputs: tuple[str, ...] = ("all",)

    @property
    def modules(self) -> dict[str, Format]:
        """The first format of each of the library's classes, by its name."""
        return {name: layout for layout in reversed(self.cells) for name in layout.modules}

    def oriented(self, arrays: Mapping[str, Any]) -> dict[str, Any]:
        """Turns matrices between [in, out] and the library's shape."""
        return {name: a.T if self.transposed else a for name, a in arrays.items()}


class Part(NamedTuple):
    """One module of a library that was read.

    Fields:
      name: name of the module, for messages.
      role: its role in a `Stack`.
      value: a list of `Layer`s, `AffineParams`, an embedding [vocabulary, E], or a dropout rate.
    """

    name: str
    role: Literal["layers", "readout", "embedding", "dropout", "ignored", "unexpected"] = "unexpected"
    value: Any = None


class Spec(NamedTuple):
    """One module of a library to be created.

    Fields:
      module: name of its class.
      sizes: the input size (of an embedding: the number of symbols) and the output size.
      arrays: {name: array}.
      activation: activation of an Elman cell, otherwise None.
    """

    module: str
    sizes: tuple[int, int]
    arrays: dict[str, Any]
    activation: str | None = None

    @property
    def inferred_sizes(self) -> tuple[int, ...]:
        """Sizes for a library that infers the input size when a module is called; only an embedding needs both."""
        return self.sizes if self.module.startswith("Embed") else self.sizes[1:]


def part_of(
    library: Library,
    name: str,
    arrays: Mapping[str, Any],
    activation: str = "tanh",
    labels: Mapping[str, str] = MappingProxyType({}),
) -> Part:
    """Describes a cell, an embedding or a readout.

    Args:
      library: the library.
      name: name of the module's class. Other classes are unexpected.
      arrays: {name: array} in the library's shapes; None stands for no array.
      activation: activation of an Elman cell.
      labels: {name of an array: its name in messages}, if they differ.

    Raises:
      ValueError: if an array does not contain numbers or does not fit the others.
    """

    def label(path):
        return labels.get(path, path)

    (embedding, table), (readout, w, b) = library.embedding, library.readout
    try:
        arrays = {path: array(a, label(path)) for path, a in arrays.items() if a is not None}
        oriented = library.oriented(arrays)
        if name in library.modules:
            params = params_of(library.modules[name], oriented, label)
            return Part(name, "layers", [Layer(params, activation=activation)])
    except ValueError as error:
        raise ValueError(f"{library.reader}: {error}") from error
    if name == readout and w in arrays:
        zeros = jnp.zeros(oriented[w].shape[-1:], oriented[w].dtype)
        return Part(name, "readout", AffineParams(oriented[w], oriented.get(b, zeros)))
    return Part(name, "embedding", arrays[table]) if name == embedding and table in arrays else Part(name)


def layer_of(library: Library, directions: Iterable[Part], merge: str = "concat") -> Part:
    """Joins the parts of one or two directions to one layer.

    Raises:
      ValueError: if a direction is not a cell, or the directions have different activations.
    """
    directions = list(directions)
    for part in directions:
        if part.role != "layers":
            raise ValueError(f"{library.reader}: unexpected {part.name} as a direction: expected a recurrent layer")
    layer, *backward = (part.value[0] for part in directions)
    if len({layer.activation, *(other.activation for other in backward)}) > 1:
        raise ValueError(
            f"{library.reader}: both directions need the same activation, found {layer.activation} and "
            f"{backward[0].activation}"
        )
    layer = layer._replace(backward=backward[0].forward if backward else None, merge=merge)
    return Part(directions[0].name, "layers", [layer])


def stack_of_parts(library: Library, parts: Iterable[Part]) -> Stack:
    """Converts a library's `Part`s, in the order in which they run, to a `Stack`.

    Raises:
      ValueError: if a part is unexpected or not in the order of `Library.expected`.
    """
    stack, dropout = Stack(()), 0.0
    for part in parts:
        if part.role == "layers" and stack.readout is None:
            first, *others = part.value
            stack = stack._replace(layers=(*stack.layers, first._replace(dropout=dropout), *others))
            dropout = 0.0
        elif part.role == "readout" and stack.layers and stack.readout is None:
            stack, dropout = stack._replace(readout=part.value, dropout=dropout), 0.0
        elif part.role == "embedding" and not stack.layers and stack.embedding is None:
            stack = stack._replace(embedding=part.value)
        elif part.role == "dropout" and stack.readout is None:
            dropout = part.value
        elif part.role != "ignored":
            raise ValueError(f"{library.reader}: unexpected {part.name}: expected {library.expected}")
    if not stack.layers:
        raise ValueError(f"{library.reader}: found no recurrent layer: expected {library.expected}")
    return stack


def net_of_parts(library, parts, compute, source, **sizes):
    """Converts `Part`s to (`Net`, params), after comparing its outputs with the modules'. Arguments: see `verified`."""
    return net_of(verified(stack_of_parts(library, parts), compute, f"{library.reader}: {source}", **sizes))


def exported(library: Library, net: Any, params: Any) -> Stack:
    """Finds the `Stack` of a net and checks that a library has all its layers.

    Raises:
      ValueError: if the library lacks a layer. The message names it.
    """
    stack = stack_of_net(net, params, library.name)
    if stack.output not in library.outputs:
        raise ValueError(
            f"{library.name} has no layer with one output per sequence; export a net with all outputs and select the "
            "last one"
        )
    for layer in stack.layers:
        if layer.backward is not None and layer.merge not in library.merges:
            raise ValueError(f"{library.name} has no merge={layer.merge}: expected merge={' or '.join(library.merges)}")
        specs_of(library, layer)
    return stack


def specs_of(library: Library, layer: Layer) -> list[Spec]:
    """Lists one `Spec` per direction of a layer.

    Raises:
      ValueError: if the library does not have the cell or its variant.
    """
    specs = []
    for direction in layer.directions:
        layout = _layout(library, layer, direction)
        activation = layer.activation if KINDS[layout.kind].option == "activation" else None
        arrays = library.oriented(arrays_of(layout, direction))
        specs.append(Spec(layout.modules[0], (len(direction.w_x), layer.size), arrays, activation))
    return specs


def _layout(library, layer, direction):
    kind, variant = KIND_NAMES[type(direction)], layer.variant(direction)
    layouts = [layout for layout in library.cells if layout.kind == kind]
    for layout in layouts:
        if variant in layout.variants or not layout.variants:
            return layout
    if not layouts:
        raise ValueError(f"{library.name} has no {kind} layer")
    option = KINDS[kind].option
    variants = " or ".join(name for layout in layouts for name in layout.variants)
    raise ValueError(
        f"{library.name} has no {kind} with {option}={variant}: expected {option}={variants}, found {option}={variant}"
    )


def modules_of(library: Library, stack: Stack, make: Callable[..., Any], recurrent: Callable[..., Any]) -> list[Any]:
    """Lists the modules of a stack in order.

    Args:
      library: the library.
      stack: a stack from `exported`.
      make: (`Spec`) -> module. Creates a cell, an embedding or a readout.
      recurrent: (`Layer`, one module per direction) -> module. Joins the cells of a layer.
    """
    (embedding, table), (readout, w, b) = library.embedding, library.readout
    modules = []
    if stack.embedding is not None:
        modules.append(make(Spec(embedding, stack.embedding.shape, {table: stack.embedding})))
    for layer in stack.layers:
        modules.append(recurrent(layer, [make(spec) for spec in specs_of(library, layer)]))
    if stack.readout is not None:
        arrays = library.oriented({w: stack.readout.w, b: stack.readout.b})
        modules.append(make(Spec(readout, stack.readout.w.shape, arrays)))
    return modules
