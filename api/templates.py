"""Renders the pages in `api/pages/` with the values of an offer."""

import re
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape

PAGES = Path(__file__).parent / "pages"


@cache
def _environment(folder: Path) -> Environment:
    return Environment(
        loader=FileSystemLoader([folder, PAGES]),
        autoescape=select_autoescape(("html",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def render(name: str, folder: Path = PAGES, **values: Any) -> str:
    """Render a page; values are escaped in HTML, and a missing value is an error.

    Args:
        folder: folder of the page and its includes, besides `api/pages/`.
    """
    return _environment(folder).get_template(name).render(values)


def macros(name: str, folder: Path) -> object:
    """The macros of a page as attributes, for other pages."""
    return _environment(folder).get_template(name).module


def code(text: str) -> Markup:
    """A sentence as HTML; words in backticks become code."""
    return Markup(re.sub("`([^`]+)`", r"<code>\1</code>", str(escape(text))))  # noqa: S704 # escaped before
