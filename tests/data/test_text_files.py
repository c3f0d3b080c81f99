"""Files of text as people have them: ends of lines, letters that look like ends of lines, encodings, nothing at all."""

import shutil
import subprocess

import numpy as np
import pytest

from jaxrnn.data import _assets, addition, csv, glyphs, labels, pairs, tagging, text

ENDS = {"newlines": "\n", "Windows": "\r\n", "old Macs": "\r"}
INSIDE = {"form feed": "\f", "vertical tab": "\v", "next line": "\x85", "line separator": "\u2028",
          "paragraph separator": "\u2029", "file separator": "\x1c"}  # fmt: skip


def lines_of(kind, count=40, inside=""):
    """The lines of a file of one kind, 40 examples."""
    made = {
        "labels": ["text,label", *(f"w{inside}{n},{'ab'[n % 2]}" for n in range(count))],
        "pairs": [f"w{inside}{n}\tanswer{n % 3}" for n in range(count)],
        "tagging": [line for n in range(count) for line in (f"w{inside}{n}\tA", f"v{n}\tB", "")],
        "text": [f"line {inside}{n} of a text" for n in range(count)],
        "csv": ["time,value", *(f"{n},{np.sin(n):.4f}" for n in range(count))],
    }
    return made[kind]


READERS = {
    "labels": labels.dataset,
    "pairs": pairs.dataset,
    "tagging": tagging.dataset,
    "text": lambda path: text.dataset(path, window=4, validation=0.3, test=0.3),
    "csv": lambda path: csv.dataset(path, "value", window=4),
}
WRONG = {"labels": "a,b,c", "pairs": "no tab", "tagging": "no tab"}  # a line of another kind


@pytest.mark.parametrize("kind", READERS)
def test_every_end_of_a_line_is_one(tmp_path, kind):
    found = []
    for name, end in ENDS.items():
        path = tmp_path / name
        path.write_bytes(end.join([*lines_of(kind), ""]).encode())
        found.append(READERS[kind](str(path)))
    for dataset in found[1:]:
        assert dataset.symbols.inputs == found[0].symbols.inputs
        for name, batch in dataset.splits.items():
            np.testing.assert_array_equal(batch.targets, found[0].splits[name].targets)


@pytest.mark.parametrize("letter", INSIDE)
@pytest.mark.parametrize("kind", WRONG)
def test_no_other_letter_ends_a_line(tmp_path, kind, letter):
    path, lines = tmp_path / "mine", [*lines_of(kind, inside=INSIDE[letter]), WRONG[kind]]
    path.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(ValueError, match=f"line {len(lines)}: "):
        READERS[kind](str(path))
    path.write_text("\n".join(lines[:-1]), encoding="utf-8")
    READERS[kind](str(path))


ENCODINGS = {"utf-16": "UTF-16", "utf-16-le": "UTF-16LE", "utf-16-be": "UTF-16BE", "utf-32": "UTF-32",
             "cp1252": "WINDOWS-1252", "latin-1": "WINDOWS-1252"}  # fmt: skip


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_the_command_that_converts_a_file_works(tmp_path, encoding):
    """For a path with blanks and quotes too; what it writes is the text, letter by letter."""
    price = "\u20ac" if encoding == "cp1252" else ""
    content = "".join(f"caf\xe9 {n}\ttea{price}{n % 3}\n" for n in range(40))
    path = tmp_path / "it's my file.txt"
    path.write_bytes(content.encode(encoding))
    with pytest.raises(ValueError, match="not UTF-8") as refused:
        pairs.dataset(str(path))
    message = str(refused.value)
    assert "\n" not in message
    assert f"iconv -f {ENCODINGS[encoding]} -t UTF-8 " in message
    if shutil.which("iconv"):
        command = message[message.index("iconv") :]
        subprocess.run(command, shell=True, check=True)
        (other,) = set(tmp_path.iterdir()) - {path}
        assert other.suffix == ".txt"
        assert _assets.read_text(other) == content


def test_bytes_of_no_known_encoding_are_named(tmp_path):
    path = tmp_path / "mine.txt"
    path.write_bytes(b"tea\n\x81\x8d\n")
    with pytest.raises(ValueError, match=r"byte 4 is not UTF-8; save the file as UTF-8$"):
        _assets.read_text(path)


@pytest.mark.costly
@pytest.mark.parametrize("kind", ["labels", "pairs", "tagging", "text", "addition", "draw", "caption"])
def test_an_empty_question_is_refused_in_a_line(tmp_path, kind):
    path = tmp_path / "mine"
    if kind in READERS:
        path.write_text("\n".join(lines_of(kind)))
        dataset = READERS[kind](str(path))
    else:
        dataset = addition.dataset(examples=50, validation=10) if kind == "addition" else glyphs.dataset(kind)
    with pytest.raises(ValueError, match=r"^[^\n]*(empty|one character)[^\n]*$"):
        dataset.symbols.question.batch("")
