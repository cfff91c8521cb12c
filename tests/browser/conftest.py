"""Headless Chromium on the page `/try` of the running service."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, async_playwright

from sandbox.accounts import BUYER
from sandbox.browser_wallet import build
from tests.browser.visitor import Visitor, visit
from tests.corpus.browser import find_browser
from tests.fakes.injected_wallet import InjectedWallet
from tests.running_service import RunningService

# The names of hosts that the running service binds to rails are this machine's.
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP *.example 127.0.0.1"]


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """The Chromium of this machine."""
    path = find_browser()
    if path is None:
        pytest.skip("no Chromium is installed")
    if build() is None:
        pytest.fail("examples/node/node_modules is missing. Run: make setup")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        await browser.close()


@pytest.fixture
async def visitor(browser: Browser, running_service: RunningService, photo: Path) -> AsyncIterator[Visitor]:
    """Somebody without a wallet of their own, on the page."""
    async with visit(browser, running_service, photo) as visitor:
        yield visitor


@pytest.fixture
def wallet() -> InjectedWallet:
    """A wallet extension that holds the funded test account."""
    return InjectedWallet(BUYER.key)


@pytest.fixture
async def owner(
    browser: Browser, running_service: RunningService, photo: Path, wallet: InjectedWallet
) -> AsyncIterator[Visitor]:
    """Somebody whose browser has that wallet."""
    async with visit(browser, running_service, photo, wallet=wallet) as visitor:
        yield visitor
