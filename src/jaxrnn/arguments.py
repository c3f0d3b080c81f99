"""Values held to annotations: one check for the arguments of a call and for the keys of a configuration."""

import collections.abc
import difflib
import functools
import inspect
import math
import types
import typing

from jaxrnn.errors import ConfigError

PLAIN = (bool, int, float, str, list, tuple, dict, type(None))  # what a message can show
LONGEST = 100  # letters of a value in a message
CONTAINERS = (list, tuple, dict, collections.abc.Sequence)
ADVICE = {  # (the type expected, the type found) -> what to do
    ("Net", "Cell"): "jaxrnn.rnn(cell, output_size) makes one",
    ("Net", "list"): "jaxrnn.nets.serial(*nets) makes one of several",
    ("Net", "tuple"): "jaxrnn.nets.serial(*nets) makes one of several",
    ("Dataset", "array"): "jaxrnn.data.series.dataset(values) makes one",
}
Function = typing.TypeVar("Function", bound=collections.abc.Callable[..., typing.Any])


def checked(function: Function) -> Function:
    """Holds the arguments of every call to the function's annotations, as a configuration's keys are.

        @checked
        def cell(size: Size, leak: Rate = 0.1) -> Cell:

    Arrays in the place of numbers are left alone, traced ones too: a sweep varies numbers inside one program.

    Raises:
      ConfigError: from each call with an argument of the wrong type or out of range.
    """

    @functools.wraps(function)
    def call(*args, **kwargs):
        try:
            bound = _signature(function).bind(*args, **kwargs)
        except TypeError:
            return function(*args, **kwargs)  # raises TypeError with the function's name
        annotations = hints(function)
        for name, value in bound.arguments.items():
            kind, hint = _signature(function).parameters[name].kind, annotations.get(name)
            if kind is inspect.Parameter.VAR_POSITIONAL:
                bound.arguments[name] = tuple(_argument(each, hint, name) for each in value)
            elif kind is not inspect.Parameter.VAR_KEYWORD:
                bound.arguments[name] = _argument(value, hint, name)
        return function(*bound.args, **bound.kwargs)

    return typing.cast(Function, call)


def validated(value, hint, name):
    """Returns the value as the type that an annotation asks for.

    Raises:
      ConfigError: if it is not of that type or out of its range.
    """
    from pydantic import ValidationError  # here, so that importing the package stays fast

    if isinstance(value, float) and not math.isfinite(value):
        raise ConfigError(f"{name}={value}: should be finite")
    try:
        return _adapter(hint).validate_python(value, strict=isinstance(value, bool))  # true is not 1
    except ValidationError as error:
        raise ConfigError(_refusal(value, hint, name, error.errors())) from error


@functools.cache
def is_checkable(hint):
    """Whether values can be held to an annotation, None for none."""
    from pydantic import PydanticSchemaGenerationError

    try:
        _adapter(hint)
    except PydanticSchemaGenerationError:
        return False
    return hint is not None


@functools.cache
def hints(function):
    """{parameter: annotation} of a function or a class's `__init__`; empty where an annotation cannot be resolved."""
    target = function.__init__ if inspect.isclass(function) and not hasattr(function, "_fields") else function
    try:
        return typing.get_type_hints(target, include_extras=True)
    except (NameError, TypeError):
        return {}


def nearest(name, names):
    """The names that are close to one, or all of them, as the end of a message."""
    close = difflib.get_close_matches(str(name), [str(n) for n in names], n=3, cutoff=0.5)
    return f"; nearest: {', '.join(close)}" if close else f"; there are: {', '.join(map(str, names))}"


def refuse_factory(value, name):
    """Refuses a factory in the place of the function that it returns.

    Raises:
      ConfigError: if the value's annotation says that it returns a function, a `Metric` or the like.
    """
    result = _returned(value)
    if typing.get_origin(result) is collections.abc.Callable or hasattr(result, "_fields"):
        raise ConfigError(f"{name}: expected what {dotted(value)} returns, got the function itself; call it")


_signature = functools.cache(inspect.signature)


def _argument(value, hint, name):
    """An argument as the type that its annotation asks for, where that can be checked."""
    import numpy as np

    if isinstance(value, np.generic):
        value = value.item()
    is_array_of_numbers = _holds_array(value) and _takes_numbers(hint)
    return value if is_array_of_numbers or not is_checkable(hint) else validated(value, hint, name)


def _holds_array(value):
    if isinstance(value, list | tuple) and not hasattr(value, "_fields"):
        return any(map(_holds_array, value))
    return hasattr(value, "dtype")


@functools.cache
def _takes_numbers(hint):
    return hint in (int, float) or any(map(_takes_numbers, typing.get_args(hint)))


@functools.cache
def _adapter(hint):
    from pydantic import TypeAdapter

    return TypeAdapter(_by_instance(hint))


def _by_instance(hint):
    """The annotation with an instance check for every NamedTuple, whose fields pydantic would check otherwise."""
    from pydantic import InstanceOf

    if hasattr(hint, "_fields"):
        return InstanceOf[hint]
    origin, parts = typing.get_origin(hint), tuple(map(_by_instance, typing.get_args(hint)))
    if origin in (typing.Union, types.UnionType):
        return typing.Union[parts]  # noqa: UP007
    return origin[parts] if origin in CONTAINERS else hint


def _refusal(value, hint, name, errors):
    """The message for a value that is not of its type or out of its range."""
    expected = [error["ctx"]["class"] for error in errors if error["type"] == "is_instance_of"]
    if expected:
        expectation = f"expected {' or '.join(map(_with_article, dict.fromkeys(expected)))}"
        return f"{name}: {expectation}, got {described(value)}{_advice(value, hint, expected)}"
    told = [error for error in errors if error["type"] != "path_type"] or errors  # a path is a string to the user
    reasons = " or ".join(dict.fromkeys(error["msg"].removeprefix("Input ") for error in told))
    if not isinstance(value, PLAIN) or hasattr(value, "_fields"):
        return f"{name}: {reasons}, got {described(value)}{_advice(value, hint, expected)}"
    choices = [choice for part in (hint, *typing.get_args(hint)) for choice in _choices(part)]
    close = nearest(value, choices) if isinstance(value, str) and choices else ""
    shown = str(value) if len(str(value)) <= LONGEST else f"{str(value)[:LONGEST]}..."
    return f"{name}={shown}: {reasons}{close}"


def _choices(hint):
    return list(typing.get_args(hint)) if typing.get_origin(hint) is typing.Literal else []


def described(value):
    """A value in words, by its type."""
    if inspect.ismodule(value):
        return f"the module {value.__name__}"
    return f"the function {dotted(value)}" if inspect.isfunction(value) else _with_article(_type_name(value))


def _type_name(value):
    return "array" if hasattr(value, "dtype") else type(value).__name__


def _with_article(noun):
    return f"{'an' if noun[0].lower() in 'aeiou' else 'a'} {noun}"


def _advice(value, hint, expected):
    """How to come from the value to what is expected, as the end of a message."""
    functions = vars(value).values() if inspect.ismodule(value) else [value]
    for function in functions:
        if _makes(function, hint):
            return f"; call {dotted(function)}(...)"
    return "".join(f"; {ADVICE[pair]}" for name in expected if (pair := (name, _type_name(value))) in ADVICE)


def _makes(function, hint):
    """Whether a function returns what an annotation asks for, by its own annotation."""
    result = _returned(function)
    if typing.get_origin(result) is collections.abc.Callable:
        return any(typing.get_origin(part) is collections.abc.Callable for part in (hint, *typing.get_args(hint)))
    kinds = tuple(part for part in (hint, *typing.get_args(hint)) if inspect.isclass(part))
    return hasattr(result, "_fields") and issubclass(result, kinds)


def _returned(function):
    return hints(function).get("return") if inspect.isfunction(function) else None


def dotted(function):
    """The name of a function, or of a callable's class, with its module."""
    named = function if hasattr(function, "__qualname__") else type(function)
    return f"{named.__module__}.{named.__qualname__}"
