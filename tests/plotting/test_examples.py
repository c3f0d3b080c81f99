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


def test_captions_say_what_was_said_and_what_is_true():
    picture = np.zeros((4, 4))
    rows = [
        {"picture": picture, "input": "a", "target": "LATIN SMALL LETTER A", "prediction": "LATIN SMALL LETTER A"},
        {"picture": picture, "input": "b", "target": "LATIN SMALL LETTER B", "prediction": "DIGIT SIX"},
    ]
    titles = [axes.get_title().replace("\n", " ") for axes in examples.captions(rows).axes]
    assert titles == ["LATIN SMALL LETTER A", "DIGIT SIX (true: LATIN SMALL LETTER B)"]
