"""A person on the page `/try`: what they do, what they see, and what it costs them."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import randrange
from typing import Any

from playwright.async_api import Browser, ConsoleMessage, Page, Route, expect

from sandbox.accounts import SELLER
from tests.fakes.injected_wallet import InjectedWallet
from tests.running_service import RunningService

PRICE = 50_000
PATIENCE_MS = 60_000
ROUTE = "**/v1/remove-background"


@dataclass
class Visitor:
    """One tab.

    Attributes:
        complaints: what the page has written into the console beyond the statuses of answers, and what it has thrown.
        payments: header that paid and `Idempotency-Key` of each paid request that left the browser.
    """

    page: Page
    service: RunningService
    photo: Path
    complaints: list[str] = field(default_factory=list)
    payments: list[tuple[str, str]] = field(default_factory=list)
    host: str = "127.0.0.1"

    async def open(self) -> None:
        await self.page.goto(f"{self.service.url}/try".replace("127.0.0.1", self.host))
        await expect(self.page.locator("#app")).to_be_visible()

    async def choose(self, file: Path | None = None) -> None:
        """Choose a photo and wait for the price."""
        await self.page.set_input_files("#photo", file or self.photo)
        await self.sees("offer")

    async def pay(self, way: str) -> None:
        await self.page.click(f"#{way}")

    async def sees(self, stage: str) -> None:
        """Wait until the page shows `choose`, `offer`, `working` or `result`."""
        await expect(self.page.locator(f"[data-stage={stage}]")).to_be_visible(timeout=PATIENCE_MS)

    async def notice(self) -> str:
        """Wait for the notice: title, detail, and what happened to the money."""
        await expect(self.page.locator("#notice")).to_be_visible(timeout=PATIENCE_MS)
        return await self.page.inner_text("#notice")

    async def download(self, link: str) -> bytes:
        """What a click on a link saves."""
        async with self.page.expect_download() as pending:
            await self.page.click(f"#{link}")
        saved = await (await pending.value).path()
        return await asyncio.to_thread(saved.read_bytes)

    async def stored(self) -> list[dict[str, Any]]:
        """The purchases in IndexedDB, without their pictures."""
        found: list[dict[str, Any]] = await self.page.evaluate(_STORED)
        return found

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not message.text.startswith("Failed to load resource"):
            self.complaints.append(message.text)


_STORED = """
new Promise((resolve, reject) => {
  const opening = indexedDB.open('clearcanvas', 1)
  opening.onerror = () => reject(opening.error)
  opening.onsuccess = () => {
    const all = opening.result.transaction('purchases').objectStore('purchases').getAll()
    all.onsuccess = () => {
      opening.result.close()
      resolve(all.result.map(({ id, payment, result }) => ({ id, payment, receipt: result && result.receipt })))
    }
  }
})
"""


@asynccontextmanager
async def visit(
    browser: Browser,
    service: RunningService,
    photo: Path,
    *,
    wallet: InjectedWallet | None = None,
    host: str = "127.0.0.1",
    **context: Any,
) -> AsyncIterator[Visitor]:
    """Open the page in a context of its own, from an address of its own; the page must not complain."""
    # Every visitor is another address: unpaid answers are counted by it.
    headers = {"X-Forwarded-For": f"10.{randrange(256)}.{randrange(256)}.{randrange(256)}"}
    opened = await browser.new_context(**context)
    await opened.route("**/v1/**", lambda route: route.continue_(headers={**route.request.headers, **headers}))
    page = await opened.new_page()
    visitor = Visitor(page, service, photo, host=host)
    page.on("console", visitor._hear)
    page.on("pageerror", lambda error: visitor.complaints.append(str(error)))
    page.on("request", lambda request: _note(visitor, request.headers))
    if wallet:
        await wallet.inject(page)
    await visitor.open()
    yield visitor
    await opened.close()
    assert visitor.complaints == []


def is_paid(route: Route) -> bool:
    """Whether the request that a route holds carries a payment."""
    return bool({"payment-signature", "authorization"} & route.request.headers.keys())


def _note(visitor: Visitor, headers: dict[str, str]) -> None:
    payment = headers.get("payment-signature") or headers.get("authorization")
    if payment:
        visitor.payments.append((payment, headers["idempotency-key"]))


@contextmanager
def earns(service: RunningService, *, x402: int = 0, mpp: int = 0) -> Iterator[None]:
    """The seller earns this many prices on each rail, no more and no less."""
    chains = {"x402": service.base_chain, "mpp": service.tempo_chain}
    before = {name: chain.balance_of(SELLER.address) for name, chain in chains.items()}
    yield
    after = {name: chain.balance_of(SELLER.address) for name, chain in chains.items()}
    assert {name: (after[name] - before[name]) // PRICE for name in chains} == {"x402": x402, "mpp": mpp}
