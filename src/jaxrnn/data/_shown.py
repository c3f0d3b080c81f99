"""How examples are shown: (Batch, predicted) -> a dict a sequence with "input", "target" and "prediction" as text.

`predicted` holds the numbers of symbols [T, B]; a "picture" is an array [rows, columns], and "parts" are the symbols of
a sequence that is labelled step by step, as lists: (inputs, targets, predictions).
"""

import numpy as np


def labelled(names, describe):
    """Of sequences with one label.

    Args:
      names: the labels, in the order of their numbers.
      describe: (xs [S, D], number) -> {"input": text, ...}.
    """

    def shown(batch, predicted):
        xs, mask, at = np.asarray(batch.xs), np.asarray(batch.mask), last_counted(batch)
        rows = []
        for row, step in enumerate(at):
            target, found = int(batch.targets[step, row, 0]), int(predicted[step, row])
            rows.append(describe(xs[mask[:, row], row], row) | {"target": names[target], "prediction": names[found]})
        return rows

    return shown


def tagged(inputs, outputs):
    """Of sequences with a label a step; inputs and outputs are `Symbols`."""

    def shown(batch, predicted):
        xs, targets, mask = (np.asarray(a) for a in (batch.xs[..., 0], batch.targets[..., 0], batch.mask))
        rows = []
        for row in range(xs.shape[1]):
            valid = mask[:, row]
            parts = [
                [symbols.names[int(number)] for number in numbers[valid, row]]
                for symbols, numbers in ((inputs, xs), (outputs, targets), (outputs, np.asarray(predicted)))
            ]
            words, tags, found = (" ".join(part) for part in parts)
            rows.append({"input": words, "target": tags, "prediction": found, "parts": tuple(parts)})
        return rows

    return shown


def answered(describe, outputs):
    """Of sequences with an answer of its own length.

    Args:
      describe: (source [S, D], number) -> {"input": text, ...}.
      outputs: the `Symbols` of the answer.
    """

    def shown(batch, predicted):
        source, targets = np.asarray(batch.xs.source), np.asarray(batch.targets[..., 0])
        mask, predicted = np.asarray(batch.mask), np.asarray(predicted)
        return [
            describe(source[mask[:, row], row], row)
            | {"target": outputs.decode(targets[:, row]), "prediction": outputs.decode(predicted[:, row])}
            for row in range(targets.shape[1])
        ]

    return shown


def text_of(symbols):
    """xs [S, 1] -> {"input": its text}."""
    return lambda xs, number: {"input": symbols.decode(xs)}


def last_counted(batch):
    """[B], the last step of each sequence that counts."""
    weights = np.asarray(batch.weights)
    return len(weights) - 1 - np.argmax(weights[::-1] > 0, axis=0)
