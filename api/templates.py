"""The pages in `api/pages/`, with what one offer puts into them."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape

PAGES = Path(__file__).parent / "pages"
RAIL_NAMES: Mapping[str, str] = {"x402": "x402", "mpp": "MPP"}
"""How the rails are written in sentences."""

_ENVIRONMENT = Environment(
    loader=FileSystemLoader(PAGES),
    autoescape=select_autoescape(("html",)),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)


def render(name: str, **values: Any) -> str:
    """One page; HTML is escaped, and a value that is missing is an error."""
    return _ENVIRONMENT.get_template(name).render(values)


def code(text: str) -> Markup:
    """A sentence whose words in backticks are code."""
    return Markup(re.sub("`([^`]+)`", r"<code>\1</code>", str(escape(text))))  # noqa: S704 # escaped before
