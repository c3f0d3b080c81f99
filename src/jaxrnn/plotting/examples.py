"""Figures of single examples: confusion matrix, attention map, pictures, the worst answers."""

import textwrap

import numpy as np

from jaxrnn.plotting import style

MOST = 25  # labels that a confusion matrix has room for


def confusion(targets, predictions):
    """How often each label was given for each: the share of the row's examples, as numbers on grey.

    Args:
      targets, predictions: [N] labels as text.
    """
    names = sorted({*targets, *predictions}, key=lambda name: (len(name), name))
    counts = np.zeros((len(names), len(names)))
    for target, prediction in zip(targets, predictions, strict=True):
        counts[names.index(target), names.index(prediction)] += 1
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure, axes = style.axes("label given", "true label")
    figure.set_figheight(0.9 * figure.get_figwidth())
    image = axes.imshow(shares, cmap="Greys", vmin=0, vmax=1, aspect="auto")
    for (row, column), share in np.ndenumerate(shares):
        if counts[row, column]:
            colour = "white" if share > 0.5 else "black"
            axes.text(column, row, f"{counts[row, column]:.0f}", ha="center", va="center", color=colour,
                      fontsize=style.SMALLEST)  # fmt: skip
    labels = [style.plain(name) for name in names]
    axes.set_xticks(range(len(names)), labels, rotation=45, ha="right")
    axes.set_yticks(range(len(names)), labels)
    figure.colorbar(image, ax=axes, label="share of the true label's examples")
    return figure


def attention(weights, answer, question):
    """The weight that each step of an answer gives to each symbol of the question.

    Args:
      weights: [T, S].
      answer, question: [T] and [S] symbols.
    """
    figure, axes = style.axes("symbol that was read", "symbol of the answer")
    figure.set_figheight(max(2.2, min(0.24 * len(answer) + 1.0, 8.0)))
    image = axes.imshow(weights, cmap="Greys", vmin=0, vmax=1, aspect="auto")
    axes.set_xticks(range(len(question)), [style.plain(symbol) for symbol in question])
    axes.set_yticks(range(len(answer)), [style.plain(symbol) for symbol in answer])
    figure.colorbar(image, ax=axes, label="attention")
    return figure


def picture(image, name):
    """One picture, dark where it has ink."""
    figure, axes = style.axes("", "")
    figure.set_size_inches(2.6, 2.8)
    _show(axes, image)
    style.title(axes, style.plain(name))
    return figure


def failures(rows, count=5):
    """The wrong examples with the largest losses, the worst first: what was asked, what is true, what was said. Of
    pictures that are drawn, which are neither right nor wrong, those with the largest losses.

    Args:
      rows: dicts as of `jaxrnn.training.answers.examples`.
      count: of examples shown.

    Returns:
      The figure, or None if no example is wrong.
    """
    wrong = [row for row in rows if "drawn" in row or row["prediction"] != row["target"]]
    if not wrong:
        return None
    worst = sorted(wrong, key=lambda row: -row["loss"])[:count]
    title = f"{len(wrong):,} of {len(rows):,} examples are wrong; those with the largest losses"
    if "drawn" in worst[0]:
        title = f"The largest losses of {len(rows):,} examples"
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
    """Labelled sequences: under each symbol the label given, where it is wrong in red, in brackets and with the true
    one below.

    Args:
      rows: dicts as of `jaxrnn.training.answers.examples`, with "parts".
      count: of sequences shown, the first ones.
    """
    figure, axes = style.axes("", "")
    axes.axis("off")
    room = int(13.5 * figure.get_figwidth())  # letters a line
    blocks = [block for row in rows[:count] for block in (*_lines(row["parts"], room), [])]
    height = 0.0
    for block in blocks:
        for at, word, said, true in block:
            wrong = said != true
            _put(axes, at, height, word)
            _put(axes, at, height + 1, f"({said})" if wrong else said, color=style.RED if wrong else "0.45")
            if wrong:
                _put(axes, at, height + 2, true, color="0.45")
        height += 3.4 if block else 0.6
    axes.set_xlim(0, room)
    axes.set_ylim(height, -0.5)
    axes.set_title("under each symbol its label; a wrong one in brackets, the true one below", loc="left")
    figure.set_figheight(0.13 * height + 0.3)
    return figure


def captions(rows, count=8):
    """Pictures with what was said of each, and the truth where that is another."""
    shown = rows[:count]
    figure, panels = style.panels(len(shown), "", "", columns=4)
    for axes, row in zip(panels, shown, strict=True):
        _show(axes, row.get("drawn", row["picture"]))
        said = row["prediction"] or row["input"]
        right = said in (row["target"], row["input"])
        style.title(axes, style.plain(said if right else f"{said} (true: {row['target']})"))
    return figure


def _lines(parts, room):
    """[[(place, symbol, label given, true label), ...], ...]: a labelled sequence in lines of so many letters."""
    words, true, said = parts
    lines, at = [[]], 0
    for word, right, found in zip(words, true, said, strict=True):
        wide = max(len(word), len(right), len(found) + 2 * (found != right)) + 1
        if at + wide > room and lines[-1]:
            lines, at = [*lines, []], 0
        lines[-1].append((at, word, found, right))
        at += wide
    return lines


def _put(axes, x, y, text, **options):
    """Text from data in letters of one width."""
    axes.text(x, y, style.plain(text), family="monospace", fontsize=style.SMALLEST, va="top", **options)


def _pictures(worst, title):
    figure, panels = style.panels(len(worst), "", "", columns=len(worst))
    figure.suptitle(title)
    for axes, row in zip(panels, worst, strict=True):
        _show(axes, row.get("drawn", row["picture"]))
        said = f"{row['target'] or row['input']}\nsaid: {row['prediction']}" if row["prediction"] else row["input"]
        style.title(axes, style.plain(f"{said} ({row['loss']:.1f} nats)"))
    return figure


def _show(axes, image):
    axes.imshow(image, cmap="Greys", vmin=0, vmax=1)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
