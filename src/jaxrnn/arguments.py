"""Checks values against type annotations: the arguments of a call and the keys of a configuration."""

import collections.abc
import difflib
import functools
import inspect
import math
import types
import typing

from jaxrnn.errors import ConfigError
from jaxrnn.made_by import Call, record
from jaxrnn.other_names import MOVED, NEW_NAMES, key_here
from jaxrnn.signatures import hints, signature

PRINTABLE_TYPES = (bool, int, float, str, list, tuple, dict, type(None))  # types whose values a message shows
MAX_SHOWN = 100  # most characters of a value in a message
CONTAINER_TYPES: tuple[typing.Any, ...] = (list, tuple, dict, collections.abc.Sequence)
ADVICE = {  # (expected type, type of the value) -> what to do
    ("Net", "Cell"): "jaxrnn.rnn(cell, output_size) makes one",
    ("Net", "list"): "jaxrnn.nets.serial(*nets) makes one of several",
    ("Net", "tuple"): "jaxrnn.nets.serial(*nets) makes one of several",
    ("Dataset", "array"): "jaxrnn.data.series.dataset(values) makes one",
    ("Loss", "function"): "jaxrnn.dataset.Loss(function, name) makes one",
}
Function = typing.TypeVar("Function", bound=collections.abc.Callable[..., typing.Any])


def checked(function: Function) -> Function:
    """Checks the arguments of every call against the function's annotations, like the keys of a configuration.

        @checked
        def cell(size: Size, leak: Rate = 0.1) -> Cell:

    Arrays are accepted where a number is expected, also traced ones: a sweep varies numbers inside one program.

    Raises:
      ConfigError: at a call, if an argument has the wrong type or is out of range.
    """

    @functools.wraps(function)
    def call(*args, **kwargs):
        try:
            bound = signature(function).bind(*args, **kwargs)
        except TypeError:
            _refuse_unknown_names(function, kwargs)
            return function(*args, **kwargs)  # raises TypeError with the function's name
        annotations, call_arguments = hints(function), {}
        for name, value in bound.arguments.items():
            kind, hint = signature(function).parameters[name].kind, annotations.get(name)
            if kind is inspect.Parameter.VAR_POSITIONAL:
                bound.arguments[name] = tuple(_convert_argument(element, hint, name) for element in value)
            elif kind is not inspect.Parameter.VAR_KEYWORD:
                bound.arguments[name] = _convert_argument(value, hint, name)
            call_arguments |= _recorded_arguments(bound.arguments[name], name, kind)
        result = function(*bound.args, **bound.kwargs)
        return record(result, Call(dotted(function), call_arguments))

    return typing.cast(Function, call)


def _recorded_arguments(value, name, kind):
    """Returns {name: value} of an argument as a configuration writes it."""
    if kind is inspect.Parameter.VAR_KEYWORD:
        return value
    return {"_args_" if kind is inspect.Parameter.VAR_POSITIONAL else name: value}


def validated(value, hint, name):
    """Returns the value, converted to the type that an annotation requires.

    Raises:
      ConfigError: if the value has another type or is out of range.
    """
    from pydantic import ValidationError  # here, so that importing the package stays fast

    if isinstance(value, float) and not math.isfinite(value):
        raise ConfigError(f"{name}={value}: should be finite")
    try:
        return _adapter(hint).validate_python(value, strict=isinstance(value, bool))  # true is not 1
    except ValidationError as error:
        raise ConfigError(_error_message(value, hint, name, error.errors())) from error


@functools.cache
def is_checkable(hint):
    """Returns whether values can be checked against an annotation; false for None, a missing annotation."""
    from pydantic import PydanticSchemaGenerationError

    try:
        _adapter(hint)
    except PydanticSchemaGenerationError:
        return False
    return hint is not None


def nearest(name, names):
    """Returns the end of a message: the new name of an old one, the most similar names, or all names."""
    if NEW_NAMES.get(str(name)) in names:
        return f"; it is called {NEW_NAMES[str(name)]} now"
    close = difflib.get_close_matches(str(name), [str(n) for n in names], n=3, cutoff=0.5)
    return f"; nearest: {', '.join(close)}" if close else f"; there are: {', '.join(map(str, names))}"


def refuse_factory(value, name):
    """Refuses a factory that was passed instead of the function that it returns.

    Raises:
      ConfigError: if the value is annotated to return a function or a NamedTuple such as `Metric`.
    """
    result = _return_annotation(value)
    if _is_of_functions(result) or hasattr(result, "_fields"):
        raise ConfigError(f"{name}: expected what {dotted(value)} returns, got the function itself; call it")


def _refuse_unknown_names(function, names):
    """Raises ConfigError for an argument that has a new name or belongs to another factory, TypeError for others."""
    known = signature(function).parameters
    unknown = {NEW_NAMES.get(name, name): name for name in names if name not in known}
    for name, old in unknown.items():
        if name in known:
            raise ConfigError(f"{old}: {dotted(function)} has no such argument{nearest(old, known)}")
    for name, factory in MOVED.items():
        if name in unknown:
            raise ConfigError(f"{unknown[name]}: {dotted(function)} has no such argument; use {factory}({name}=...)")
    for name in unknown.values():
        here = (key_here(name) or "").rpartition(".")[2]
        hint = f"; here it is {here}=..." if here in known else ""
        raise TypeError(f"{function.__name__}() got an unexpected keyword argument '{name}'{hint}")


def _convert_argument(value, hint, name):
    """Returns an argument, converted to its annotated type if that type can be checked."""
    import numpy as np

    if isinstance(value, np.generic):
        value = value.item()
    is_array_of_numbers = _holds_array(value) and _accepts_numbers(hint)
    return value if is_array_of_numbers or not is_checkable(hint) else validated(value, hint, name)


def _holds_array(value):
    if isinstance(value, list | tuple) and not hasattr(value, "_fields"):
        return any(map(_holds_array, value))
    return hasattr(value, "dtype")


@functools.cache
def _accepts_numbers(hint):
    return hint in (int, float) or any(map(_accepts_numbers, typing.get_args(hint)))


@functools.cache
def _adapter(hint):
    from pydantic import TypeAdapter

    return TypeAdapter(_with_instance_checks(hint))


def _with_instance_checks(hint: typing.Any) -> typing.Any:
    """Replaces the types in an annotation that pydantic would check by their fields or not at all.

    A NamedTuple becomes an instance check, and a `Protocol` of a function becomes `Callable`.
    """
    from pydantic import InstanceOf

    if hasattr(hint, "_fields"):
        return InstanceOf[hint]
    if getattr(hint, "_is_runtime_protocol", False):
        return InstanceOf[hint]
    if _is_of_functions(hint):
        return collections.abc.Callable
    origin, parts = typing.get_origin(hint), tuple(map(_with_instance_checks, typing.get_args(hint)))
    if origin in (typing.Union, types.UnionType):
        return typing.Union[parts]  # noqa: UP007
    return origin[parts] if origin in CONTAINER_TYPES else hint


def _error_message(value, hint, name, errors):
    """Returns the message for a value of the wrong type or out of range."""
    expected = [error["ctx"]["class"] for error in errors if error["type"] == "is_instance_of"]
    if expected:
        is_path = any(error["type"] == "path_type" for error in errors) or "Path" in expected
        expected = ["path"] * is_path + [name for name in expected if name != "Path"]
        expectation = f"expected {' or '.join(map(_with_article, dict.fromkeys(expected)))}"
        return f"{name}: {expectation}, got {described(value)}{_advice(value, hint, expected)}"
    # A path is a string to the user, so that the complaint about a path is dropped if there is another one.
    reported = [error for error in errors if error["type"] != "path_type"] or errors
    reasons = " or ".join(dict.fromkeys(error["msg"].removeprefix("Input ") for error in reported))
    if not isinstance(value, PRINTABLE_TYPES) or hasattr(value, "_fields"):
        return f"{name}: {reasons}, got {described(value)}{_advice(value, hint, expected)}"
    choices = [choice for part in (hint, *typing.get_args(hint)) for choice in _choices(part)]
    close = nearest(value, choices) if isinstance(value, str) and choices else ""
    shown = str(value) if len(str(value)) <= MAX_SHOWN else f"{str(value)[:MAX_SHOWN]}..."
    return f"{name}={shown}: {reasons}{close}"


def _choices(hint):
    return list(typing.get_args(hint)) if typing.get_origin(hint) is typing.Literal else []


def described(value):
    """Describes a value by its type, such as "a list" or "the function f"."""
    if inspect.ismodule(value):
        return f"the module {value.__name__}"
    return f"the function {dotted(value)}" if inspect.isfunction(value) else _with_article(_type_name(value))


def _type_name(value):
    return "array" if hasattr(value, "dtype") else type(value).__name__


def _with_article(noun):
    return f"{'an' if noun[0].lower() in 'aeiou' else 'a'} {noun}"


def _advice(value, hint, expected):
    """Returns the end of a message: how to make the expected type from the value; empty if unknown."""
    functions = vars(value).values() if inspect.ismodule(value) else [value]
    for function in functions:
        if _returns(function, hint):
            return f"; call {dotted(function)}(...)"
    return "".join(f"; {ADVICE[pair]}" for name in expected if (pair := (name, _type_name(value))) in ADVICE)


def _returns(function, hint):
    """Returns whether a function's return annotation matches an annotation."""
    result = _return_annotation(function)
    if _is_of_functions(result):
        return any(_is_of_functions(part) for part in (hint, *typing.get_args(hint)))
    kinds = tuple(part for part in (hint, *typing.get_args(hint)) if inspect.isclass(part))
    return hasattr(result, "_fields") and issubclass(result, kinds)


def _is_of_functions(hint):
    """Returns whether an annotation is a type of functions: `Callable`, or a `Protocol` such as `Unroll`."""
    return typing.get_origin(hint) is collections.abc.Callable or getattr(hint, "_is_protocol", False)


def _return_annotation(function: object) -> typing.Any:
    return hints(function).get("return") if inspect.isfunction(function) else None


def dotted(function):
    """Returns the full name of a function, or of a callable's class, with its module."""
    named = function if hasattr(function, "__qualname__") else type(function)
    return f"{named.__module__}.{named.__qualname__}"
