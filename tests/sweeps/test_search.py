"""Searches with Optuna: what is asked, trained and told, and going on after an interruption."""

import numpy as np
import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from optuna.trial import TrialState

from jaxrnn.errors import ConfigError
from jaxrnn.storage import summaries
from jaxrnn.sweeps import schedule, search, search_figures, search_metric

parse = OverridesParser.create().parse_override
SPACE = ["optimizer.learning_rate=tag(log,interval(1e-4,1e-1))", "model.cell.size=choice(2,3)"]


@pytest.fixture
def compose(configure):
    return lambda words: configure(*words)


def test_arguments_that_name_many_values_are_the_space():
    given = ["model=lstm", *SPACE, "seed=3", "data.noise=0.1,0.2", "--help", "model.layers=range(1,3)"]
    plain, space = search.split(given)
    assert plain == ["model=lstm", "seed=3", "--help"]
    assert space == [*SPACE, "data.noise=0.1,0.2", "model.layers=range(1,3)"]


def test_a_pattern_is_the_choices_that_it_matches():
    assert search.split(["model=glob(*gru,exclude=diag*)"]) == ([], ["model=gru,layer_norm_gru,min_gru"])
    assert search.split(["model=glob(elm*)"]) == (["model=elman"], [])
    with pytest.raises(ConfigError, match="no model matches; there are: coupled_lstm"):
        search.split(["model=glob(nothing*)"])
    with pytest.raises(ConfigError, match=r"model\.cell\.size is not a group"):
        search.split(["model.cell.size=glob(*)"])


@pytest.mark.slow
def test_an_interrupted_search_goes_on(tmp_path, monkeypatch, compose):
    options, train, calls = search.Options(trials=5, batch=2, seeds=2), schedule.train, []

    def train_once(jobs, folder):
        calls.append([job.number for job in jobs])
        if len(calls) == 2:
            raise KeyboardInterrupt
        return train(jobs, folder)

    monkeypatch.setattr(schedule, "train", train_once)
    with pytest.raises(KeyboardInterrupt):
        search.search(compose, ["data=sine"], SPACE, options, tmp_path)
    study = search.search(compose, ["data=sine"], SPACE, options, tmp_path)
    assert [len(call) for call in calls] == [4, 4, 4, 2]  # the second batch again
    assert [trial.state for trial in study.trials] == [TrialState.COMPLETE] * 5
    for trial in study.trials:
        losses = [schedule.score(summaries.read(tmp_path / str(trial.number) / str(seed))) for seed in range(2)]
        assert trial.value == pytest.approx(np.mean(losses), rel=1e-12)
        assert 1e-4 <= trial.params["optimizer.learning_rate"] <= 1e-1
        assert trial.params["model.cell.size"] in ("2", "3")
    assert len({trial.params["optimizer.learning_rate"] for trial in study.trials}) == 5
    words, overrides = search.best(study)
    assert f"{min(trial.value for trial in study.trials):.4g}" in words
    assert overrides == [f"{name}={value}" for name, value in study.best_trial.params.items()]
    assert [path.stem for path in search_figures.draw(study, tmp_path)] == ["history", "slices", "contours", "parallel"]
    with pytest.raises(ConfigError, match="holds another search"):
        search.search(compose, ["data=sine"], SPACE[:1], options, tmp_path)


@pytest.mark.slow
def test_a_diverging_trial_is_the_worst_and_a_failing_one_is_none(tmp_path, compose):
    space = ["optimizer.learning_rate=choice(1e-3,1e30)", "trainer.batch_size=choice(1,100)"]
    options = search.Options(trials=12, batch=12, sampler="random")
    study = search.search(compose, ["data=sine", "optimizer.clip_norm=null"], space, options, tmp_path)
    states = {(t.params["optimizer.learning_rate"], t.params["trainer.batch_size"]): t for t in study.trials}
    assert len(states) == 4
    assert states["0.001", "1"].value < 10
    assert states["1e+30", "1"].value == np.inf
    assert {states[rate, "100"].state for rate in ("0.001", "1e+30")} == {TrialState.FAIL}


def test_nothing_to_search_for_is_refused(tmp_path, compose):
    with pytest.raises(ConfigError, match="nothing to search for"):
        search.search(compose, [], [], search.Options(), tmp_path)


def better(metric, compose, given, *space):
    return search_metric.better_of(metric, compose, given, [parse(word) for word in space])


SMALL = ["data=forecast", "data.series=lynx"]


@pytest.mark.parametrize(
    ("metric", "given", "space", "way"),
    [
        ("test.accuracy", ["data=digits"], [SPACE[0]], "up"),
        ("validation.loss", ["data=digits"], SPACE, "down"),
        ("validation.coverage", SMALL, ["data/distribution=choice(gaussian,student_t)"], 0.9),
        ("validation.accuracy", [], ["data=choice(digits,vowels)", "seed=range(1,4)"], "up"),
    ],
)
def test_a_metric_that_all_runs_will_have_is_taken(compose, metric, given, space, way):
    """Though the configuration without what is searched for may lack it."""
    assert better(metric, compose, given, *space) == way


@pytest.mark.parametrize(
    ("metric", "given", "space", "message"),
    [
        ("test.acuracy", ["data=digits"], [SPACE[0]], "runs have no such metric; choose one of .*test.accuracy"),
        (
            "validation.coverage",
            SMALL,
            ["data/distribution=choice(point,gaussian)", SPACE[0]],
            "runs with data/distribution=point have no such metric; choose one of validation.loss, .*validation.crps",
        ),
        ("test.accuracy", [], ["data=choice(digits,sine)"], "runs with data=sine have no such metric; choose one of"),
        ("test.accuracy", [], ["data=choice(sine,digits)", SPACE[0]], "runs with data=sine have no such metric"),
    ],
)
def test_a_metric_that_some_runs_will_lack_is_refused(compose, metric, given, space, message):
    with pytest.raises(ConfigError, match=f"^tune.metric={metric}: {message}"):
        better(metric, compose, given, *space)


def test_a_search_whose_trials_all_diverged_has_no_best(tmp_path, monkeypatch, compose):
    content = {"status": "diverged", "metrics": {"validation": {"loss": 0.1}}}
    monkeypatch.setattr(schedule, "train", lambda jobs, folder: {job.number: content for job in jobs})
    study = search.search(compose, ["data=sine"], SPACE[:1], search.Options(trials=2, batch=2), tmp_path)
    assert search.best(study) == ("no trial has a value", [])


def test_a_value_that_cannot_be_trained_has_no_say(compose):
    assert better("validation.loss", compose, ["data=sine"], "trainer.batch_size=choice(100,1)") == "down"
    with pytest.raises(ConfigError, match=r"trainer\.batch_size=100 is larger than the data"):
        better("validation.loss", compose, ["data=sine"], "trainer.batch_size=choice(100,200)")


@pytest.mark.parametrize(
    ("metric", "given", "values", "expected"),
    [
        ("validation.loss", ["data=sine"], [0.3, 0.1, 0.2], 1),
        ("test.accuracy", ["data=digits"], [0.3, 0.9, 0.2], 1),
        ("validation.coverage", [*SMALL, "data/distribution=gaussian"], [0.99, 0.2, 0.88], 2),
    ],
)
def test_a_search_finds_the_best_by_the_way_of_its_metric(
    tmp_path, monkeypatch, compose, metric, given, values, expected
):
    """Trials that came to these values, a diverged one that would be better than all of them, and one without any."""
    split, _, name = metric.partition(".")
    wished = {"validation.loss": 0.0, "test.accuracy": 1.0, "validation.coverage": 0.9}[metric]
    contents = [{"status": "finished", "metrics": {split: {name: value}}} for value in values]
    contents += [{"status": "diverged", "metrics": {split: {name: wished}}}, {"status": "finished", "metrics": {}}]
    contents += [{"status": "finished", "metrics": {split: {name: float("nan")}}}]
    told = []

    def train(jobs, folder):
        told.extend(contents[len(told) : len(told) + len(jobs)])
        return {job.number: content for job, content in zip(jobs, told[-len(jobs) :], strict=True)}

    monkeypatch.setattr(schedule, "train", train)
    options = search.Options(trials=6, batch=6, sampler="random", metric=metric)
    study = search.search(compose, given, SPACE[:1], options, tmp_path)
    assert study.best_trial.number == expected
    assert search.best(study)[1] == [f"{n}={v}" for n, v in study.trials[expected].params.items()]
