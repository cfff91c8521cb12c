"""The buyer's client, asynchronous. `clearcanvas.Client` is the same for programs without an event loop."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from types import TracebackType
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
    """How a result came to be in its place."""

    BOUGHT = "bought"
    """A new payment was made."""
    FETCHED = "fetched"
    """By a payment that was on record already; no new one was made."""
    COPIED = "copied"
    """The same picture was bought before, into another file."""
    KEPT = "kept"
    """It was there already."""


@dataclass(frozen=True)
class CutOut:
    """A result.

    Attributes:
        content: the file, PNG unless another `format` was asked for.
        receipt: see docs/client.md; `amount` is in base units.
    """

    content: bytes = field(repr=False)
    media_type: str
    receipt: dict[str, Any]
    outcome: Outcome


class AsyncClient:
    """Buys from one service, each picture once. Use it as an asynchronous context manager.

    Args:
        url: of the service: its origin, or the address that sells.
        wallet: who pays.
        journal: the file that remembers all payments; programs may share it. Keep it as long as the results.
        max_spend: dollars that all payments of the journal together may take, over all runs.
        max_price: dollars that one picture may cost.
        rail: "auto" takes x402 where it is offered, else MPP.
        timeout_s: seconds for one request.
        patience_s: seconds for which the same payment is sent again while no answer stands.
        tempo_rpc_url: the node that MPP asks; the public one of the quoted chain where it is not named.
        pay_again: pay anew for what was paid and can no longer be fetched, which is so after 24 hours.
        allow_http: take plain http beyond this machine.
        http: an httpx client of your own, with proxies, certificates or headers; you close it.
        observe: is told of each step.

    Raises:
        InvalidSetting: the address, an amount or the journal is wrong.
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

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close connections and journal."""
        await self._service.aclose()
        self.journal.close()

    async def price(self, options: Mapping[str, str] | None = None) -> Offer:
        """What one picture costs with these options, and on which rail it would be paid. Nothing is signed.

        Raises:
            CannotBuy, WalletProblem, InvalidSetting, BudgetExhausted: as they say.
        """
        choice = await self._offers.choose(address(self._route, options or {}))
        return choice.offer

    async def remove_background(self, picture: bytes | Path | str, options: Mapping[str, str] | None = None) -> CutOut:
        """The cut-out of a picture, given as bytes or as the path of a file.

        The same picture with the same options again, within 24 hours, is delivered again without a payment.

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
        """The cut-out of the file `source` in the file `target`, its receipt beside it (`target` + `.receipt.json`).

        Raises:
            ResultInTheWay: `target` is there, is not what was bought, and `overwrite` is not set.
            ClearCanvasError: see `clearcanvas.errors`.
        """
        target = Path(target)
        order = Order(address(self._route, options or {}), await _picture(Path(source)))
        async with self._turns[order.id]:
            entry = await asyncio.to_thread(self.journal.find, order.id)
            if entry is None and await asyncio.to_thread(self.journal.is_result, order.picture.sha256):
                raise PictureRefused(f"{source} is a cut-out that was bought before; it is not cut out again.")
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
        """Result first: what the journal calls delivered is there, with its receipt."""
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
    """What is at `target` already, if that is what was bought; None where nothing is, or what is may be overwritten."""
    digest = files.sha256(target)
    if entry is not None and entry.receipt is not None and digest is not None and digest == entry.result_sha256:
        content = target.read_bytes()
        return CutOut(content, _kind(content), as_dict(entry.receipt), Outcome.KEPT)
    if target.exists() and not overwrite:
        raise ResultInTheWay(f"{target} is there already and is not what was bought. Move it, or say --overwrite.")
    return None


def _own_copy(entry: Entry | None) -> CutOut | None:
    """What was bought before, from the file that it was written to, if that is still what it was."""
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
