"""The payer's balance, checked before the payment is verified: one call to the chain instead of several."""

import asyncio
from contextlib import suppress

from cachetools import TTLCache

from payments.evm.question import JsonRpc
from payments.x402.chain import balance_of
from payments.x402.requirements import QuoteTerms

WAIT_S = 1.0
POOR_S = 2.0
"""How long a balance that was too low is cached: about a block."""

_REMEMBERED = 10_000


class Funds:
    """Balances of the token. Only insufficient ones are cached, so that the same money is not counted twice."""

    def __init__(self, rpc: JsonRpc, terms: QuoteTerms) -> None:
        self._rpc = rpc
        self._terms = terms
        self._poor: TTLCache[str, int] = TTLCache(_REMEMBERED, ttl=POOR_S)

    async def of(self, payer: str, *, needed: int) -> int | None:
        """The balance in base units; None if the chain does not respond in time."""
        known = self._poor.get(payer)
        if known is not None and known < needed:
            return known
        funds = None
        with suppress(TimeoutError):
            async with asyncio.timeout(WAIT_S):
                funds = await balance_of(self._rpc, self._terms, payer)
        if funds is not None and funds < needed:
            self._poor[payer] = funds
        return funds
