"""The asynchronous part of the commands."""

import asyncio
from collections import Counter
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, TypeVar

import typer
from rich.console import Console

from clearcanvas import batch
from clearcanvas.cli.progress import Display
from clearcanvas.client import AsyncClient, Outcome
from clearcanvas.money import base_units, dollars
from clearcanvas.offers import Offers
from clearcanvas.order import address, route
from clearcanvas.quote import Offer
from clearcanvas.rails.choice import RailName, rails
from clearcanvas.selection import Job
from clearcanvas.service import Service

_ANY_PRICE = "1000000"
_PRICE_TIMEOUT_S = 30.0
_INTERRUPTED = 130
T = TypeVar("T")


def finish(work: Coroutine[Any, Any, T], console: Console) -> T:
    """Run a coroutine to completion or until Ctrl-C."""
    try:
        return asyncio.run(work)
    except KeyboardInterrupt:
        console.print("Interrupted. Run the same command again: it does not pay twice.")
        raise typer.Exit(_INTERRUPTED) from None


async def buy(
    client: AsyncClient,
    todo: Sequence[Job],
    choices: Mapping[str, str],
    workers: int,
    display: Display,
    *,
    overwrite: bool,
) -> list[batch.Result]:
    """Buy all pictures and print a summary."""
    async with client:
        results = await batch.buy_all(
            client, todo, choices, workers=workers, overwrite=overwrite, report=display.report
        )
        display.say(_summary(results, client))
    return results


async def price(
    url: str, rail: RailName, choices: Mapping[str, str], max_price: str = _ANY_PRICE, *, allow_http: bool
) -> Offer:
    """The price of one picture."""
    service = Service(_PRICE_TIMEOUT_S)
    try:
        offers = Offers(service, rails(rail, None), base_units(max_price), _PRICE_TIMEOUT_S)
        choice = await offers.choose(address(route(url, allow_http=allow_http), choices))
    finally:
        await service.aclose()
    return choice.offer


async def plan(
    url: str, rail: RailName, todo: Sequence[Job], choices: Mapping[str, str], max_price: str, *, allow_http: bool
) -> None:
    """Print the jobs and their price."""
    offer = await price(url, rail, choices, max_price, allow_http=allow_http)
    console = Console()
    for job in todo:
        console.print(f"{job.source} -> {job.target}", markup=False, highlight=False, soft_wrap=True)
    total = dollars(offer.amount * len(todo))
    console.print(f"{len(todo)} pictures at {dollars(offer.amount)} by {offer.rail}: at most {total}", highlight=False)


def _summary(results: Sequence[batch.Result], client: AsyncClient) -> str:
    counts = Counter(result.outcome.value if result.outcome else _failure(result) for result in results)
    spent = sum(result.amount for result in results if result.outcome is Outcome.BOUGHT)
    return (
        f"{', '.join(f'{count} {name}' for name, count in counts.items())}. Spent now: {dollars(spent)}; "
        f"in all: {dollars(client.journal.committed())} of {dollars(client.budget)}."
    )


def _failure(result: batch.Result) -> str:
    return "failed" if result.error else "not begun"
