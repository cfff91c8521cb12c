"""The application for the tests of its HTTP layer: real app, gate, ledger and pipeline; rail and model are fakes."""

import io
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from limits.aio.storage import MemoryStorage, Storage
from PIL import Image
from starlette.applications import Starlette

from api.app import create_app
from api.config import FetchConfig, RateLimitConfig, UploadLimits
from api.fetching import Fetcher
from api.health import Check
from api.pricing import PATH, OfferedRail, PricedModel, PriceList, Token
from api.rate_limit import RateLimits
from cut_out import CutOut
from imaging import Pixels
from payments import mpp, x402
from payments.gate import Gate
from payments.money import Price
from payments.monitor import RailMonitor
from payments.receipts.signed import ReceiptSigner
from payments.result_cache import ResultCache
from pipeline import Infer, MattingModel
from storage import Database, SqlLedger
from tests.empty_ledger import empty_ledger
from tests.fakes.rails import ScriptedRail

SMALL = PricedModel("small", "small 7a86178d", Price(Decimal("0.05")), 64, "Apache-2.0", "7a86178d" * 8)
LARGE = PricedModel("large", "large 0123abcd", Price(Decimal("0.15")), 96, "MIT", "0123abcd" * 8)
X402 = OfferedRail(x402.RAIL, "Base Sepolia", 84532, (Token("USDC", "0xusdc"),), "testnet", 120)
MPP = OfferedRail(
    mpp.RAIL, "Tempo Moderato", 42431, (Token("pathUSD", "0xpath"), Token("AlphaUSD", "0xalpha")), "testnet", 300
)
OFFER = PriceList((SMALL,), "https://cutouts.example.com", (X402, MPP))
BOTH = replace(OFFER, models=(SMALL, LARGE))
LIMITS = UploadLimits()
JPEG = {"Content-Type": "image/jpeg"}


def picture(format: str = "JPEG", size: tuple[int, int] = (48, 32)) -> bytes:
    """A small valid picture."""
    file = io.BytesIO()
    Image.new("RGB", size, (200, 120, 40)).save(file, format)
    return file.getvalue()


async def opaque(image: Pixels) -> Pixels:
    """A model that sees foreground everywhere."""
    return np.full(image.shape[:2], 255, np.uint8)


@dataclass
class Storefront:
    """The app, a client of it, and the fakes behind it."""

    app: Starlette
    client: httpx.AsyncClient
    rail: ScriptedRail
    ledger: SqlLedger

    async def post(
        self,
        body: bytes | AsyncIterator[bytes] = b"",
        *,
        coin: str | None = None,
        signature: str = "signed",
        query: str = "",
        path: str = PATH,
        **headers: str,
    ) -> httpx.Response:
        """POST a picture as JPEG, paid with a coin (see `ScriptedRail.signer` for its signature); further arguments are
        header fields with `_` for `-`."""
        fields = {**JPEG, **({"X-PAYMENT": f"{coin} {signature}"} if coin else {})}
        fields.update({name.replace("_", "-"): value for name, value in headers.items()})
        return await self.client.post(f"{path}{query}", content=body, headers=fields)


@asynccontextmanager
async def open_storefront(
    directory: Path,
    *,
    infer: Infer = opaque,
    limits: UploadLimits = LIMITS,
    storage: Storage | None = None,
    per_minute: int = 30,
    checks: Mapping[str, Check] | None = None,
    rails: tuple[ScriptedRail, ...] = (),
    offer: PriceList = OFFER,
    looks: int = 2,
    fetch: FetchConfig | None = None,
    recent_bytes: int = 0,
    rate_limits: RateLimits | None = None,
    signer: ReceiptSigner | None = None,
    **options: Any,
) -> AsyncIterator[Storefront]:
    """A storefront with one scripted rail unless others are given; a second one in a directory has the same ledger.

    Args:
        looks: how often the rails have been asked how they are; one is out after two bad answers.
        recent_bytes: results that are kept in memory.
    """
    file = directory / "ledger.sqlite3"
    database = Database(f"sqlite:///{file}" if file.exists() else empty_ledger(file))
    ledger = SqlLedger(database)
    rails = rails or (ScriptedRail("x"),)
    watch = RailMonitor(rails)
    gate = Gate(rails, ledger, outage=watch.outage, signer=signer, recent=ResultCache(recent_bytes))
    for _ in range(looks):
        await watch.look()
    app = create_app(
        gate=gate,
        watch=watch,
        cut_out=CutOut(
            {each.name: MattingModel(infer, each.size, backend=lambda: "fake") for each in offer.models},
            threads=1,
            max_megapixels=100,
            max_wait_s=10,
        ),
        offer=replace(offer, key_set=signer.key_set) if signer else offer,
        upload_limits=limits,
        fetcher=Fetcher(fetch or FetchConfig()),
        rate_limits=rate_limits
        or RateLimits(storage or MemoryStorage(), RateLimitConfig(unpaid_per_minute=per_minute)),
        checks={"ledger": ledger.ping} if checks is None else checks,
        **options,
    )
    transport = httpx.ASGITransport(app, client=("203.0.113.7", 4711))
    async with httpx.AsyncClient(transport=transport, base_url="https://cutouts.example.com") as client:
        yield Storefront(app, client, rails[0], ledger)
    await gate.aclose()
    await database.aclose()
