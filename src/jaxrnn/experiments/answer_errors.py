"""Error rates of the answers that an encoder-decoder writes by itself, by the edit distance to the targets."""

from jaxrnn.symbols import Symbols


def edit_distance(a, b):
    """Returns the smallest number of insertions, deletions and replacements that turn one sequence into another."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        before, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (x != y))
    return row[-1]


def error_rate(targets, predictions, separator):
    """Returns the edit distance of all predictions divided by the number of symbols of all targets.

    Args:
      targets, predictions: texts [N].
      separator: the separator of the symbols: "" for letters, " " for words, which gives the word error rate.
    """
    split = Symbols((), separator).split
    pairs = [(split(target), split(prediction)) for target, prediction in zip(targets, predictions, strict=True)]
    return sum(edit_distance(*pair) for pair in pairs) / sum(len(target) for target, _ in pairs)


def sentence(run, path):
    """Describes the errors of a run's answers in `predictions.csv`, for the terminal; "" for data without answers.

    Args:
      run: a `Run`.
      path: the path of `predictions.csv`, or None.
    """
    import pandas  # imported here: it takes half a second

    outputs = run.dataset.symbols.outputs
    if path is None or run.net.decoding is None or outputs is None:
        return ""
    table = pandas.read_csv(path, keep_default_na=False, dtype=str)
    targets, predictions = table["target"], table["prediction"]
    exact = (targets == predictions).mean()
    rates = {"per symbol": error_rate(targets, predictions, outputs.separator)}
    if outputs.separator == "" and targets.str.contains(" ").any():
        rates["per word (word error rate)"] = error_rate(targets, predictions, " ")
    edits = ", ".join(f"{rate:.4g} {unit}" for unit, rate in rates.items())
    return f"answers of {table['split'][0]}, decoded greedily: {exact:.4g} exact; edit distance {edits}"
