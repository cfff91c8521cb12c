"""The documentation site: it is built without a warning, and a link or an anchor that leads nowhere is one."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.process import ROOT

MKDOCS = Path(sys.executable).with_name("mkdocs")
PARTS = ["mkdocs.yml", "docs", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "LICENSE"]
FOLDERS = ["client", "deploy", "examples", "loadtests"]


def build(root: Path, site: Path) -> subprocess.CompletedProcess[str]:
    command: list[str | Path] = [MKDOCS, "build", "--strict", "--config-file", root / "mkdocs.yml", "--site-dir", site]
    env = {**os.environ, "NO_MKDOCS_2_WARNING": "1", "NO_COLOR": "1"}
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """What the site is made of, to break it."""
    for name in [*PARTS, *FOLDERS]:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("node_modules", "renders"))
        else:
            shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def test_the_site_is_built_and_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    built = build(ROOT, tmp_path / "site")
    assert built.returncode == 0, built.stderr
    pages = list((tmp_path / "site").rglob("*.html"))
    assert {"index.html", "CHANGELOG.html", "tutorial.html"} <= {page.name for page in pages}
    for page in pages:
        loaded = re.findall(r'<(?:script|img|link)\b[^>]*?\b(?:src|href)="(https?:[^"]+)"', page.read_text())
        assert loaded == [], page.name


@pytest.mark.parametrize("link", ["nowhere.md", "payments.md#nowhere", "../nowhere.md", "#nowhere"])
def test_a_link_that_leads_nowhere_is_found(copy: Path, link: str) -> None:
    tutorial = copy / "docs" / "tutorial.md"
    tutorial.write_text(f"{tutorial.read_text()}\n[there]({link})\n")
    built = build(copy, copy / "site")
    assert built.returncode == 1
    assert link.partition("#")[2] in built.stderr or "nowhere.md" in built.stderr
