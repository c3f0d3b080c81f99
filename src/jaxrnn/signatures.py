"""Reads the parameters and annotations of factories, with groups of keywords taken apart."""

import functools
import inspect
import typing


@functools.cache
def hints(function):
    """Returns {parameter: annotation} of a function or a class; empty if an annotation cannot be resolved.

    The parameters include the keys of a group of keywords, as in `signature`.
    """
    target = function.__init__ if inspect.isclass(function) and not hasattr(function, "_fields") else function
    try:
        annotations = typing.get_type_hints(target, include_extras=True)
    except (NameError, TypeError):
        return {}
    for hint in list(annotations.values()):
        if typing.get_origin(hint) is typing.Unpack:
            annotations |= typing.get_type_hints(*typing.get_args(hint), include_extras=True)
    return annotations


@functools.cache
def signature(function):
    """Returns the signature of a function or a class, as `inspect.signature` does.

    A group of keywords, `**options: Unpack[T]` with a TypedDict T, counts as one keyword-only parameter per key of T.
    Its default is `off` of its annotation.
    """
    declared = inspect.signature(function)
    parameters = [p for p in declared.parameters.values() if typing.get_origin(p.annotation) is not typing.Unpack]
    annotations = hints(function) if len(parameters) < len(declared.parameters) else {}
    keywords = {n: hint for n, hint in annotations.items() if n not in declared.parameters and n != "return"}
    parameters += [inspect.Parameter(n, inspect.Parameter.KEYWORD_ONLY, default=off(h)) for n, h in keywords.items()]
    return declared.replace(parameters=parameters)


def off(hint):
    """Returns the value with which a keyword of a group has no effect, by its annotation: False, or else None."""
    return False if hint is bool else None


def options(functions):
    """Returns ({name: parameter}, {name: annotation}) of functions; the first one that has a name decides."""
    parameters, annotations = {}, {}
    for function in reversed(functions):
        parameters |= signature(function).parameters
        annotations |= hints(function)
    return parameters, annotations
