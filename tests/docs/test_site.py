"""The site as it is built: no warning, no broken link, every public function, notebooks that ran."""

import hashlib
import importlib
import inspect
import json
import os
import pkgutil
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest

import jaxrnn

pytestmark = pytest.mark.docs


class Page(HTMLParser):
    """The links, the pictures and the anchors of a page."""

    def __init__(self, text):
        super().__init__()
        self.links, self.sources, self.anchors = [], [], set()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.anchors |= {found[name] for name in ("id", "name") if found.get(name)}
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        if tag in ("img", "script") and found.get("src"):
            self.sources.append(found["src"])
        if tag == "link" and found.get("href"):
            self.sources.append(found["href"])


@pytest.fixture(scope="session")
def site(root, tmp_path_factory):
    """The folder of the site, built from the sources with warnings as errors."""
    if "JAXRNN_SITE" in os.environ:  # one that was built already
        return Path(os.environ["JAXRNN_SITE"])
    folder = tmp_path_factory.mktemp("site") / "site"
    command = [sys.executable, "-m", "sphinx", "-W", "-q", "-j", "2", str(root / "docs"), str(folder)]
    environment = {"JAXRNN_DOCS": "quick", **os.environ}
    done = subprocess.run(command, cwd=folder.parent, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-4000:]
    return folder


@pytest.fixture(scope="session")
def pages(site):
    return {path.resolve(): Page(path.read_text()) for path in site.rglob("*.html")}


def test_every_link_leads_somewhere_and_nothing_is_fetched_from_elsewhere(pages):
    broken = []
    for path, page in pages.items():
        for link in page.links:
            target, _, anchor = unquote(link).partition("#")
            if "://" in target or target.startswith(("mailto:", "data:")):
                continue
            other = (path.parent / target).resolve() if target else path
            if not other.exists() or (anchor and other in pages and anchor not in pages[other].anchors):
                broken.append(f"{path.name}: {link}")
        for source in page.sources:
            if source.startswith("data:") or source == "#":
                continue
            if "://" in source or not (path.parent / unquote(source).partition("?")[0]).exists():
                broken.append(f"{path.name}: {source}")
    assert not broken
    assert len(pages) > 150


def test_every_public_function_has_a_page(site):
    inventory = (site / "genindex.html").read_text()
    missing = []
    for found in pkgutil.walk_packages(jaxrnn.__path__, "jaxrnn."):
        if found.ispkg or any(part[0] == "_" for part in found.name.split(".")) or found.name.endswith("torch_model"):
            continue
        module = importlib.import_module(found.name)
        for name, value in vars(module).items():
            own = getattr(value, "__module__", None) == found.name
            if name[0] != "_" and own and inspect.isfunction(value) and value.__doc__:
                missing += [] if f"{found.name}.{name}" in inventory else [f"{found.name}.{name}"]
    assert not missing


def test_every_entry_point_has_a_place_and_no_private_module_a_page(site):
    """Names such as `jaxrnn.fit` and `jaxrnn.interop.to_torch`, as a user types them."""
    rooms = ["jaxrnn", *(f"jaxrnn.{found.name}" for found in pkgutil.iter_modules(jaxrnn.__path__) if found.ispkg)]
    assert "jaxrnn.fit" not in rooms
    for room in rooms:
        values = {name: getattr(importlib.import_module(room), name) for name in importlib.import_module(room).__all__}
        names = [name for name, value in values.items() if inspect.isfunction(value) or inspect.isclass(value)]
        page, folder = (site / "api" / f"{room}.html").read_text(), Path(importlib.import_module(room).__file__).parent
        missing = [name for name in names if f'id="{room}.{name}"' not in page]
        assert [name for name in missing if not (folder / f"{name}.py").exists()] == []  # a module has a page itself
    assert not [path for path in (site / "api").glob("*.html") if "._" in path.name]


def test_the_gallery_begins_with_data_sets(site):
    titles = re.findall(r"<h2>(.*?)<", (site / "gallery" / "index.html").read_text())
    assert titles == ["Data sets", "Studies", "Papers"]


def test_no_figure_is_shown_twice(site, pages):
    """Neither on one page nor on two; the front page and the index of the gallery show figures of other pages."""
    seen, fronts = {}, (("gallery", "index.html"), (site.name, "index.html"))
    for path, page in pages.items():
        for source in page.sources:
            file = (path.parent / unquote(source)).resolve()
            if file.suffix == ".png" and path.parts[-2:] not in fronts:
                seen.setdefault(hashlib.sha256(file.read_bytes()).hexdigest(), []).append(f"{path.name}: {source}")
    assert {places[0]: places for places in seen.values() if len(places) > 1} == {}
    assert not [source for page in pages.values() for source in page.sources if "grey" in source]


def test_keys_have_plain_types(site):
    text = "".join(path.read_text() for path in (site / "configuration").glob("*.html"))
    assert not re.findall(r"Annotated\[|Interval\(|Literal\[|Optional\[|jax\.typing", text)
    assert "number from 0, below 1" in text


@pytest.mark.parametrize("word", ["sentiment", "translation", "video", "fine-tune"])
def test_search_finds_the_words_of_users(site, word):
    """Sphinx's own search: it splits at hyphens and looks for stems."""
    from sphinx.search.en import SearchEnglish

    index = json.loads((site / "searchindex.js").read_text().removeprefix("Search.setIndex(").removesuffix(")"))
    language = SearchEnglish({})
    pages = None
    for part in language.split(word):
        hits = index["terms"].get(language.stem(part.lower()), []), index["titleterms"].get(language.stem(part), [])
        numbers = {number for each in hits for number in (each if isinstance(each, list) else [each])}
        pages = numbers if pages is None else pages & numbers
    assert "applications" in {index["docnames"][number] for number in pages}


@pytest.mark.parametrize("name", ["train", "own_data", "sweep", "gradients"])
def test_notebooks_ran(site, name):
    text = (site / "notebooks" / f"{name}.html").read_text()
    assert text.count("<img") > 0
    assert "Traceback" not in text
    assert "&lt;Figure size" not in text  # a figure that a notebook shows as text


def test_figures_of_the_tutorial_are_pictures(site):
    for path in (site / "tutorial").glob("[1-5]*.html"):
        assert "&lt;Figure size" not in path.read_text()
    for name in ("1_networks", "3_gradients", "4_gates"):
        assert "<img" in (site / "tutorial" / f"{name}.html").read_text()


def test_search_works_without_a_server(site):
    index = (site / "searchindex.js").read_text()
    assert index.startswith("Search.setIndex(")
    assert '"tutorial/2_backpropagation"' in index


def test_the_gallery_names_commands_and_what_they_took(site):
    found = list((site / "gallery").glob("*_*.html"))
    assert found
    for path in found:
        text = path.read_text()
        assert "<img" in text
        shown = re.sub(r"<[^>]*>", "", text)
        assert re.search(r"^jaxrnn (?:train|study|reproduce) ", shown, re.M)
        assert re.search(r"\d s on \d+ cores", shown)
