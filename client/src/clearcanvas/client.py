"""The buyer's client, asynchronous. `clearcanvas.Client` is the same for programs without an event loop."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

import httpx

from clearcanvas import files
from clearcanvas.errors import PictureRefused, ResultInTheWay
from clearcanvas.journal import Journal
from clearcanvas.money import base_units
from clearcanvas.offers import Offers
from clearcanvas.order import Order, address, route
from clearcanvas.payment import Entry, State
from clearcanvas.picture import Picture, media_type
from clearcanvas.purchase import Purchases, Terms
from clearcanvas.quote import Offer
from clearcanvas.rails.choice import RailName, rails
from clearcanvas.receipt import as_dict, as_json
from clearcanvas.service import Service
from clearcanvas.stages import Observer, Stage, nobody
from clearcanvas.wallet import Wallet

RECEIPT_SUFFIX = ".receipt.json"


class Outcome(StrEnum):
    """How the client obtained a result."""

    BOUGHT = "bought"
    """A new payment was made."""
    FETCHED = "fetched"
    """The service delivered it for a payment on record; no new payment was made."""
    COPIED = "copied"
    """It was copied from the file of an earlier purchase of the same picture."""
    KEPT = "kept"
    """The target file already held it."""


@dataclass(frozen=True)
class CutOut:
    """A cut-out with its receipt.

    Attributes:
        content: the file, PNG unless another `format` was requested.
        receipt: see docs/client.md; `amount` is in base units.
    """

    content: bytes = field(repr=False)
    media_type: str
    receipt: dict[str, Any]
    outcome: Outcome


class AsyncClient:
    """Buys from one service, each picture once. Use it as an asynchronous context manager.

    Args:
        url: the origin of the service, or the URL of its paid route.
        wallet: signs the payments.
        journal: the file that records all payments; programs may share it. Keep it as long as the results.
        max_spend: limit in dollars for all payments of the journal together, over all runs.
        max_price: limit in dollars for one picture.
        rail: "auto" pays by x402 if the service offers it, otherwise by MPP.
        timeout_s: seconds for one request.
        patience_s: how long the client resends the same payment while it has no final answer, in seconds.
        tempo_rpc_url: the Tempo node for MPP; by default the public node of the quoted chain.
        pay_again: pay again for a paid picture that the service no longer delivers, that is after 24 hours.
        allow_http: accept plain http to other machines.
        http: your own httpx client, with proxies, certificates or headers; you close it.
        observe: called at each step.

    Raises:
        InvalidSetting: the URL, an amount or the journal is invalid.
    """

    def __init__(
        self,
        url: str,
        *,
        wallet: Wallet,
        journal: Path | str,
        max_spend: str | Decimal,
        max_price: str | Decimal = "0.10",
        rail: RailName = "auto",
        timeout_s: float = 120.0,
        patience_s: float = 120.0,
        tempo_rpc_url: str | None = None,
        pay_again: bool = False,
        allow_http: bool = False,
        http: httpx.AsyncClient | None = None,
        observe: Observer = nobody,
    ) -> None:
        self._route = route(url, allow_http=allow_http)
        terms = Terms(base_units(max_spend), patience_s, pay_again)
        self.journal = Journal(Path(journal))
        self.budget = terms.budget
        self._observe = observe
        self._service = Service(timeout_s, http)
        self._offers = Offers(self._service, rails(rail, wallet, tempo_rpc_url), base_units(max_price), patience_s)
        self._purchases = Purchases(self._service, self._offers, self.journal, terms, observe)
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections and the journal."""
        await self._service.aclose()
        self.journal.close()

    async def price(self, options: Mapping[str, str] | None = None) -> Offer:
        """The price of one picture with these options, and the rail that would pay it. Signs nothing.

        Raises:
            CannotBuy, WalletProblem, InvalidSetting, BudgetExhausted: see `clearcanvas.errors`.
        """
        choice = await self._offers.choose(address(self._route, options or {}))
        return choice.offer

    async def remove_background(self, picture: bytes | Path | str, options: Mapping[str, str] | None = None) -> CutOut:
        """The cut-out of a picture, given as bytes or as the path of a file.

        A repeated call with the same picture and options within 24 hours returns the result without a new payment.

        Args:
            options: the service's query parameters, such as `{"format": "webp", "model": "birefnet"}`.

        Raises:
            ClearCanvasError: see `clearcanvas.errors`.
        """
        order = Order(address(self._route, options or {}), await _picture(picture))
        async with self._turns[order.id]:
            entry = await asyncio.to_thread(self.journal.find, order.id)
            return await asyncio.to_thread(_own_copy, entry) or await self._bought(order)

    async def remove_background_file(
        self,
        source: Path | str,
        target: Path | str,
        options: Mapping[str, str] | None = None,
        *,
        overwrite: bool = False,
    ) -> CutOut:
        """Write the cut-out of the file `source` to `target`, and its receipt to `target` + `.receipt.json`.

        Raises:
            ResultInTheWay: `target` exists, is not the bought result, and `overwrite` is not set.
            ClearCanvasError: see `clearcanvas.errors`.
        """
        target = Path(target)
        order = Order(address(self._route, options or {}), await _picture(Path(source)))
        async with self._turns[order.id]:
            entry = await asyncio.to_thread(self.journal.find, order.id)
            if entry is None and await asyncio.to_thread(self.journal.is_result, order.picture.sha256):
                raise PictureRefused(f"{source} is a result of an earlier purchase. Name the original picture.")
            kept = await asyncio.to_thread(_in_place, entry, target, overwrite=overwrite)
            cut_out = kept or await asyncio.to_thread(_own_copy, entry) or await self._bought(order)
            is_whole = (
                entry is not None
                and entry.state is State.DELIVERED
                and await asyncio.to_thread(_receipt(target).exists)
            )
            if kept is None or not is_whole:
                await self._write(order, target, cut_out)
            return cut_out

    async def _bought(self, order: Order) -> CutOut:
        delivery = await self._purchases.buy(order)
        outcome = Outcome.BOUGHT if delivery.is_new else Outcome.FETCHED
        return CutOut(delivery.content, _kind(delivery.content), as_dict(delivery.receipt), outcome)

    async def _write(self, order: Order, target: Path, cut_out: CutOut) -> None:
        """Write the result, its receipt, then the journal: a state of `delivered` proves that both files exist."""
        name, place = order.picture.name, await asyncio.to_thread(target.resolve)
        if cut_out.outcome is not Outcome.KEPT:
            await asyncio.to_thread(files.write, target, cut_out.content)
            self._observe(name, Stage.RESULT_WRITTEN)
        receipt = as_json(cut_out.receipt).encode()
        await asyncio.to_thread(files.write, _receipt(target), receipt)
        self._observe(name, Stage.RECEIPT_WRITTEN)
        entry = await asyncio.to_thread(self.journal.find, order.id)
        if entry is not None:
            await asyncio.to_thread(self.journal.delivered, entry, str(place))
        self._observe(name, Stage.DELIVERED)


def _receipt(target: Path) -> Path:
    return target.with_name(target.name + RECEIPT_SUFFIX)


async def _picture(source: bytes | Path | str) -> Picture:
    if isinstance(source, bytes):
        return Picture.of(source)
    return await asyncio.to_thread(Picture.read, Path(source))


def _in_place(entry: Entry | None, target: Path, *, overwrite: bool) -> CutOut | None:
    """The bought result that `target` already holds; None if `target` does not exist or may be overwritten."""
    digest = files.sha256(target)
    if entry is not None and entry.receipt is not None and digest is not None and digest == entry.result_sha256:
        content = target.read_bytes()
        return CutOut(content, _kind(content), as_dict(entry.receipt), Outcome.KEPT)
    if target.exists() and not overwrite:
        raise ResultInTheWay(f"{target} exists and is not the bought result. Move it, or pass --overwrite.")
    return None


def _own_copy(entry: Entry | None) -> CutOut | None:
    """The result of an earlier purchase, read from its file; None if that file is gone or has changed."""
    if entry is None or entry.result_path is None or entry.receipt is None:
        return None
    try:
        content = Path(entry.result_path).read_bytes()
    except OSError:
        return None
    if files.sha256(Path(entry.result_path)) != entry.result_sha256:
        return None
    return CutOut(content, _kind(content), as_dict(entry.receipt), Outcome.COPIED)


def _kind(content: bytes) -> str:
    return media_type(content[:16]) or "application/octet-stream"
