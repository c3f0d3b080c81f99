"""Configures the site: pip install -e '.[docs]' && sphinx-build -W docs site.

JAXRNN_DOCS=quick runs shorter forms of the commands in the pages, as the tests of the site do. JAXRNN_DOCS=pages runs
no command and omits the gallery.
"""

import hashlib
import os
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_ext"))

import jaxrnn  # noqa: E402

project, author, release = "jaxrnn", "The jaxrnn authors", jaxrnn.__version__
copyright = "The jaxrnn authors, MIT licence"
form = os.environ.setdefault("JAXRNN_DOCS", "full")  # also read by the pages that run code
os.environ["TQDM_DISABLE"] = "1"  # pages that run code show no progress bars
quick = form == "quick"


def digest():
    """Returns a digest of everything that the pages can run: the package and the configurations."""
    sha = hashlib.sha256()
    for folder in (HERE.parent / "src", HERE.parent / "conf"):
        for path in sorted([*folder.rglob("*.py"), *folder.rglob("*.yaml")]):
            sha.update(path.read_bytes())
    return sha.hexdigest()[:12]


extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton"]
extensions += ["docstrings", "formulas", "pages", "gallery"]
exclude_patterns = ["_cache", "_ext", "**/.ipynb_checkpoints"]
templates_path = []

myst_enable_extensions = ["deflist", "dollarmath", "fieldlist"]
myst_heading_anchors = 3
nb_execution_mode = "off" if form == "pages" else "cache"
nb_execution_cache_path = str(HERE / "_cache" / f"notebooks-{digest()}")  # run again when the package changes
nb_execution_raise_on_error = True
nb_execution_timeout = 600
nb_merge_streams = True
suppress_warnings = ["ref.python"]  # two modules have a class of the same name
suppress_warnings += ["myst-nb.lexer"] if form == "pages" else []  # without a kernel the language of a cell is unknown

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # they are in the signatures
napoleon_custom_sections = [("Fields", "params_style")]
default_role = None
nitpicky = True
nitpick_ignore_regex = [("py:.*", "(?!jaxrnn).*")]  # names of other packages
nitpick_ignore = [  # the bases of `Cell`, `Net` and `Dataset`, whose pages document them
    ("py:class", "jaxrnn.contracts._CellFields"),
    ("py:class", "jaxrnn.contracts._NetFields"),
    ("py:class", "jaxrnn.dataset._DatasetFields"),
]

html_theme, html_math_renderer = "furo", "mathml"
html_title = f"jaxrnn {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
copybutton_prompt_text = r">>> |\$ "
copybutton_prompt_is_regexp = True
