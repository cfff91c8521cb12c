"""How long quotes are valid, limited by how long a transaction may be valid on this chain.

Before its fork T11, Tempo mines an expiring nonce that ends within 30 seconds of the block, afterwards within 300. A
client that signs for a minute, as pympp does if the quote allows it, would have its transaction refused or delayed. So
the chain is asked, and quotes are shortened.
"""

from contextlib import suppress

import structlog

from errors import RailUnavailable
from payments.evm.abi import call_data
from payments.evm.question import JsonRpcError, Question
from payments.evm.questions import call
from payments.mpp.chain import Chain
from payments.mpp.transaction import EXPIRING_NONCE_KEY

log = structlog.get_logger(__name__)

CLIENTS_SIGN_FOR_S = 60
SHORT_QUOTE_S = 25
_GAS = 100_000
_TOO_LONG = "too far in the future"
"""The chain's message for such a transaction; JSON-RPC has no code for it."""


class QuoteValidity:
    """How long quotes are valid: the operator's setting, or less if the chain requires shorter transactions.

    Args:
        seconds: the operator's setting.
        token, account: any token of the chain and any account, for a simulation.
    """

    def __init__(self, seconds: int, *, token: str, account: str) -> None:
        self.seconds = seconds
        self._token, self._account = token, account
        self._is_known = seconds <= SHORT_QUOTE_S

    async def ask(self, chain: Chain) -> None:
        """Ask the chain, until it has responded once."""
        if self._is_known:
            return
        with suppress(RailUnavailable):
            _, (answer,) = await chain.ask(self._question(int(chain.clock.now())))
            self._learn(answer)

    def _learn(self, answer: object) -> None:
        is_refused = isinstance(answer, JsonRpcError)
        if is_refused and _TOO_LONG not in str(getattr(answer, "message", "")):
            return  # the node cannot simulate; the preflight checks log this too
        self._is_known = True
        if is_refused:
            self.seconds = SHORT_QUOTE_S
            log.info("mpp_quotes_shortened", seconds=SHORT_QUOTE_S)

    def _question(self, now: int) -> Question[bytes]:
        """The longest transaction that a client would sign for a quote."""
        return call(
            self._token,
            call_data("balanceOf(address)", self._account),
            sender=self._account,
            type="0x76",
            gas=hex(_GAS),
            nonceKey=hex(EXPIRING_NONCE_KEY),
            nonce="0x0",
            validBefore=hex(now + min(self.seconds, CLIENTS_SIGN_FOR_S)),
        )
