"""Text from data is drawn letter by letter in every figure: never a formula, never a stack trace."""

import inspect
import io
import logging
import subprocess
import sys
import types

import numpy as np
import pytest
from matplotlib.cbook import is_math_text
from matplotlib.text import Text

from jaxrnn.distributions import gaussian
from jaxrnn.plotting import _writing, examples, forecasts, runs, style, sweeps
from jaxrnn.plotting.notebooks import Figures, png
from jaxrnn.series import Series
from jaxrnn.studies._result import Result
from jaxrnn.table import Table

ODD = ["$5 or $7 a_b^c", r"\alpha $\frac{1}{$ 100 %", r"\$5 $ { $$"]
HISTORY = [{"split": split, "step": step, "loss": 1.0 / step, "grad_norm": 1.0, "grad_norm_max": 2.0}
           for split in ("train", "validation") for step in (1, 2)]  # fmt: skip


def rows(text, **further):
    return [{"input": text, "target": text, "prediction": f"{text}.", "loss": 1.0} | further] * 2


def drawn_series(text, count=30):
    values = np.sin(np.arange(2.0 * count)).reshape(count, 2)
    return Series(values, 0.0, 1.0, np.arange(count), 20, text, (text, f"{text} too"))


def of_panel(text):
    return drawn_series(text)._replace(name=text, distribution=gaussian.distribution())


def of_a_study(text):
    def draw(result):
        figure, panels = style.panels(len(result.networks), "x", "y")
        for panel, name in zip(panels, result.networks, strict=True):
            panel.plot([1, 2], label=name)
            style.title(panel, name)
        for name in result.scores["quantity"]:
            panels[0].plot([2, 1], label=name)
        style.legend_below(figure)
        return {"figure": figure}

    found = Result({text: {}}, Table([]), [], draw, scores={"quantity": {text: np.ones(1)}})
    return found.plot()["figure"]


PICTURE = {"picture": np.eye(4)}
KINDS = {  # of a figure: a text from data -> the figure
    examples.confusion: lambda text: examples.confusion([text, "b"], ["b", text]),
    examples.attention: lambda text: examples.attention(np.eye(2), [text, "b"], [text, "b"]),
    examples.picture: lambda text: examples.picture(np.eye(4), text),
    examples.failures: lambda text: examples.failures(rows(text)),
    examples.sentences: lambda text: examples.sentences(rows(text, parts=([text, "b"], [text, "c"], ["b", "c"]))),
    examples.captions: lambda text: examples.captions(rows(text, **PICTURE)),
    forecasts.prediction: lambda text: forecasts.prediction(
        drawn_series(text), gaussian.distribution(), np.ones((9, 4))
    ),
    forecasts.generation: lambda text: forecasts.generation(drawn_series(text), 20, 5, np.ones((8, 2))),
    forecasts.panel_prediction: lambda text: forecasts.panel_prediction([(of_panel(text), np.ones((9, 4)))] * 2),
    forecasts.panel_generation: lambda text: forecasts.panel_generation([(of_panel(text), 20, 5, np.ones((8, 2)))] * 2),
    forecasts.by_lead: lambda text: forecasts.by_lead({text: [1.0, 2.0], "other": [2.0, 2.0]}, text),
    runs.learning_curves: lambda text: runs.learning_curves(HISTORY, text, text, 0.5),
    runs.gradient_norm: None,  # shows no text from data
    sweeps.learning_curves: lambda text: sweeps.learning_curves({text: {1: [1.0], 2: [0.5]}}, text),
    sweeps.one_factor: lambda text: sweeps.one_factor(
        [text, "b"], [(text, [1.0], 1.0), ("b", [2.0], 2.0)], text, text, True
    ),
    sweeps.two_factors: lambda text: sweeps.two_factors(
        np.ones((2, 1)), (text, [text]), (text, [text, "b"]), text, True, text
    ),
    "pictures of failures": lambda text: examples.failures(rows(text, **PICTURE)),
    Result: of_a_study,
}


def test_every_figure_is_tried():
    for module in (examples, forecasts, runs, sweeps):
        for name, function in vars(module).items():
            if inspect.isfunction(function) and function.__module__ == module.__name__ and name[0] != "_":
                assert function in KINDS or function is sweeps.number


def name_of(kind):
    return getattr(kind, "__name__", kind)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if KINDS[kind] is not None], ids=name_of)
def test_no_text_from_data_is_a_formula(kind):
    for text in ODD:
        figure = KINDS[kind](text)
        _writing.write(figure, io.BytesIO(), dpi=30)
        drawn = [each.get_text() for each in figure.findobj(Text) if each.get_visible()]
        assert not any(map(is_math_text, drawn))
        seen = "".join(drawn).replace(r"\$", "$").replace("\n", "").replace(" ", "")
        assert text.replace(" ", "") in seen


@pytest.fixture
def lines(caplog):
    _writing._warn_of_boxes.cache_clear()
    with caplog.at_level(logging.WARNING):
        yield lambda: [record.getMessage() for record in caplog.records if record.name.startswith("jaxrnn")]
    _writing._warn_of_boxes.cache_clear()


def test_letters_that_no_font_has_give_one_line_in_all(lines, tmp_path):
    text = "\U0001f600 \U0001f601 \u4f60\u597d \x85\u2028"
    for kind in (examples.failures, forecasts.by_lead):
        _writing.write(KINDS[kind](text), io.BytesIO(), dpi=30, format="pdf")
    png(KINDS[examples.failures](text))
    Figures(a=KINDS[examples.failures](text)).save(tmp_path)
    (line,) = lines()
    assert line == "figures show boxes for characters that matplotlib's fonts do not contain"


def test_figures_with_known_letters_say_nothing(lines):
    png(examples.failures(rows("caf\xe9 \u03b1 \u0416")))
    assert lines() == []


def test_other_warnings_of_drawing_are_not_lost(tmp_path):
    figure, axes = style.axes("x", "y")
    axes.plot([1, 2])
    figure.savefig = types.MethodType(lambda *_, **__: warn(), figure)  # as matplotlib would
    with pytest.warns(UserWarning, match="Ignored"):
        _writing.write(figure, tmp_path / "a.png")


def warn():
    import warnings

    warnings.warn("Ignored", UserWarning, stacklevel=1)


@pytest.mark.slow
def test_optunas_figures_too(tmp_path):
    script = f"""
import optuna
from jaxrnn.sweeps import search_figures
CHOICES = {["$5 or $7", r"$" + chr(92) + "frac$"]!r}
study = optuna.create_study()
for n in range(4):
    study.add_trial(optuna.trial.create_trial(
        params={{"$a$": n, "b": CHOICES[n % 2]}}, value=n + 1.0,
        distributions={{"$a$": optuna.distributions.IntDistribution(0, 9),
                        "b": optuna.distributions.CategoricalDistribution(CHOICES)}}))
print(len(search_figures.draw(study, {str(tmp_path)!r})))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=300)
    assert done.stdout.strip() == "4", done.stderr
