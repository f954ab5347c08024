"""Settings of the site; `docs/_ext/build.py` writes its sources, and nothing on it is fetched from anywhere."""

import re
from typing import Any

import labutils

project = "An interactive deep-learning lab on medical images"
author = "the contributors of labutils"
release = labutils.__version__
extensions = ["myst_nb", "sphinx_copybutton", "sphinx_design", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_static"]

nb_execution_mode = "off"
nb_mime_priority_overrides = [("html", "text/html", 0)]
# No widget manager, which would come from elsewhere: what moves on a page needs none.
nb_ipywidgets_js = {}
nb_render_markdown_format = "myst"
myst_enable_extensions = ["attrs_inline", "colon_fence"]
myst_heading_anchors = 4
suppress_warnings = ["myst.header", "mystnb.unknown_mime_type"]
autodoc_typehints = "description"
autodoc_member_order = "bysource"
toc_object_entries = False

html_theme = "sphinx_book_theme"
html_title = "Deep learning on medical images: a lab"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False
html_context = {"default_mode": "auto"}
# Summaries are fetched page by page, which a browser forbids to a page that is opened as a file.
html_show_search_summary = False
html_theme_options = {
    "use_download_button": False,
    "use_fullscreen_button": False,
    "show_navbar_depth": 1,
    "show_toc_level": 2,
    "home_page_in_toc": True,
    "back_to_top_button": False,
    "navbar_persistent": [],
    "article_header_end": ["search-button", "theme-switcher", "toggle-secondary-sidebar"],
}
copybutton_selector = "div.cell_input pre, div.highlight-none pre, div.highlight-default pre"


def setup(app: Any) -> None:
    """Sphinx puts the list of what a function returns into a paragraph, which HTML does not allow."""

    def mend(app: Any, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
        context["body"] = re.sub(
            r"<dd([^>]*)><p>(<ul.*?</ul>)\s*</p>", r"<dd\1>\2", context.get("body", ""), flags=re.S
        )

    app.connect("html-page-context", mend)
