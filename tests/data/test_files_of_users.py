"""Twenty files as people have them, each read by the one command that a new user would type.

The files are made here, in the shapes of well-known sources. What the command reads is compared with pandas: the date
of the first test prediction, the sizes of the splits, and the error of the trivial predictor.
"""

import itertools
import shlex

import numpy as np
import pandas as pd
import pytest

import jaxrnn
from jaxrnn.experiments import build

RNG = np.random.default_rng(0)
COUNT = 240


def walk(scale=1.0, offset=0.0, digits=2):
    return pd.Series(np.round(offset + scale * RNG.normal(size=COUNT).cumsum(), digits))


def rows(*columns, sep=","):
    return "\n".join(sep.join(map(str, fields)) for fields in zip(*columns, strict=True))


def stock_prices():
    """Prices of business days with the columns of a broker, holidays left out."""
    days = pd.bdate_range("2019-01-02", periods=COUNT + 3).delete([7, 90, 200]).to_series(index=range(COUNT))
    close = walk(offset=100)
    frame = pd.DataFrame({"Date": days, "Open": close - 1, "High": close + 2, "Close": close, "Volume": 1000})
    return frame.to_csv(index=False), "data=csv data.path=FILE data.column=Close data.time=Date", days, close


def unemployment_rate():
    """A monthly rate of a statistical office: the first of each month."""
    months = pd.Series(pd.date_range("1990-01-01", periods=COUNT, freq="MS"))
    rate = walk(0.1, 6, 1)
    text = f"observation_date,UNRATE\n{rows(months.dt.date, rate)}"
    return text, "data=csv data.path=FILE data.column=UNRATE data.time=observation_date", months, rate


def electricity_meters():
    """Meters in columns, semicolons, decimal commas, quoted names and times, and no name above the times."""
    times = pd.Series(pd.date_range("2011-01-01 00:15", periods=COUNT, freq="15min"))
    load = walk(0.5, 40, 3)
    values = [f"{value:.3f}".replace(".", ",") for value in load]
    text = '"";"MT_001";"MT_002"\n' + rows((f'"{time}"' for time in times), values, values[::-1], sep=";")
    return text, "data=csv data.path=FILE data.column=MT_001 data.time=0", times, load


def hours_with_summer_time():
    """Times with their offset from UTC, which changes in March: the hour before 03:00 is missing on the clock."""
    times = pd.Series(pd.date_range("2021-03-24", periods=COUNT, freq="h", tz="Europe/Berlin"))
    price = walk(offset=50)
    text = f"time,price\n{rows((time.isoformat() for time in times), price)}"
    return text, "data=csv data.path=FILE data.column=price data.time=time", times, price


def minutes_in_utc():
    """Times that end in Z."""
    times = pd.Series(pd.date_range("2022-05-01", periods=COUNT, freq="min", tz="UTC"))
    heart_rate = walk(offset=70, digits=0).astype(int)
    text = f"timestamp,bpm\n{rows(times.dt.strftime('%Y-%m-%dT%H:%M:%SZ'), heart_rate)}"
    return text, "data=csv data.path=FILE data.column=bpm data.time=timestamp", times, heart_rate


def seconds_since_1970():
    times = pd.Series(pd.date_range("2023-01-01", periods=COUNT, freq="10s"))
    level = walk()
    text = f"ts\tlevel\n{rows(times.astype('datetime64[s]').astype(int), level, sep=chr(9))}"
    return text, "data=csv data.path=FILE data.column=level data.time=ts", times, level


def thousands_in_quotes():
    """Visitors as a spreadsheet in English writes them: 1,234,567 in quotes."""
    days = pd.Series(pd.date_range("2020-01-01", periods=COUNT))
    visitors = walk(5000, 2_000_000, 0).astype(int)
    text = "Day,Visitors\n" + "\n".join(f'"{day:%b %d, %Y}","{v:,}"' for day, v in zip(days, visitors, strict=True))
    return text, "data=csv data.path=FILE data.column=Visitors data.time=Day", days, visitors


def sentinels():
    """A weather station that writes -9999 for a missing value."""
    days = pd.Series(pd.date_range("2018-06-01", periods=COUNT))
    rain = walk(digits=1)
    written = rain.copy()
    written[[20, 21, 100]] = -9999
    text = f"date,tmax\n{rows(days.dt.strftime('%Y%m%d'), written)}"
    command = "data=csv data.path=FILE data.column=tmax data.time=date data.missing_values=-9999"
    rain[[20, 21, 100]] = np.nan
    return text, f"{command} data.missing=interpolate", days, rain.interpolate()


def quarters_and_pipes():
    quarters = pd.Series(pd.date_range("1960-01-01", periods=COUNT, freq="QS"))
    gdp = walk(30, 9000, 1)
    text = f"quarter|gdp\n{rows(quarters.dt.date, gdp, sep='|')}"
    return text, "data=csv data.path=FILE data.column=gdp data.time=quarter", quarters, gdp


def western_encoding():
    """A German export in the encoding of Windows, with a currency sign that is no UTF-8."""
    days = pd.Series(pd.date_range("2022-01-01", periods=COUNT))
    sales = walk(30, 900)
    values = [f"{value:.2f}".replace(".", ",") for value in sales]
    text = f"Tag;Umsatz €\n{rows(days.dt.strftime('%d.%m.%Y'), values, sep=';')}".encode("cp1252")
    command = """data=csv data.path=FILE 'data.column="Umsatz €"' data.time=Tag data.encoding=cp1252"""
    return text, command, days, sales


SERIES = [stock_prices, unemployment_rate, electricity_meters, hours_with_summer_time, minutes_in_utc,
          seconds_since_1970, thousands_in_quotes, sentinels, quarters_and_pipes, western_encoding]  # fmt: skip


@pytest.fixture
def read(tmp_path, monkeypatch):
    """(content, words of a command) -> the data set."""
    monkeypatch.chdir(tmp_path)

    def dataset(content, command):
        (tmp_path / "mine.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
        return build.experiment(*shlex.split(command.replace("FILE", "mine.csv"))).task.dataset

    return dataset


@pytest.mark.sample(2, 2)
@pytest.mark.parametrize("shape", SERIES, ids=lambda shape: shape.__name__)
def test_a_series_in_one_column(read, shape):
    content, command, times, values = shape()
    dataset = read(content, command)
    series, values = dataset.series, values.astype(float)
    np.testing.assert_allclose(series.in_source_units(series.values)[:, 0], values, rtol=1e-9, atol=1e-9)
    start, test = round(0.7 * COUNT), round(0.85 * COUNT)
    first = times[test].tz_convert(pd.Timestamp(f"2000-01-01T00{series.zone}").tz) if series.zone else times[test]
    assert pd.Timestamp(series.times_of(series.handover, 1)[0]) == first.tz_localize(None)
    assert series.zone == {hours_with_summer_time: "+01:00", minutes_in_utc: "Z"}.get(shape, "")
    assert dataset.train.rows == start - 32
    sizes = {name: len(batch.fresh) for name, batch in dataset.splits.items()}
    assert sizes == {"validation": test - start, "test": COUNT - test}
    batch = dataset.splits["test"]
    rmse = float(dataset.metrics["rmse"](dataset.trivial(batch), batch))
    np.testing.assert_allclose(rmse, np.sqrt((values.diff()[test:] ** 2).mean()), rtol=1e-5)


@pytest.mark.slow
def test_a_panel_of_stores(read):
    """One row per store and day, as sales competitions have them; the stores open on different days."""
    frames = {}
    for number, store in enumerate(("Berlin", "Köln", "Ulm")):
        days = pd.date_range("2023-01-01", periods=100 + 20 * number)
        sales = np.round(10.0**number * RNG.gamma(5, 1, len(days)), 2)
        frames[store] = pd.DataFrame({"date": days, "store": store, "sales": sales})
    table = pd.concat(frames.values()).sort_values(["date", "store"])
    dataset = read(
        table.to_csv(index=False), "data=csv data.path=FILE data.column=sales data.time=date data.series_by=store"
    )
    parts = {store: (frame, round(0.7 * len(frame)), round(0.85 * len(frame))) for store, frame in frames.items()}
    for series in dataset.series.panel:
        frame, _, test = parts[series.name]
        assert series.times_of(series.handover, 1)[0] == np.datetime64(frame.date[test])
    assert dataset.train.rows == sum(start - 32 for _, start, _ in parts.values())
    errors = pd.concat([frame.sales.diff()[test:] for frame, _, test in parts.values()])
    batch = dataset.splits["test"]
    assert len(batch.fresh) == len(errors)
    mae = float(dataset.metrics["mae"](dataset.trivial(batch), batch))
    np.testing.assert_allclose(mae, errors.abs().mean(), rtol=1e-5)


NOUNS, VERBS = ("film", "plot", "cast", "score"), ("was", "seemed", "felt")
ADJECTIVES = ("fine", "dull", "long", "warm")
SENTENCES = [f"the {noun} {verb} {more} {adjective}!" for noun, verb, more, adjective in itertools.product(
    NOUNS, VERBS, ("very", "not", "quite", "rather", "hardly"), ADJECTIVES)]  # fmt: skip


def answers(dataset, part="test"):
    """The examples of a split as a frame: `input` and `target` in words."""
    batch = dataset.splits[part]
    return pd.DataFrame(dataset.symbols.describe(batch, np.asarray(batch.targets[..., 0])))


def sizes(dataset):
    return {"train": dataset.train.rows, **{name: len(batch.fresh) for name, batch in dataset.splits.items()}}


def trivial_accuracy(dataset):
    batch = dataset.splits["test"]
    return float(dataset.metrics["accuracy"](dataset.trivial(batch), batch))


def reviews():
    """A table of reviews with named columns, commas and quotation marks inside, as film sites have them."""
    frame = pd.DataFrame({"id": range(len(SENTENCES)), "review": [f'He said: "{s}", twice' for s in SENTENCES]})
    frame["sentiment"] = np.where(frame.review.str.contains("fine|warm|long"), "positive", "negative")
    command = "data=labels data.path=FILE data.text=review data.label=sentiment"
    return frame.to_csv(index=False), command, frame.set_index("review").sentiment


def messages():
    """Label, tab, message, without a header: spam or not."""
    frame = pd.DataFrame({"label": ["spam" if n % 4 == 0 else "ham" for n in range(len(SENTENCES))], "text": SENTENCES})
    text = frame.to_csv(index=False, header=False, sep="\t")
    return text, "data=labels data.path=FILE data.text=1 data.label=0 data.by=words", frame.set_index("text").label


@pytest.mark.sample(1, 2)
@pytest.mark.parametrize("shape", [reviews, messages], ids=lambda shape: shape.__name__)
def test_texts_with_a_label(read, shape):
    content, command, labels = shape()
    dataset = read(content, command)
    counts = labels.value_counts()
    shares = {part: counts.mul(share).round().sum() for part, share in (("validation", 0.1), ("test", 0.1))}
    assert sizes(dataset) == {"train": len(labels) - sum(shares.values()), **shares}
    test = answers(dataset)
    assert (test.target.to_numpy() == labels[test.input].to_numpy()).all()
    np.testing.assert_allclose(trivial_accuracy(dataset), (test.target == counts.idxmax()).mean(), rtol=1e-6)


def translations():
    """English, tab, German, tab, where the sentence comes from: two of three columns without a header."""
    german = [s.replace("the", "der").replace("was", "war").replace("very", "sehr") for s in SENTENCES]
    frame = pd.DataFrame({"english": SENTENCES, "german": german, "source": "CC-BY 2.0 (France) #1"})
    command = "data=pairs data.path=FILE 'data.columns=[0,1]' data.source=words data.target=words"
    return frame.to_csv(index=False, header=False, sep="\t"), command, frame.set_index("english").german


def questions():
    """Named columns among others."""
    frame = pd.DataFrame({"id": range(300, 600), "question": [f"{n} plus 7" for n in range(300, 600)]})
    frame["answer"] = (frame.id + 7).astype(str)
    command = "data=pairs data.path=FILE 'data.columns=[question,answer]'"
    return frame.to_csv(index=False), command, frame.set_index("question").answer


@pytest.mark.sample(1, 2)
@pytest.mark.parametrize("shape", [translations, questions], ids=lambda shape: shape.__name__)
def test_pairs_of_texts(read, shape):
    content, command, pairs = shape()
    dataset = read(content, command)
    tenth = round(0.1 * len(pairs))
    assert sizes(dataset) == {"train": len(pairs) - 2 * tenth, "validation": tenth, "test": tenth}
    parts = {part: answers(dataset, part) for part in ("validation", "test")}
    for part in parts.values():
        assert (part.target.to_numpy() == pairs[part.input].to_numpy()).all()
    held_out = pd.concat(parts.values()).input
    spelled = [[*(text.split() if "words" in command else text), "end"] for text in pairs.drop(held_out)]
    modes = pd.DataFrame(spelled).mode().iloc[0]  # the most frequent symbol of each place
    test = [[*(text.split() if "words" in command else text), "end"] for text in parts["test"].target]
    hits = [symbol == modes.get(place) for text in test for place, symbol in enumerate(text)]
    np.testing.assert_allclose(trivial_accuracy(dataset), np.mean(hits), rtol=1e-6)


TAGS = {"the": ("DET", "O"), "!": ("PUNCT", "O"), **{word: ("NOUN", "B-THING") for word in NOUNS}}
TAGS |= {word: ("VERB", "O") for word in VERBS} | {word: ("ADJ", "B-VIEW") for word in ADJECTIVES}


def tagged(kind):
    """[(word, tag)] of every sentence; an adverb has a tag that depends on the word after it."""
    for sentence in SENTENCES:
        words = [*sentence[:-1].split(), "!"]
        adverb = ("ADV", "B-VIEW") if words[4] in ("fine", "warm", "dull") else ("PART", "O")
        yield [(word, TAGS.get(word, adverb)[kind]) for word in words]


def entities():
    """Four columns with blanks between them and a line before each document, as in CoNLL-2003."""
    blocks = ["\n".join(f"{word} X X {tag}" for word, tag in sentence) for sentence in tagged(1)]
    return "-DOCSTART- -X- -X- O\n\n" + "\n\n".join(blocks) + "\n", "data=tagging data.path=FILE", list(tagged(1))


def universal_tags():
    """Ten columns with tabs and comments, as in CoNLL-U."""
    blocks = ["\n".join(["# text = made", *(f"{n}\t{word}\t_\t{tag}\t_\t_\t0\t_\t_\t_"
                         for n, (word, tag) in enumerate(sentence, 1))]) for sentence in tagged(0)]  # fmt: skip
    return "\n\n".join(blocks) + "\n", "data=tagging data.path=FILE", list(tagged(0))


@pytest.mark.sample(1, 2)
@pytest.mark.parametrize("shape", [entities, universal_tags], ids=lambda shape: shape.__name__)
def test_words_with_tags(read, shape):
    content, command, sentences = shape()
    dataset = read(content, command)
    tenth = round(0.1 * len(sentences))
    assert sizes(dataset) == {"train": len(sentences) - 2 * tenth, "validation": tenth, "test": tenth}
    tags = {" ".join(word for word, _ in sentence): [tag for _, tag in sentence] for sentence in sentences}
    parts = {part: answers(dataset, part) for part in ("validation", "test")}
    held_out = set(pd.concat(parts.values()).input)
    train = pd.DataFrame([(word, tag) for sentence in sentences if " ".join(w for w, _ in sentence) not in held_out
                          for word, tag in sentence], columns=["word", "tag"])  # fmt: skip
    usual = train.groupby("word").tag.agg(lambda each: each.mode()[0])
    test = [(word, tag) for text in parts["test"].input for word, tag in zip(text.split(), tags[text], strict=True)]
    np.testing.assert_allclose(trivial_accuracy(dataset), np.mean([usual[w] == tag for w, tag in test]), rtol=1e-6)


GESTURES = [np.round(RNG.normal(size=(RNG.integers(6, 12), 3)) + (n % 4 == 0), 3) for n in range(80)]
KINDS = ["wave" if n % 4 == 0 else "rest" for n in range(80)]


def univariate_archive(folder):
    """Label and values with tabs, shorter sequences filled with NaN, in a training and a test file."""
    lines = ["\t".join([str(int(KINDS[n] == "wave")), *map(str, x[:, 0]), *["NaN"] * (12 - len(x))])
             for n, x in enumerate(GESTURES)]  # fmt: skip
    (folder / "Gesture_TRAIN.tsv").write_text("\n".join(lines[:60]))
    (folder / "Gesture_TEST.tsv").write_text("\n".join(lines[60:]))
    return "data=labelled_series data.path=Gesture_TRAIN.tsv", 1, {"train": 54, "validation": 6, "test": 20}


def multivariate_archive(folder):
    head = "@problemName Gesture\n@univariate false\n@classLabel true rest wave\n@data\n"
    lines = [":".join([*(",".join(map(str, column)) for column in x.T), KINDS[n]]) for n, x in enumerate(GESTURES)]
    (folder / "Gesture.ts").write_text(head + "\n".join(lines))
    return "data=labelled_series data.path=Gesture.ts", 3, {"train": 64, "validation": 8, "test": 8}


def recordings(folder):
    """A folder of tables with a list of their labels."""
    (folder / "runs").mkdir()
    for number, x in enumerate(GESTURES):
        pd.DataFrame(x, columns=["ax", "ay", "az"]).to_csv(folder / "runs" / f"{number}.csv", index=False)
    names = [f"runs/{number}.csv" for number in range(len(GESTURES))]
    pd.DataFrame({"file": names, "person": "A", "activity": KINDS}).to_csv(folder / "labels.csv", index=False)
    command = "data=labelled_series data.path=labels.csv data.label=activity"
    return command, 3, {"train": 64, "validation": 8, "test": 8}


@pytest.mark.sample(1, 2)
@pytest.mark.parametrize("shape", [univariate_archive, multivariate_archive, recordings], ids=lambda s: s.__name__)
def test_sequences_with_a_label(tmp_path, monkeypatch, shape):
    command, inputs, expected = shape(tmp_path)
    monkeypatch.chdir(tmp_path)
    dataset = build.experiment(*shlex.split(command)).task.dataset
    assert dataset.input_size == inputs
    assert sizes(dataset) == expected
    lengths = np.asarray(dataset.splits["test"].mask).sum(axis=0)
    if expected["test"] == 20:  # the published test part, in any order
        assert sorted(lengths) == sorted(len(x) for x in GESTURES[60:])
    np.testing.assert_allclose(trivial_accuracy(dataset), 0.75)


@pytest.mark.slow
def test_a_novel(read):
    """A text without columns: the next letter, with the end of the book for validation and test."""
    novel = " ".join(SENTENCES * 4)
    dataset = read(novel, "data=text data.path=FILE")
    letters = pd.Series(list(novel))
    ends = np.round(np.array([0.9, 0.95]) * len(letters)).astype(int)
    assert dataset.train.rows == (ends[0] - 1) // 64
    test = letters[ends[1] :]
    shares = letters[: ends[0]].value_counts(normalize=True)
    assert dataset.symbols.inputs.names == tuple(sorted(set(letters)))
    length = (len(test) - 1) // 32
    targets = pd.concat([test[1 + length * row :][:length][length // 10 :] for row in range(32)])
    batch = dataset.splits["test"]
    bits = float(dataset.metrics["bits_per_symbol"](dataset.trivial(batch), batch))
    np.testing.assert_allclose(bits, -np.log2(shares[targets]).mean(), rtol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("shape", [sentinels, reviews], ids=lambda shape: shape.__name__)
def test_a_network_trains_on_the_file(read, shape):
    content, command, *_ = shape()
    read(content, command)
    words = ["model.cell.size=4", "trainer.steps=4", "trainer.report_every=4"]
    run = jaxrnn.fit(build.experiment(*shlex.split(command.replace("FILE", "mine.csv")), *words))
    assert np.isfinite(list(run.metrics["test"].values())).all()
    expected = {sentinels: (36, 1), reviews: (24, 2)}[shape]  # examples of the test part, outputs
    ys = run.predict("test")
    assert (ys.shape[1], ys.shape[2]) == expected
