"""How long a newcomer waits: from `git clone` over `make serve` to a paid cut-out in the browser.

    python -m tests.first_minutes

Packages are downloaded anew, into caches of its own, as on a machine that has never seen them.
"""

import asyncio
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import typer
from playwright.async_api import async_playwright, expect

from sandbox.process import choose_port
from tests.browser.conftest import ARGUMENTS
from tests.corpus.browser import find_browser
from tests.fakes.serving import TRUST

ROOT = Path(__file__).resolve().parents[1]
PHOTO = ROOT / "docs/pictures/renders/09003_plush.jpg"
PATIENCE_S = 900.0


def main() -> None:
    """Measure it once, and print the seconds that have passed after each step."""
    with tempfile.TemporaryDirectory() as folder:
        began = time.monotonic()

        def tell(step: str) -> None:
            typer.echo(f"{time.monotonic() - began:6.1f} s  {step}")

        clone = Path(folder) / "clearcanvas"
        subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
        tell("cloned")
        with _served(clone, Path(folder)) as url:
            _wait(url)
            tell("the service is ready")
            asyncio.run(_buy(url))
            tell("a paid cut-out is in the browser")


@contextmanager
def _served(clone: Path, folder: Path) -> Iterator[str]:
    port = choose_port(0)
    caches = {"UV_CACHE_DIR": f"{folder}/uv", "PIP_CACHE_DIR": f"{folder}/pip", "npm_config_cache": f"{folder}/npm"}
    command = ["make", "--silent", "serve", f"PORT={port}"]
    process = subprocess.Popen(command, cwd=clone, env=os.environ | caches, start_new_session=True)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(60)


def _wait(url: str) -> None:
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        try:
            if httpx.get(f"{url}/readyz", trust_env=False, verify=TRUST).is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    raise TimeoutError(f"{url} was not ready within {PATIENCE_S:.0f} s.")


async def _buy(url: str) -> None:
    """As somebody does who opens `/try` and pays with the test wallet."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=find_browser(), args=ARGUMENTS)
        page = await browser.new_page()
        await page.goto(f"{url}/try")
        await expect(page.locator("#app")).to_be_visible()
        await page.set_input_files("#photo", PHOTO)
        await page.click("#x402-test")
        await expect(page.locator("[data-stage=result]")).to_be_visible(timeout=60_000)
        await browser.close()


if __name__ == "__main__":
    typer.run(main)
