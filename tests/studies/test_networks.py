"""What studies take as networks."""

import pytest

from jaxrnn import nets, studies
from jaxrnn.cells import elman
from jaxrnn.data import next_value
from jaxrnn.errors import ConfigError
from jaxrnn.studies import _ensembles, _networks

NAMES = [name for name in dir(studies) if hasattr(getattr(studies, name), "study")]


@pytest.fixture(scope="module")
def some():
    net = nets.rnn(elman.cell(3), 1)
    return _ensembles.ensemble(net, next_value.dataset(points=40, window=8), networks=2)


@pytest.mark.costly
def test_a_dict_names_its_networks(some):
    found = _networks.ensembles({"leaky": some, "pair": [some, some]})
    assert [each.name for each in found] == ["leaky", "pair 1", "pair 2"]
    result = studies.gradient_flow.study({"leaky": some}, batch=2)
    assert list(result.networks) == ["leaky"]


@pytest.mark.parametrize("name", NAMES)
def test_what_is_not_networks_is_refused_in_one_line(name, some):
    study = getattr(studies, name).study
    for given, words in [
        (3, "found int"),
        ("outputs/x", "load a run folder with jaxrnn.load"),
        (some.net, "found Net"),
        ([], "none"),
    ]:
        with pytest.raises(ConfigError, match=words) as error:
            study(given)
        assert "\n" not in str(error.value)
