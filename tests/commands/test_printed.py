"""What the commands for a trained network print, against the files that they write."""

import csv

import numpy as np
import pytest

from jaxrnn.commands import evaluate, export, generate
from jaxrnn.experiments import run_folder
from jaxrnn.sweeps.job import Job, write_config


@pytest.fixture(scope="module")
def folder(tmp_path_factory, configure):
    path = tmp_path_factory.mktemp("printed") / "run"
    words = ["data=forecast", "data.series=lynx", "data.window=10"]
    words += ["data/distribution=point", "model=elman", "trainer.steps=40"]
    cfg = configure(*words)
    write_config(Job(0, cfg, path), words)
    run_folder.train(cfg, path)
    return path


@pytest.fixture
def printed(folder, configure, capsys):
    """(command, *words) -> the printed lines."""

    def lines(command, *words):
        capsys.readouterr()
        command(configure(f"run={folder}", *words, name=command.__name__))
        return capsys.readouterr().out.splitlines()

    return lines


def rows(path):
    return list(csv.DictReader(path.read_text().splitlines()))


def test_evaluate_prints_what_it_writes(folder, printed):
    lines = printed(evaluate.evaluate, "split=test", "horizon=3")
    assert lines[0].startswith(f"{folder}, best params (step ")
    table = {line.split()[0]: line.split()[1:] for line in lines if line.split()[0] in ("validation", "test")}
    for row in rows(folder / "evaluation.csv"):
        numbers = [float(text) for text in table[row["split"]]]
        np.testing.assert_allclose(numbers[0], float(row["loss"]), rtol=1e-3)
        assert any(np.isclose(number, float(row["baseline"]), rtol=1e-3) for number in numbers)
    title = next(number for number, line in enumerate(lines) if "over 3 steps ahead" in line)
    by_lead = rows(folder / "by_lead.csv")
    shown = {name.strip(): float(value) for name, value in (line.split(": ") for line in lines[title + 1 : -1])}
    assert list(shown) == list(by_lead[0])[1:]
    for name, value in shown.items():
        np.testing.assert_allclose(value, np.mean([float(row[name]) for row in by_lead]), rtol=1e-3)
    assert lines[-1] == f"in {folder / 'evaluation.csv'}, predictions in {folder / 'predictions.csv'}"


def test_generate_prints_the_error_of_the_values_that_it_writes(folder, printed):
    lines = printed(generate.generate, "prime=20", "length=8")
    table = rows(folder / "generation.csv")
    assert lines[0].startswith(f"values in {folder / 'generation.csv'}, figure in ")
    errors = [float(row["generated"]) - float(row["truth"]) for row in table]
    assert len(errors) == 8
    assert lines[1] == f"RMSE against the truth: {np.sqrt(np.mean(np.square(errors))):.3g} (in the units of the data)"


def test_export_says_how_to_use_the_files(folder, printed, tmp_path):
    lines = printed(export.export, "to=safetensors", f"folder={tmp_path / 'out'}")
    assert f"written to {tmp_path / 'out'}" in lines[0]
    assert (tmp_path / "out/model.safetensors").exists()
