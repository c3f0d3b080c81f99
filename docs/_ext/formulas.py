"""Shows formulas as MathML, which browsers draw without a script, and converts the equations of docstrings to LaTeX.

The docstrings of cells have their equations as plain text, one per line: `h_t = o_t * tanh(c_t)   a comment`.
"""

import re

from docutils import nodes

GREEK = {"alpha", "gamma", "lambda", "nu", "phi", "psi", "theta"}
FUNCTIONS = {"sigmoid", "softplus", "max", "tanh", "exp", "ln", "LN", "Re"}
EQUATION = re.compile(r"\s+(?:[a-z]+ form:\s+)?(?:\([a-z, ]+\)|\w+) = \s*\S")
TOKEN = re.compile(r"sqrt\((?P<root>[^()]*)\)|(?P<name>[A-Za-z]+)(?:_(?P<index>\{[^}]*\}|\w+))?|,  +|[ *]+|.")


def is_equation(line):
    """Returns whether a line of a docstring is an equation, as the docstrings of cells have them."""
    return EQUATION.match(line) is not None


def latex(lines):
    """Returns the LaTeX of equations, aligned at their first equals signs, each followed by its comment."""
    return "\\begin{align*}\n" + " \\\\\n".join(map(_row, lines)) + "\n\\end{align*}"


def _row(line):
    label, equation = re.match(r"\s*((?:[a-z]+ form:)?)\s*(.*?)\s*$", line).groups()
    equation, *comments = re.split(r"(?<!,)(?<!=)\s{2,}", re.sub(r"=\s+", "= ", equation), maxsplit=1)
    left, _, right = equation.partition(" = ")
    note = " ".join([*([label.removesuffix(":")] if label else []), *comments])
    return f"{expression(left)} &= {expression(right)}" + (f" & \\text{{{note}}}" if note else "")


def expression(text):
    """Converts one side of an equation in plain text to LaTeX."""
    return "".join(map(_token, TOKEN.finditer(text))).strip()


def _token(match):
    if match["root"]:
        return f"\\sqrt{{{expression(match['root'])}}}"
    if match["name"]:
        name = match["name"]
        name = f"\\{name} " if name in GREEK else f"\\operatorname{{{name}}}" if name in FUNCTIONS else name
        return name + (f"_{{{match['index'].strip('{}')}}}" if match["index"] else "")
    text = match[0]
    if text.startswith(",  "):
        return ",\\quad "
    return " \\odot " if "*" in text else text


def visit_inline(self, node):
    self.body.append(_mathml(node, "inline"))
    raise nodes.SkipNode


def visit_block(self, node):
    self.body.append(f'<div class="math">{_mathml(node, "block")}</div>')
    raise nodes.SkipNode


def _mathml(node, display):
    from latex2mathml.converter import convert

    return convert(node.astext(), display=display)


def setup(app):
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
