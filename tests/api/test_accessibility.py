"""The pages as axe-core judges them in headless Chromium, in the light and in the dark scheme."""

import html
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.api.storefront import Storefront
from tests.corpus.browser import FLAGS, find_browser

AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
RUN = """
axe.run(document).then(found => {
  const shown = document.createElement('pre')
  shown.id = 'found'
  shown.textContent = JSON.stringify(found)
  document.body.replaceChildren(shown)
})
"""
SCHEMES = {"dark": 0, "light": 1}  # as Blink counts them
PAGES = ["/", "/guides/x402", "/de/guides/x402", "/guides/mpp", "/de/guides/mpp", "/problems/invalid_image", "/try"]

pytestmark = pytest.mark.skipif(find_browser() is None, reason="no Chromium is installed")


def judged(page: str, scheme: str, folder: Path) -> dict[str, Any]:
    """What axe finds in a page: `violations`, `passes` and more."""
    if not AXE.exists():
        pytest.fail("node_modules/axe-core is missing. Run: make setup")
    file = folder / "page.html"
    file.write_text(page.replace("</body>", f"<script>{AXE.read_text()}</script><script>{RUN}</script></body>"))
    command = [
        find_browser() or "",
        *FLAGS,
        f"--blink-settings=preferredColorScheme={SCHEMES[scheme]}",
        f"--user-data-dir={folder / 'profile'}",
        "--virtual-time-budget=60000",
        "--dump-dom",
        file.as_uri(),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    shown = re.search(r'<pre id="found">(.*?)</pre>', done.stdout, re.DOTALL)
    assert shown, "axe has not answered"
    found: dict[str, Any] = json.loads(html.unescape(shown[1]))
    return found


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("path", PAGES)
async def test_a_page_has_no_violation(storefront: Storefront, tmp_path: Path, path: str, scheme: str) -> None:
    found = judged((await storefront.client.get(path)).text, scheme, tmp_path)
    assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in found["violations"]] == []
    assert {"color-contrast", "document-title", "html-has-lang"} <= {each["id"] for each in found["passes"]}


async def test_a_page_that_is_hard_to_read_is_found(storefront: Storefront, tmp_path: Path) -> None:
    """The same page with faint text and without its language, in the scheme that makes the difference."""
    page = (await storefront.client.get("/guides/x402")).text.replace("--text: #e6edf3", "--text: #30363d")
    page = page.replace('<html lang="en">', "<html>")
    dark = {each["id"] for each in judged(page, "dark", tmp_path)["violations"]}
    light = {each["id"] for each in judged(page, "light", tmp_path)["violations"]}
    assert dark == {"color-contrast", "html-has-lang"}
    assert light == {"html-has-lang"}
