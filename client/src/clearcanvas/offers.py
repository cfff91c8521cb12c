"""Requests quotes and chooses a rail."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from clearcanvas.errors import BudgetExhausted, CannotBuy, InvalidSetting, WalletProblem
from clearcanvas.money import dollars
from clearcanvas.problem import Problem, Step
from clearcanvas.quote import Offer, Quote
from clearcanvas.rails import Rail
from clearcanvas.service import NoAnswer, Service

_TRIES_TO_REACH = 3
_BETWEEN_TRIES_S = 1.0


@dataclass(frozen=True)
class Choice:
    """The rail, quote and offer that pay one picture."""

    rail: Rail
    quote: Quote
    offer: Offer


class Offers:
    """Quotes of one service.

    Args:
        rails: in order of preference.
        max_price: limit in base units for one picture.
        patience_s: how long to wait for a service that answers with a retry time, in seconds.
    """

    def __init__(self, service: Service, rails: Sequence[Rail], max_price: int, patience_s: float) -> None:
        self._service = service
        self._rails = rails
        self._max_price = max_price
        self._patience_s = patience_s
        self._kept: dict[str, Choice] = {}

    async def choose(self, url: str) -> Choice:
        """How to pay for a picture at `url`. A quote that can be signed many times is requested once, because a
        service limits unpaid requests per minute.

        Raises:
            CannotBuy, WalletProblem, InvalidSetting, BudgetExhausted: see `clearcanvas.errors`.
        """
        if url in self._kept:
            return self._kept[url]
        choice = self._cheap_enough(await self._ask(url))
        if choice.rail.quotes_last:
            self._kept[url] = choice
        return choice

    def forget(self, url: str) -> None:
        """Drop the stored quote of `url` after a refusal; the next purchase requests a new one."""
        self._kept.pop(url, None)

    def _cheap_enough(self, quote: Quote) -> Choice:
        for rail in self._rails:
            offer = rail.offer(quote)
            if offer is None:
                continue
            if offer.amount > self._max_price:
                limit = f"the limit of {dollars(self._max_price)} per picture (--max-price)"
                raise BudgetExhausted(f"The price is {dollars(offer.amount)}, above {limit}.")
            return Choice(rail, quote, offer)
        names = " or ".join(rail.name for rail in self._rails)
        raise WalletProblem(f"The service has no offer that this client can pay by {names}.")

    async def _ask(self, url: str) -> Quote:
        give_up_at, failures = time.monotonic() + self._patience_s, 0
        while True:
            try:
                answer = await self._service.ask(url)
            except NoAnswer as silence:
                failures += 1
                if failures == _TRIES_TO_REACH:
                    raise CannotBuy(f"{url.partition('?')[0]} does not answer: {silence}") from None
                await asyncio.sleep(_BETWEEN_TRIES_S)
                continue
            if answer.status_code == 402:
                return Quote.read(answer)
            problem = Problem.read(answer)
            _raise_unless_it_passes(problem)
            if time.monotonic() + problem.wait_s > give_up_at:
                raise CannotBuy(f"The service does not sell now: {problem.message}")
            await asyncio.sleep(problem.wait_s)


def _raise_unless_it_passes(problem: Problem) -> None:
    if problem.step is Step.RESEND:
        return
    if problem.status in {400, 406}:
        raise InvalidSetting(f"The service refuses these options: {problem.message}")
    raise CannotBuy(f"This URL does not sell cut-outs: {problem.message}")
