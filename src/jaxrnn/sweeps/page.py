"""Report of a sweep as one HTML file."""

import base64
import html
import importlib.resources
import string

from jaxrnn.plotting.sweeps import number


def page(title, lines, repeat, tables, figures, interactive=""):
    """Builds the report as one HTML file that works without a network.

    Args:
      title: title of the page.
      lines: sentences at the top of the page.
      repeat: the command that repeats the best run, or None.
      tables: {"settings", "runs"}, lists of rows.
      figures: {title: path}.
      interactive: HTML of the interactive figures, see `jaxrnn.sweeps.interactive.section`.
    """
    template = importlib.resources.files("jaxrnn.sweeps").joinpath("report.html").read_text()
    return string.Template(template).substitute(
        title=html.escape(title),
        summary="".join(f"<p>{html.escape(line)}</p>" for line in lines),
        command=f"<pre>{html.escape(repeat)}</pre>" if repeat else "<p>No run has a value yet.</p>",
        settings=_html_table("settings", tables["settings"]),
        runs=_html_table("runs", tables["runs"]),
        interactive=interactive,
        figures="".join(
            f'<figure><img alt="{html.escape(name)}" src="data:image/png;base64,'
            f'{base64.b64encode(path.read_bytes()).decode()}"></figure>'
            for name, path in figures.items()
        ),
    )


def _html_table(name, rows):
    head = "".join(f"<th>{html.escape(column)}</th>" for column in rows[0])
    body = "".join(
        "<tr>"
        + "".join(f'<td data-value="{html.escape(str(v))}">{html.escape(number(v))}</td>' for v in row.values())
        + "</tr>"
        for row in rows
    )
    return f'<table id="{name}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
