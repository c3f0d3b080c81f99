"""`run.save` and `jaxrnn.load`: with a configuration nothing else is needed, without one the net and the data set."""

import json

import numpy as np
import pandas as pd
import pytest

import jaxrnn
from jaxrnn.cells import elman
from jaxrnn.data import arrays, labels, series, text
from jaxrnn.data import csv as tables
from jaxrnn.errors import ConfigError, DamagedError
from jaxrnn.experiments import made_again, run_folder, stored_values
from jaxrnn.storage import array_file

VALUES = np.sin(np.arange(80) / 5)
SMALL = ["model.cell.size=3", "trainer.steps=36", "trainer.report_every=18"]


def test_a_configured_run_needs_only_its_folder(tmp_path):
    run = jaxrnn.fit(jaxrnn.experiment(*SMALL))
    run.save(tmp_path / "a")
    again = jaxrnn.load(tmp_path / "a")
    np.testing.assert_array_equal(again.predict("test"), run.predict("test"))
    assert again.metrics == run.metrics
    for split in ("train", "validation"):
        losses = [one.history.where(split=split)["loss"] for one in (again, run)]
        np.testing.assert_array_equal(*losses)
    assert (again.best_step, again.step, again.seed) == (run.best_step, run.step, run.seed)
    with pytest.raises(ConfigError, match=r"saved by run.save without the state of its optimizer"):
        run_folder.resume(tmp_path / "a", 72)
    with pytest.raises(ConfigError, match="already contains a run; choose another folder"):
        run.save(tmp_path / "a")
    again.save(tmp_path / "b")
    assert jaxrnn.load(tmp_path / "b").metrics == run.metrics


def test_a_run_of_objects_says_what_to_hand_over(tmp_path):
    net, dataset = jaxrnn.rnn(elman.cell(3), 1)._replace(causal=True), series.dataset(VALUES, window=6)
    run = jaxrnn.fit(net, dataset, steps=2, batch_size=2, learning_rate=1e-2)
    run.save(tmp_path / "a")
    with pytest.raises(ConfigError, match=r"call jaxrnn.load\(folder, net, dataset\)"):
        jaxrnn.load(tmp_path / "a")
    again = jaxrnn.load(tmp_path / "a", net, dataset)
    np.testing.assert_array_equal(again.predict(VALUES), run.predict(VALUES))
    with pytest.raises(ConfigError, match="of another model"):
        jaxrnn.load(tmp_path / "a", jaxrnn.rnn(elman.cell(4), 1), dataset)


def test_a_run_with_a_folder_can_be_resumed_in_the_copy(tmp_path):
    run = jaxrnn.fit(jaxrnn.experiment(*SMALL), folder=tmp_path / "a")
    (tmp_path / "a/trackers.json").write_text('{"name": "a", "identifiers": {"wandb": "abc"}}')
    run.save(tmp_path / "b")
    assert not (tmp_path / "b/trackers.json").exists()  # or the copy would continue the run of the original
    assert (tmp_path / "b/metrics.csv").read_bytes() == (tmp_path / "a/metrics.csv").read_bytes()
    assert run_folder.resume(tmp_path / "b", 54)["steps"] == 54


@pytest.mark.parametrize("loss", [None, "mae"])
def test_a_run_of_shipped_objects_needs_only_its_folder(tmp_path, loss):
    cell = elman.cell(3, recurrent_init=jaxrnn.initializers.orthogonal(0.9))
    net, dataset = jaxrnn.rnn(cell, 1, layers=2), series.dataset(VALUES, window=6, labels=("level",))
    run = jaxrnn.fit(net, dataset, steps=2, batch_size=2, learning_rate=1e-2, loss=loss, folder=tmp_path / "a")
    run.save(tmp_path / "b")
    for folder in ("a", "b"):
        again = jaxrnn.load(tmp_path / folder)
        np.testing.assert_array_equal(again.predict(VALUES), run.predict(VALUES))
        assert again.metrics == run.metrics
        assert again.dataset.series.value_labels == ("level",)


def test_what_no_factory_made_is_handed_over(tmp_path, capsys):
    net, dataset = jaxrnn.rnn(elman.cell(3), 1), series.dataset(VALUES, window=6)
    settings = {"steps": 1, "batch_size": 2, "learning_rate": 1e-2}
    for changed_net, loss, reason in (
        (net._replace(causal=True), None, "net: no factory of jaxrnn made it"),
        (jaxrnn.rnn(elman.cell(3)._replace(gates=None), 1), None, "net.cell: no factory of jaxrnn made it"),
        (net, lambda ys, targets: ((ys - targets) ** 2)[..., 0], "loss: no factory of jaxrnn made it"),
    ):
        run = jaxrnn.fit(changed_net, dataset, loss=loss, **settings)
        folder = tmp_path / reason.partition(":")[0]
        run.save(folder)
        assert f"load it with jaxrnn.load(folder, net, dataset), because of {reason}" in capsys.readouterr().out
        with pytest.raises(ConfigError, match=r"call jaxrnn.load\(folder, net, dataset\)"):
            jaxrnn.load(folder)


def test_a_folder_calls_only_what_is_trusted(tmp_path):
    for number, content in enumerate(
        [
            {"net": {"_target_": "os.system", "command": "true"}},
            {"net": {"_target_": "jaxrnn.experiments.run_folder.train"}},
            {"net": {"_target_": "jaxrnn.nets.rnn", "cell": {"_target_": "builtins.eval", "source": "1"}}},
            {"dataset": {"_target_": "jaxrnn.data.labels.dataset", "path": "/etc/passwd"}},
        ]
    ):
        folder = tmp_path / str(number)
        folder.mkdir()
        array_file.write(folder / made_again.FILE, {}, content)
        with pytest.raises(ConfigError, match="if you trust it, pass trusted="):
            made_again.read(folder)
    (folder / made_again.FILE).write_bytes(b"x" * 100)
    with pytest.raises(ConfigError, match="damaged"):
        made_again.read(folder)


FRAME = pd.DataFrame({"level": VALUES, "sky": np.where(VALUES > 0, "sun", "cloud")})
FRAME.index = pd.date_range("2024-03-01", periods=80, freq="D", tz="Europe/Berlin", name="day")


@pytest.mark.parametrize(
    ("make", "x"),
    [
        (lambda: labels.dataset([(f"t{n}", "ab"[n % 2]) for n in range(40)]), ["t1", "t2"]),
        (lambda: labels.dataset(pd.DataFrame({"text": range(40), "label": [1, 0] * 20})), ["t1", "t2"]),
        (lambda: tables.dataset(FRAME, "level", past_covariates="sky", time="day", window=6), "test"),
        (lambda: text.dataset([f"line {n}" for n in range(300)], window=8), "test"),
        (lambda: arrays.dataset(VALUES.reshape(20, 4, 1), np.array(["up", "down"] * 10)), VALUES[:4, None]),
        (lambda: arrays.dataset(VALUES.reshape(20, 4), [0, 1] * 10, class_weight={0: 1.0, 1: 3.0}), VALUES[:4]),
        (lambda: series.dataset(VALUES, np.datetime64("2024-01-01") + np.arange(80), window=6), VALUES),
    ],
    ids=["rows", "frame", "table", "text", "classes", "class_weight", "dates"],
)
def test_data_in_memory_are_saved_with_the_run(tmp_path, make, x):
    dataset = make()
    inputs = dataset.symbols.inputs
    net = jaxrnn.rnn(elman.cell(3), dataset.output_size)
    if inputs is not None:
        net = jaxrnn.nets.symbol_rnn(elman.cell(3), dataset.output_size, inputs.size)
    run = jaxrnn.fit(net, dataset, steps=1, batch_size=2, learning_rate=1e-2)
    run.save(tmp_path / "a")
    again = jaxrnn.load(tmp_path / "a")
    np.testing.assert_array_equal(again.predict(x), run.predict(x))
    assert again.metrics == run.metrics
    if dataset.series is not None:
        np.testing.assert_array_equal(again.dataset.series.times, dataset.series.times)


def test_a_stored_list_cannot_become_the_path_of_a_file(tmp_path):
    content = {"dataset": {"_target_": "jaxrnn.data.labels.dataset", "path": {"_texts_": "a"}}}
    array_file.write(tmp_path / made_again.FILE, {"a": np.frombuffer(b'"/etc/passwd"', np.uint8)}, content)
    with pytest.raises(DamagedError, match=r"dataset.path: its file is damaged: expected a list"):
        made_again.read(tmp_path)


def stored(value):
    """A value after its way through the form in the file."""
    arrays = {}
    return stored_values.restored(json.loads(json.dumps(stored_values.described(value, arrays))), arrays, "dataset.x")


@pytest.mark.parametrize("unit", ["D", "h", "15m", "s", "250ms", "ns"])
def test_times_of_every_unit_are_stored(unit):
    times = np.array(["2024-03-01", "NaT", "2024-03-05"], f"datetime64[{unit}]")
    again = stored(times)
    assert again.dtype == times.dtype
    np.testing.assert_array_equal(again, times)


@pytest.mark.parametrize("value", [{(1, (2, "a")): "b", 3: [4]}, {0: 1.0, 1: 3.0}, [{"a": {"b": 1}}]])
def test_dicts_of_every_key_are_stored(value):
    assert stored(value) == value


@pytest.mark.parametrize("value", [[{1: 2}], {1: {2: 3}}, [{"a": [{None: 1}]}]])
def test_keys_that_json_would_turn_into_texts_are_not_stored_as_texts(value):
    assert stored_values.described(value, {}) is None


@pytest.mark.parametrize(
    ("node", "content"),
    [
        ({"_texts_": "a"}, b"[1"),
        ({"_texts_": "a"}, b"\xff"),
        ({"_texts_": ["a"]}, b"[]"),
        ({"_texts_": "b"}, b"[]"),
        ({"_items_": "a"}, b"[1]"),
        ({"_items_": "a"}, b"[[{}, 1]]"),
        ({"_items_": "a"}, b"[" * 100_000),
        ({"_times_": "a"}, b"[]"),
        ({"_times_": "a", "unit": "lightyear"}, b"[]"),
        ({"_times_": "a", "unit": None}, b"[]"),
        ({"_frame_": "a"}, b"[]"),
        ({"_frame_": {"columns": []}}, b"[]"),
        ({"_frame_": {"columns": [3], "index": None, "names": ["x"], "index_name": None}}, b"[]"),
        ({"_frame_": {"columns": [{"_texts_": "a"}], "index": None, "names": ["x"], "index_name": None}}, b"[1]"),
    ],
)
def test_damaged_values_are_refused_in_one_line(node, content):
    with pytest.raises(DamagedError, match=r"^dataset.x: its file is damaged: .+$"):
        stored_values.restored(node, {"a": np.frombuffer(content, np.uint8)}, "dataset.x")
