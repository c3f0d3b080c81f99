"""What figures of single examples say."""

import numpy as np

from jaxrnn.plotting import examples, style

ROWS = [
    {"parts": (["the", "old", "man"], ["at", "jj", "nn"], ["at", "nn", "nn"])},
    {"parts": ([f"word{n}" for n in range(40)], ["nn"] * 40, ["nn"] * 40)},
]


def test_a_wrong_label_is_marked_and_the_true_one_stands_below():
    figure = examples.sentences(ROWS)
    texts = {text.get_text(): text for text in figure.axes[0].texts}
    assert texts["(nn)"].get_color() == style.RED
    assert texts["jj"].get_position()[1] == texts["(nn)"].get_position()[1] + 1
    assert "(at)" not in texts
    places = [text.get_position() for text in figure.axes[0].texts if text.get_text().startswith("word")]
    assert len({y for _, y in places}) > 1  # in lines
    for text in figure.axes[0].texts:
        assert text.get_position()[0] + len(text.get_text()) <= figure.axes[0].get_xlim()[1]


def test_failures_are_wrong_examples_and_say_how_many_there_are():
    rows = [
        {"input": text, "target": "a", "prediction": said, "loss": loss}
        for text, said, loss in (("right, but unsure", "a", 5.0), ("wrong", "b", 2.0), ("worse", "b", 3.0))
    ]
    (axes,) = examples.failures(rows).axes
    assert axes.get_title(loc="left") == "2 of 3 examples are wrong; the largest losses:"
    text = axes.texts[0].get_text()
    assert text.index("worse") < text.index("wrong")
    assert "unsure" not in text
    assert examples.failures(rows[:1]) is None


def test_drawn_pictures_are_neither_right_nor_wrong():
    rows = [
        {
            "picture": np.zeros((4, 4)),
            "drawn": np.zeros((4, 4)),
            "input": "A",
            "target": "",
            "prediction": "",
            "loss": 1.0,
        }
    ] * 3
    assert examples.failures(rows).get_suptitle() == "largest losses of 3 examples"


def test_captions_say_what_was_said_and_what_is_true():
    picture = np.zeros((4, 4))
    rows = [
        {"picture": picture, "input": "a", "target": "LATIN SMALL LETTER A", "prediction": "LATIN SMALL LETTER A"},
        {"picture": picture, "input": "b", "target": "LATIN SMALL LETTER B", "prediction": "DIGIT SIX"},
    ]
    titles = [axes.get_title().replace("\n", " ") for axes in examples.captions(rows).axes]
    assert titles == ["LATIN SMALL LETTER A", "DIGIT SIX (true: LATIN SMALL LETTER B)"]
