"""Figures of single examples: confusion matrix, attention weights, pictures and the worst predictions."""

import textwrap

import numpy as np

from jaxrnn.plotting import style

MAX_LABELS = 25  # a confusion matrix has no room for more


def confusion(targets, predictions):
    """Draws a confusion matrix: counts as numbers, and the share of each row's examples as grey levels.

    Args:
      targets: true labels as strings [N].
      predictions: predicted labels as strings [N].
    """
    names = sorted({*targets, *predictions}, key=lambda name: (len(name), name))
    counts = np.zeros((len(names), len(names)))
    for target, prediction in zip(targets, predictions, strict=True):
        counts[names.index(target), names.index(prediction)] += 1
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure, axes = style.axes("predicted label", "true label")
    figure.set_figheight(0.9 * figure.get_figwidth())
    image = axes.imshow(shares, cmap="Greys", vmin=0, vmax=1, aspect="auto")
    for (row, column), share in np.ndenumerate(shares):
        if counts[row, column]:
            colour = "white" if share > 0.5 else "black"
            options = {"ha": "center", "va": "center", "color": colour, "fontsize": style.SMALLEST}
            axes.text(column, row, f"{counts[row, column]:.0f}", **options)
    labels = [style.plain(name) for name in names]
    axes.set_xticks(range(len(names)), labels, rotation=45, ha="right")
    axes.set_yticks(range(len(names)), labels)
    figure.colorbar(image, ax=axes, label="share of examples with this true label")
    return figure


def attention(weights, answer, question):
    """Draws the attention weights between the symbols of an answer and of a question.

    Args:
      weights: attention weights [T, S].
      answer: output symbols [T].
      question: input symbols [S].
    """
    figure, axes = style.axes("input symbol", "output symbol")
    figure.set_figheight(max(2.2, min(0.24 * len(answer) + 1.0, 8.0)))
    image = axes.imshow(weights, cmap="Greys", vmin=0, vmax=1, aspect="auto")
    axes.set_xticks(range(len(question)), [style.plain(symbol) for symbol in question])
    axes.set_yticks(range(len(answer)), [style.plain(symbol) for symbol in answer])
    figure.colorbar(image, ax=axes, label="attention weight")
    return figure


def picture(image, name):
    """Draws one picture. Larger values are darker."""
    figure, axes = style.axes("", "")
    figure.set_size_inches(2.6, 2.8)
    _show(axes, image)
    style.title(axes, style.plain(name))
    return figure


def failures(rows, count=5):
    """Shows input, target and prediction of the wrong examples with the largest losses, the worst first.

    A generated picture is neither right nor wrong. For pictures it shows the ones with the largest losses.

    Args:
      rows: dicts from `jaxrnn.training.symbol_inference.examples`.
      count: number of examples to show.

    Returns:
      The figure, or None if no example is wrong.
    """
    wrong = [row for row in rows if "drawn" in row or row["prediction"] != row["target"]]
    if not wrong:
        return None
    worst = sorted(wrong, key=lambda row: -row["loss"])[:count]
    title = f"{len(wrong):,} of {len(rows):,} examples are wrong; the largest losses:"
    if "drawn" in worst[0]:
        title = f"largest losses of {len(rows):,} examples"
    if "picture" in worst[0]:
        return _pictures(worst, title)
    figure, axes = style.axes("", "")
    axes.axis("off")
    axes.set_title(title, loc="left")
    width = int(15 * figure.get_figwidth())
    lines = []
    for row in worst:
        for name in ("input", "target", "prediction"):
            text = textwrap.fill(f"{name:<11}{row[name]}", width, subsequent_indent=" " * 11)
            lines += text.split("\n")
        lines += [f"{'loss':<11}{row['loss']:.2f} nats", ""]
    figure.set_figheight(0.15 * len(lines) + 0.5)
    _put(axes, 0, 1, "\n".join(lines), transform=axes.transAxes)
    return figure


def sentences(rows, count=5):
    """Shows labelled sequences with the predicted label below each symbol.

    A wrong label is red and in brackets, with the true label below it.

    Args:
      rows: dicts from `jaxrnn.training.symbol_inference.examples`, with the key "parts".
      count: number of sequences to show, from the first one.
    """
    figure, axes = style.axes("", "")
    axes.axis("off")
    line_width = int(13.5 * figure.get_figwidth())  # characters per line
    blocks = [block for row in rows[:count] for block in (*_lines(row["parts"], line_width), [])]
    height = 0.0
    for block in blocks:
        for x, symbol, predicted, true in block:
            wrong = predicted != true
            _put(axes, x, height, symbol)
            _put(axes, x, height + 1, f"({predicted})" if wrong else predicted, color=style.RED if wrong else "0.45")
            if wrong:
                _put(axes, x, height + 2, true, color="0.45")
        height += 3.4 if block else 0.6
    axes.set_xlim(0, line_width)
    axes.set_ylim(height, -0.5)
    axes.set_title("predicted label below each symbol; wrong labels in brackets, true label below", loc="left")
    figure.set_figheight(0.13 * height + 0.3)
    return figure


def captions(rows, count=8):
    """Shows pictures with their predictions, and the target if the prediction is wrong."""
    first_rows = rows[:count]
    figure, panels = style.panels(len(first_rows), "", "", columns=4)
    for axes, row in zip(panels, first_rows, strict=True):
        _show(axes, row.get("drawn", row["picture"]))
        caption = row["prediction"] or row["input"]
        is_right = caption in (row["target"], row["input"])
        style.title(axes, style.plain(caption if is_right else f"{caption} (true: {row['target']})"))
    return figure


def _lines(parts, line_width):
    """Breaks a labelled sequence into lines of (column, symbol, predicted label, true label)."""
    symbols, targets, predictions = parts
    lines, column = [[]], 0
    for symbol, true, predicted in zip(symbols, targets, predictions, strict=True):
        width = max(len(symbol), len(true), len(predicted) + 2 * (predicted != true)) + 1
        if column + width > line_width and lines[-1]:
            lines, column = [*lines, []], 0
        lines[-1].append((column, symbol, predicted, true))
        column += width
    return lines


def _put(axes, x, y, text, **options):
    """Draws text from data in a monospace font."""
    axes.text(x, y, style.plain(text), family="monospace", fontsize=style.SMALLEST, va="top", **options)


def _pictures(worst, title):
    figure, panels = style.panels(len(worst), "", "", columns=len(worst))
    figure.suptitle(title)
    for axes, row in zip(panels, worst, strict=True):
        _show(axes, row.get("drawn", row["picture"]))
        target = row["target"] or row["input"]
        caption = f"{target}\npredicted: {row['prediction']}" if row["prediction"] else row["input"]
        style.title(axes, style.plain(f"{caption} ({row['loss']:.1f} nats)"))
    return figure


def _show(axes, image):
    axes.imshow(image, cmap="Greys", vmin=0, vmax=1)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
