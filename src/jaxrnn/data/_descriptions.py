"""Functions that describe examples for display (see `jaxrnn.symbols.Describe`)."""

import numpy as np


def labelled(names, describe_input):
    """Returns a `Describe` for sequences with one label.

    Args:
      names: the labels, by index.
      describe_input: (xs [S, D], row) -> {"input": text, ...}.
    """

    def describe(batch, predicted):
        xs, mask, steps = np.asarray(batch.xs), np.asarray(batch.mask), last_counted(batch)
        rows = []
        for row, step in enumerate(steps):
            target, label = int(batch.targets[step, row, 0]), int(predicted[step, row])
            rows.append(
                {**describe_input(xs[mask[:, row], row], row), "target": names[target], "prediction": names[label]}
            )
        return rows

    return describe


def tagged(inputs, outputs):
    """Returns a `Describe` for sequences with one label per step; inputs and outputs are `Symbols`."""

    def describe(batch, predicted):
        xs, targets, mask = (np.asarray(a) for a in (batch.xs[..., 0], batch.targets[..., 0], batch.mask))
        rows = []
        for row in range(xs.shape[1]):
            valid = mask[:, row]
            parts = [
                [symbols.names[int(number)] for number in numbers[valid, row]]
                for symbols, numbers in ((inputs, xs), (outputs, targets), (outputs, np.asarray(predicted)))
            ]
            words, tags, predicted_tags = (" ".join(part) for part in parts)
            rows.append({"input": words, "target": tags, "prediction": predicted_tags, "parts": tuple(parts)})
        return rows

    return describe


def answered(describe_input, outputs):
    """Returns a `Describe` for sequences whose answer has its own length.

    Args:
      describe_input: (source [S, D], row) -> {"input": text, ...}.
      outputs: the `Symbols` of the answer.
    """

    def describe(batch, predicted):
        source, targets = np.asarray(batch.xs.source), np.asarray(batch.targets[..., 0])
        mask, predicted = np.asarray(batch.mask), np.asarray(predicted)
        return [
            describe_input(source[mask[:, row], row], row)
            | {"target": outputs.decode(targets[:, row]), "prediction": outputs.decode(predicted[:, row])}
            for row in range(targets.shape[1])
        ]

    return describe


def text_of(symbols):
    """Returns (xs [S, 1], row) -> {"input": the text of xs}."""
    return lambda xs, number: {"input": symbols.decode(xs)}


def last_counted(batch):
    """Returns the last step with a weight above 0 of each sequence, [B]."""
    weights = np.asarray(batch.weights)
    return len(weights) - 1 - np.argmax(weights[::-1] > 0, axis=0)
