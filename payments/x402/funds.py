"""What a payer holds, asked before a payment is verified: that costs one call to the chain, verifying several."""

import asyncio
from contextlib import suppress

from cachetools import TTLCache

from payments.evm.question import JsonRpc
from payments.x402.chain import balance_of
from payments.x402.requirements import QuoteTerms

WAIT_S = 1.0
POOR_S = 2.0
"""How long a balance that was too low is remembered: about a block."""

_REMEMBERED = 10_000


class Funds:
    """Balances of the token. Only those that were too low are remembered: the same money must not be spent twice."""

    def __init__(self, rpc: JsonRpc, terms: QuoteTerms) -> None:
        self._rpc = rpc
        self._terms = terms
        self._poor: TTLCache[str, int] = TTLCache(_REMEMBERED, ttl=POOR_S)

    async def of(self, payer: str, *, needed: int) -> int | None:
        """Base units; None when the chain does not say in time."""
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
