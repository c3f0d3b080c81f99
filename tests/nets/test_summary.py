"""What is printed about a net: its layers, shapes and number of params."""

import jax
import pytest

import jaxrnn
from jaxrnn.cells import elman, lstm


def test_the_summary_lists_every_array(capsys):
    net = jaxrnn.rnn(lstm.cell(4), output_size=2, layers=2, bidirectional="concat")
    jaxrnn.summary(net, 3)
    *rows, last = capsys.readouterr().out.splitlines()
    params = net.init(jax.random.key(0), 3)
    assert len(rows) == 1 + len(jax.tree.leaves(params))
    assert "0.forward.w_h" in rows[2]
    assert rows[2].endswith("64")
    count = sum(leaf.size for leaf in jax.tree.leaves(params))
    assert last == f"inputs [T, B, 3], outputs [T, B, 2], {count:,} params"


@pytest.mark.parametrize(
    ("net", "text"),
    [
        (jaxrnn.rnn(elman.cell(3), 1), "Net(0: Elman(3), 1: Affine(1))"),
        (jaxrnn.rnn(lstm.cell(4), 2, layers=2), "Net(0: LSTM(4), 1: LSTM(4), 2: Affine(2))"),
        (jaxrnn.nets.symbol_rnn(elman.cell(3), 5, 5, embedding=2), "Elman(3)"),
        (jaxrnn.rnn(elman.cell(3), 1)._replace(init=None), "Net(init=None"),
    ],
)
def test_the_text_of_a_net_names_its_layers(net, text):
    assert text in repr(net)
