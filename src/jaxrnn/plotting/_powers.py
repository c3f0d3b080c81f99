"""Formats powers of ten on logarithmic axes as Unicode characters, such as 10⁻²."""

import re

from matplotlib.ticker import LogFormatterSciNotation

RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


class PlainFormatter(LogFormatterSciNotation):
    """Formatter for powers of ten such as 10⁻² and −10², without math text."""

    def __call__(self, value, position=None):
        text = super().__call__(value, position).replace(r"\times", "\N{MULTIPLICATION SIGN}")
        text = re.sub(r"\^\{(\S+?)\}", lambda power: power[1].translate(RAISED), text)
        text = re.sub(r"^\$\\mathdefault\{(.*)\}\$$", r"\1", text)
        return text.replace("-", "\N{MINUS SIGN}")


def use_plain_powers(figure):
    """Replaces math text in the tick labels of a figure's logarithmic axes by Unicode characters.

    Matplotlib needs a third of a second to load its math text for the first label.
    """
    for axis in (axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)):
        for formatter in (axis.get_major_formatter(), axis.get_minor_formatter()):
            if type(formatter) is LogFormatterSciNotation:
                formatter.__class__ = PlainFormatter
