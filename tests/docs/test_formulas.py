"""The equations in the docstrings of cells become formulas on the site."""

import ast
import importlib
import re
from xml.etree import ElementTree

import pytest


@pytest.fixture
def formulas(root, monkeypatch):
    pytest.importorskip("docutils")
    monkeypatch.syspath_prepend(root / "docs" / "_ext")
    return importlib.import_module("formulas")


@pytest.mark.parametrize(
    ("line", "latex"),
    [
        ("    h_t = o_t * tanh(c_t)", r"h_{t} &= o_{t} \odot \operatorname{tanh}(c_{t})"),
        ("    g_t =    tanh(x_t W_xg)     candidate", r"g_{t} &= \operatorname{tanh}(x_{t} W_{xg}) & \text{candidate}"),
        ("    a = b_1,  c = d_2", r"a &= b_{1},\quad c = d_{2}"),
        ("    rate form:     h_t = alpha h_{t-1}", r"h_{t} &= \alpha  h_{t-1} & \text{rate form}"),
        ("    h_t = sqrt(1 - a_t^2) * x_t", r"h_{t} &= \sqrt{1 - a_{t}^2} \odot x_{t}"),
        ("    (i, f) = LN(x_t W_x) + b", r"(i, f) &= \operatorname{LN}(x_{t} W_{x}) + b"),
    ],
)
def test_an_equation_in_latex(formulas, line, latex):
    assert formulas.is_equation(line)
    assert formulas.latex([line]).splitlines()[1] == latex


@pytest.mark.parametrize("line", ["h_t = 1", "    a sentence that goes on", "    >>> x = 1", "    net.apply(x=1)"])
def test_code_and_sentences_are_no_equations(formulas, line):
    assert not formulas.is_equation(line)


def test_the_equations_of_every_cell_are_valid_mathml(root, formulas):
    convert = pytest.importorskip("latex2mathml.converter").convert
    cells = 0
    for path in sorted((root / "src/jaxrnn/cells").glob("*.py")):
        lines = (ast.get_docstring(ast.parse(path.read_text())) or "").splitlines()
        block = [line for line in lines if line.startswith("    ")]
        if block:
            assert all(map(formulas.is_equation, block)), path.name
            tree = ElementTree.fromstring(convert(formulas.latex(block), display="block"))
            rows = [node for node in tree.iter() if node.tag.endswith("mtr")]
            assert len(rows) == len(block), path.name
            assert not re.search(r"[\\{}&]", "".join(tree.itertext())), path.name  # no LaTeX is left over
            cells += 1
    assert cells > 12
