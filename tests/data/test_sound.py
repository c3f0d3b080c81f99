"""WAV files as log-mel frames, against a plain sum over the frequencies and samples, and tones that are told apart."""

import re

import numpy as np
import pytest
from scipy.io import wavfile

from jaxrnn.data import labelled_series, sound

RATE = 8000


def tone(frequency, seconds=0.3, rng=None):
    times = np.arange(round(seconds * RATE)) / RATE
    noise = 0 if rng is None else rng.normal(0, 0.05, len(times))
    return 0.5 * np.sin(2 * np.pi * frequency * times) + noise


def plain_log_mel(samples, mels, hop):
    """By the definitions: windows of 2.5 hops, a sum over samples for every frequency, triangles on the mel scale."""
    width, step, size = round(2.5 * hop * RATE), round(hop * RATE), 256
    mel = lambda f: 2595 * np.log10(1 + f / 700)  # noqa: E731
    edges = np.interp(np.linspace(0, mel(RATE / 2), mels + 2), mel(np.arange(0, RATE / 2 + 1)), np.arange(RATE / 2 + 1))
    frames = []
    for start in range(0, len(samples) - width + 1, step):
        n = np.arange(width)
        window = samples[start : start + width] * np.sin(np.pi * n / width) ** 2
        power = [abs(np.sum(window * np.exp(-2j * np.pi * k * n / size))) ** 2 for k in range(size // 2 + 1)]
        bands = []
        for low, middle, high in zip(edges[:-2], edges[1:-1], edges[2:], strict=True):
            weights = np.interp(np.arange(size // 2 + 1) * RATE / size, [low, middle, high], [0, 1, 0])
            bands.append(np.log(weights @ power + 1e-10))
        frames.append(bands)
    return np.array(frames)


def test_frames_are_the_power_in_mel_bands(tmp_path):
    samples = tone(700, 0.1, np.random.default_rng(0)).astype(np.float32)
    wavfile.write(tmp_path / "a.wav", RATE, samples)
    found = sound.log_mel(tmp_path / "a.wav", 12, 0.01)
    assert found.shape == (8, 12)
    np.testing.assert_allclose(found, plain_log_mel(samples, 12, 0.01), atol=1e-5)


def test_kinds_of_samples_and_channels_are_one_sound(tmp_path):
    samples = tone(440)
    kinds = {
        "float": samples.astype(np.float32),
        "int16": np.round(samples * 2**15).astype(np.int16),
        "int32": np.round(samples * 2**31).astype(np.int32),
        "stereo": np.stack([samples * 1.5, samples * 0.5], axis=1).astype(np.float32),
        "uint8": np.round(samples * 128 + 128).astype(np.uint8),
    }
    frames = {}
    for name, content in kinds.items():
        wavfile.write(tmp_path / f"{name}.wav", RATE, content)
        frames[name] = sound.log_mel(tmp_path / f"{name}.wav", 10)
    loud = frames["float"] > frames["float"].max() - 5  # rounding to 8 bits is heard where the tone is not
    for name, found in frames.items():
        np.testing.assert_allclose(found[loud], frames["float"][loud], atol=0.1 if name == "uint8" else 1e-2)


def write_tones(folder, per_label=12):
    rng = np.random.default_rng(0)
    for frequency in (300, 600, 1200):
        (folder / f"{frequency} Hz").mkdir(parents=True)
        for number in range(per_label):
            samples = tone(frequency * rng.uniform(0.95, 1.05), rng.uniform(0.15, 0.3), rng)
            wavfile.write(folder / f"{frequency} Hz" / f"{number}.wav", RATE, samples.astype(np.float32))


def test_folders_and_tables_of_sounds_are_labelled_sequences(tmp_path):
    write_tones(tmp_path / "tones")
    data = labelled_series.dataset(tmp_path / "tones", mels=20)
    assert (data.input_size, data.output_size, data.train.rows) == (20, 3, 28)
    lengths, (xs, _, targets) = np.asarray(data.train.arrays.lengths), map(np.asarray, data.train.arrays[:3])
    assert lengths.min() >= 12
    assert lengths.max() <= 29
    means = np.array([x[:n].mean(axis=0) for x, n in zip(xs, lengths, strict=True)])
    centres = np.array([means[targets[:, 0, 0] == label].mean(axis=0) for label in range(3)])
    batch = data.splits["test"]
    test = np.asarray(batch.xs).sum(axis=0) / np.asarray(batch.mask).sum(axis=0)[:, None]
    nearest = np.argmin(((test[:, None] - centres) ** 2).sum(axis=-1), axis=1)
    np.testing.assert_array_equal(nearest, np.asarray(batch.targets)[0, :, 0])
    files = sorted((tmp_path / "tones").glob("*/*.wav"), key=lambda file: (file.parent.name, file.name))
    rows = [f"tones/{file.parent.name}/{file.name},{file.parent.name}" for file in files]
    (tmp_path / "table.csv").write_text("file,label\n" + "\n".join(rows) + "\n")
    by_table = labelled_series.dataset(tmp_path / "table.csv", mels=20)
    np.testing.assert_array_equal(by_table.train.arrays.xs, data.train.arrays.xs)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.wav", b"RIFF not really", "is not a WAV file that SciPy reads"),
        ("a.flac", b"fLaC", "expected a WAV file; convert it: ffmpeg -i a.flac a.wav"),
        ("a.wav", np.zeros(20), "20 samples at 8000 Hz are shorter than a frame of 0.025 s"),
        ("a.wav", tone(440), "data.mels=200: some bands contain no frequency"),
    ],
)
def test_a_sound_that_cannot_be_read_is_named(tmp_path, name, content, message):
    folder = tmp_path / "sounds" / "x"
    folder.mkdir(parents=True)
    if isinstance(content, bytes):
        (folder / name).write_bytes(content)
    else:
        wavfile.write(folder / name, RATE, content)
    with pytest.raises(ValueError, match=re.escape(message)) as error:
        labelled_series.dataset(tmp_path / "sounds", mels=200)
    assert "\n" not in str(error.value)
    assert str(error.value).startswith((str(folder / name), "data.mels"))
