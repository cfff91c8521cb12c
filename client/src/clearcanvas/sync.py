"""The client for programs without an event loop. It also works where one runs, as in a notebook."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from typing import Any, Self

import httpx
from anyio.from_thread import BlockingPortal, start_blocking_portal

from clearcanvas.client import AsyncClient, CutOut
from clearcanvas.quote import Offer
from clearcanvas.rails.choice import RailName
from clearcanvas.stages import Observer, nobody
from clearcanvas.wallet import Wallet


class Client:
    """`AsyncClient` without `await`; arguments, results and errors are the same. Use it as a context manager.

    Its methods may be called from several threads at once.
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
        self._open: Callable[[], AsyncClient] = lambda: AsyncClient(
            url,
            wallet=wallet,
            journal=journal,
            max_spend=max_spend,
            max_price=max_price,
            rail=rail,
            timeout_s=timeout_s,
            patience_s=patience_s,
            tempo_rpc_url=tempo_rpc_url,
            pay_again=pay_again,
            allow_http=allow_http,
            http=http,
            observe=observe,
        )
        self._stack = ExitStack()
        self._portal: BlockingPortal | None = None
        self._client: AsyncClient | None = None

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._portal = stack.enter_context(start_blocking_portal("asyncio"))
            self._client = self._portal.call(_opened, self._open)
            stack.callback(self._portal.call, self._client.aclose)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()
        self._portal = self._client = None

    def price(self, options: Mapping[str, str] | None = None) -> Offer:
        """As `AsyncClient.price`."""
        offer: Offer = self._call("price", options)
        return offer

    def remove_background(self, picture: bytes | Path | str, options: Mapping[str, str] | None = None) -> CutOut:
        """As `AsyncClient.remove_background`."""
        cut_out: CutOut = self._call("remove_background", picture, options)
        return cut_out

    def remove_background_file(
        self,
        source: Path | str,
        target: Path | str,
        options: Mapping[str, str] | None = None,
        *,
        overwrite: bool = False,
    ) -> CutOut:
        """As `AsyncClient.remove_background_file`."""
        cut_out: CutOut = self._call("remove_background_file", source, target, options, overwrite=overwrite)
        return cut_out

    def _call(self, method: str, *arguments: Any, **named: Any) -> Any:
        if self._portal is None or self._client is None:
            raise RuntimeError("Use the client as a context manager: with Client(...) as client: ...")
        return self._portal.call(lambda: getattr(self._client, method)(*arguments, **named))


async def _opened(make: Callable[[], AsyncClient]) -> AsyncClient:
    return make()
