"""A hook of MkDocs: pages beside docs/ (README, CHANGELOG, ...) are on the site, and links between them hold there.

The site has the pages of docs/ at its root, and other files of the repository under their own paths. What a page links
to is added, so that no link of a page leaves the site.
"""

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]
BESIDE = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")
_LINK = re.compile(r"(?<=\]\()(?![a-z]+:|#)([^)#\s]+)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages beside docs/ and what they and the others link to."""
    known = {file.src_uri for file in files}
    todo = [*BESIDE, *(f"docs/{uri}" for uri in known if uri.endswith(".md"))]
    while todo:
        path = todo.pop()
        if _uri(path) not in known:
            files.append(File.generated(config, _uri(path), abs_src_path=str(ROOT / path)))
            known.add(_uri(path))
        if path.endswith(".md"):
            todo += [each for each in _linked(path) if _uri(each) not in known]
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Write the links as they are on the site."""
    path, here = _path(page.file.src_uri), posixpath.dirname(page.file.src_uri)

    def on_site(found: re.Match[str]) -> str:
        target = _target(path, found[1])
        return posixpath.relpath(_uri(target), here or ".") if target else found[1]

    return _LINK.sub(on_site, markdown)


def _linked(path: str) -> Iterator[str]:
    for found in _LINK.finditer((ROOT / path).read_text(encoding="utf-8")):
        target = _target(path, found[1])
        if target:
            yield target


def _target(path: str, link: str) -> str | None:
    """The file of the repository that a page links to, of a folder its README; None where there is none."""
    target = posixpath.normpath(posixpath.join(posixpath.dirname(path), link))
    if (ROOT / target).is_dir():
        target = f"{target}/README.md"
    return target if (ROOT / target).is_file() else None


def _uri(path: str) -> str:
    """Where a file of the repository is on the site."""
    return path.removeprefix("docs/")


def _path(uri: str) -> str:
    return f"docs/{uri}" if (ROOT / "docs" / uri).is_file() else uri
