"""Writing figures: powers of ten in letters, one line for all letters that no font has."""

import functools
import logging
import re
import warnings

BOX = r"Glyph .* missing from"  # Matplotlib's warning


def write(figure, file, **options):
    """Writes a figure with `Figure.savefig`, powers of ten as letters. Letters that no font has are boxes, which one
    line says, once in a process; Matplotlib warns of each of them, several times."""
    from jaxrnn.plotting._powers import in_letters  # with matplotlib, that a page without figures need not import

    in_letters(figure)
    with warnings.catch_warnings(record=True) as caught:
        warnings.filterwarnings("always", BOX)
        figure.savefig(file, **options)
    for each in caught:
        if re.match(BOX, str(each.message)):
            _tell_of_boxes()
        else:
            warnings.warn_explicit(each.message, each.category, each.filename, each.lineno)


@functools.cache
def _tell_of_boxes():
    logging.getLogger(__name__).warning("figures show boxes for letters that matplotlib's fonts do not have")
