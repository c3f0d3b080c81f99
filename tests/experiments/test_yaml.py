"""Configurations as YAML: what libyaml writes is what OmegaConf writes."""

import pytest
from omegaconf import OmegaConf

from jaxrnn.experiments.hydra_internals import load_yaml, to_yaml

AWKWARD = {
    "numbers": [1, 1e-3, 1e22, float("inf"), -0.0, True, None],
    "texts": ["1e3", "1", "true", "null", "~", "", " padded ", "a: b", "#", "no", "ünï ⁻²", "two\nlines", "x" * 200],
    "words": "a text of many words that is so long that a writer of YAML breaks its line, at eighty letters or later",
    "interpolated": "${numbers}",
    "missing": "???",
    "empty": {"dict": {}, "list": []},
    "1.5": {"2024-01-01": "2024-01-01", "0x1F": "0x1F", "1_000": "1_000"},
}


@pytest.mark.parametrize("script", ["train", "study", "tune", "evaluate"])
def test_of_every_script(script, configure):
    cfg = configure(name=script)
    assert to_yaml(cfg) == OmegaConf.to_yaml(cfg)


def test_of_whatever_yaml_reads_as_something_else():
    cfg = OmegaConf.create(AWKWARD)
    assert to_yaml(cfg) == OmegaConf.to_yaml(cfg)
    assert OmegaConf.create(to_yaml(cfg)) == cfg


def test_what_is_read_is_what_omegaconf_reads(tmp_path):
    file = tmp_path / "file.yaml"
    texts = ["", "- 1e3\n- 1_0\n- 2024-01-01\n- 0o17\n", "a: {b: 1.}", OmegaConf.to_yaml(OmegaConf.create(AWKWARD))]
    for text in texts:
        file.write_text(text)
        found, expected = (OmegaConf.to_container(read(file), resolve=False) for read in (load_yaml, OmegaConf.load))
        assert found == expected
        assert str(found) == str(expected)  # 1 is no true, 1.0 no 1


@pytest.mark.parametrize(
    "text", ["a: 1\na: 2\n", "a: [1\nb: 2\n", "!!python/object/apply:os.getcwd []", "\tx", "é: \xff", "a: \x1a"]
)
def test_what_cannot_be_read_is_refused_alike(tmp_path, text):
    file = tmp_path / "file.yaml"
    file.write_text(text, encoding="latin1")
    with pytest.raises(Exception) as of_omegaconf:  # noqa: PT011
        OmegaConf.load(file)
    with pytest.raises(type(of_omegaconf.value)) as error:
        load_yaml(file)
    mark, expected = (getattr(e.value, "problem_mark", None) for e in (error, of_omegaconf))
    assert getattr(mark, "line", None) == getattr(expected, "line", None)
