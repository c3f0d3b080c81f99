"""Sounds as sequences: the log-mel frames of a WAV file."""

import warnings
from pathlib import Path

import numpy as np

from jaxrnn.arguments import checked
from jaxrnn.types import Positive, Size

OTHER_FORMATS = (".flac", ".mp3", ".ogg", ".m4a", ".aac", ".opus", ".aiff", ".sph")
FLOOR = 1e-10  # added to a power, so that silence has a logarithm


@checked
def log_mel(path: str | Path, mels: Size = 40, hop: Positive = 0.01) -> np.ndarray:
    """Returns the logarithms of a recording's power in mel bands, one row per frame: [T, mels].

    A frame is a Hann window of 2.5 hops, 25 ms by default. The bands are triangles that are equally wide on the mel
    scale, 2595 log10(1 + f / 700 Hz), from 0 to half the sampling rate. Several channels are averaged.

    Args:
      path: a WAV file; its samples may be integers or floats.
      mels: number of bands.
      hop: seconds from one frame to the next.

    Raises:
      FileNotFoundError: if the file does not exist.
      ValueError: if it is not a WAV file, is shorter than a frame, or has too low a sampling rate for so many bands.
    """
    rate, samples = _read(path)
    step, width = round(hop * rate), round(2.5 * hop * rate)
    if step < 1 or len(samples) < width:
        raise ValueError(f"{path}: {len(samples)} samples at {rate} Hz are shorter than a frame of {2.5 * hop:g} s")
    size = 1 << (width - 1).bit_length()
    windows = np.lib.stride_tricks.sliding_window_view(samples, width)[::step]
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(width) / width)
    power = np.abs(np.fft.rfft(windows * hann, size)) ** 2
    bands = filters(mels, size, rate)
    if not bands.any(axis=0).all():
        raise ValueError(f"data.mels={mels}: some bands contain no frequency of {path} at {rate} Hz; give fewer bands")
    return np.log(power @ bands + FLOOR)


def filters(mels: int, size: int, rate: float) -> np.ndarray:
    """Returns the weights [size // 2 + 1, mels] of the frequencies of an FFT of `size` samples in each mel band."""
    frequencies = np.arange(size // 2 + 1) * rate / size
    edges = 700 * (10 ** (np.linspace(0, 2595 * np.log10(1 + rate / 1400), mels + 2) / 2595) - 1)
    low, middle, high = edges[:-2], edges[1:-1], edges[2:]
    rising, falling = (frequencies[:, None] - low) / (middle - low), (high - frequencies[:, None]) / (high - middle)
    return np.maximum(np.minimum(rising, falling), 0)


def _read(path):
    """Returns (sampling rate in Hz, samples [n] in [-1, 1]) of a WAV file."""
    from scipy.io import wavfile  # imported here because it takes a tenth of a second

    path = Path(path)
    if path.suffix.lower() in OTHER_FORMATS:
        raise ValueError(f"{path}: expected a WAV file; convert it: ffmpeg -i {path.name} {path.stem}.wav")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", wavfile.WavFileWarning)  # about chunks of notes, which are skipped
            rate, samples = wavfile.read(path)
    except ValueError as error:
        raise ValueError(f"{path} is not a WAV file that SciPy reads: {' '.join(str(error).split())}") from error
    is_unsigned, is_integer = samples.dtype == np.uint8, np.issubdtype(samples.dtype, np.integer)
    scale = 2.0 ** (8 * samples.dtype.itemsize - 1) if is_integer else 1.0
    samples = samples.astype(float) / scale - (1.0 if is_unsigned else 0.0)
    return rate, samples.mean(axis=1) if samples.ndim > 1 else samples
