"""Writes figures, with plain powers of ten and one warning for all characters that no font has."""

import functools
import logging
import re
import warnings

MISSING_GLYPH = r"Glyph .* missing from"  # start of Matplotlib's warning


def write(figure, file, **options):
    """Writes a figure with `Figure.savefig`, with powers of ten as Unicode characters.

    Characters that no font has are drawn as boxes. Matplotlib warns several times about each of them. Instead, this
    function logs one warning per process.
    """
    from jaxrnn.plotting._powers import use_plain_powers  # imports matplotlib, so only when a figure is written

    use_plain_powers(figure)
    with warnings.catch_warnings(record=True) as caught:
        warnings.filterwarnings("always", MISSING_GLYPH)
        figure.savefig(file, **options)
    for warning in caught:
        if re.match(MISSING_GLYPH, str(warning.message)):
            _warn_of_boxes()
        else:
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)


@functools.cache
def _warn_of_boxes():
    logging.getLogger(__name__).warning("figures show boxes for characters that matplotlib's fonts do not contain")
