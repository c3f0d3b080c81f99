"""The site: pip install -e '.[docs]' && sphinx-build -W docs site.

JAXRNN_DOCS=quick builds the quick forms of what is executed, as the tests of the site do; JAXRNN_DOCS=pages executes
nothing and leaves the gallery out.
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
form = os.environ.setdefault("JAXRNN_DOCS", "full")  # pages that are executed read it too
quick = form == "quick"


def digest():
    """Of all that the pages may run: the package and the configurations."""
    found = hashlib.sha256()
    for folder in (HERE.parent / "src", HERE.parent / "conf"):
        for path in sorted([*folder.rglob("*.py"), *folder.rglob("*.yaml")]):
            found.update(path.read_bytes())
    return found.hexdigest()[:12]


extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton"]
extensions += ["docstrings", "pages", "gallery"]
exclude_patterns = ["_cache", "_ext", "**/.ipynb_checkpoints"]
templates_path = []

myst_enable_extensions = ["deflist", "fieldlist"]
myst_heading_anchors = 3
nb_execution_mode = "off" if form == "pages" else "cache"
nb_execution_cache_path = str(HERE / "_cache" / f"notebooks-{digest()}")  # run again when the package changes
nb_execution_raise_on_error = True
nb_execution_timeout = 600
nb_merge_streams = True
suppress_warnings = ["ref.python"]  # classes of one name in two modules
suppress_warnings += ["myst-nb.lexer"] if form == "pages" else []  # only a kernel says the language of a cell

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the signatures say them
napoleon_custom_sections = [("Fields", "params_style")]
default_role = None
nitpicky = True
nitpick_ignore_regex = [("py:.*", "(?!jaxrnn).*")]  # names of other packages
nitpick_ignore = [("py:class", "jaxrnn.types._NetFields")]  # only the base of `Net`, which its page documents

html_theme = "furo"
html_title = f"jaxrnn {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
copybutton_prompt_text = r">>> |\$ "
copybutton_prompt_is_regexp = True
