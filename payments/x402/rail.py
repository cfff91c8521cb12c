"""The x402 rail: USDC on Base by EIP-3009 authorizations, protocol versions 1 and 2 on one endpoint.

The order is that of the specification for `exact`: verify, work, settle. Only the chain decides unclear outcomes.
"""

import asyncio
import logging
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from itertools import chain
from operator import attrgetter

from errors import PaymentOutcomeUnknown, RailUnavailable
from payments.chain_clock import ChainClock
from payments.evm.rpc import RpcClient
from payments.idempotency import suggested
from payments.money import Price
from payments.order import Order
from payments.outbox import Outbox
from payments.rail import Challenge, Finality, HeaderFields, Payment, Receipt
from payments.transfers import Transfer
from payments.x402.attempt import Parts, X402Attempt
from payments.x402.broadcaster import Broadcaster
from payments.x402.budget import Budget
from payments.x402.config import X402Config
from payments.x402.confirmation import OUTAGES, Confirmation
from payments.x402.facilitator import Facilitator
from payments.x402.funds import Funds
from payments.x402.http_facilitator import HttpFacilitator
from payments.x402.local_facilitator import LocalFacilitator
from payments.x402.requirements import QuoteTerms
from payments.x402.settlement_key import settlement_key
from payments.x402.transfers import transfers_between
from payments.x402.wire import RAIL, X402Credential, read_payment, write_challenge
from payments.x402.witnesses import Witnesses

# Below WARNING they log typed data and URLs, which may contain API keys.
_LOGGERS_WITH_URLS = ("x402", "httpx")
_BIG_BODY = 1_000_000


@dataclass(frozen=True, slots=True)
class Timing:
    """Durations that are not settings.

    Attributes:
        min_validity_s: minimum remaining validity of an authorization, for the work and the settlement.
        rpc_timeout_s: for one call of the chain.
        doubt_s: how long `settle` waits for the chain to show the outcome of an unclear settlement.
    """

    min_validity_s: float = 15.0
    rpc_timeout_s: float = 3.0
    doubt_s: float = 5.0


class X402Rail:
    """`payments.rail.Rail` over x402; settles with our own key if one is set, else with a facilitator service.

    Args:
        config: the settings. In both cases the chain of `rpc_url` confirms every settlement.
        lock: shared by all processes with the same settlement key; see `Broadcaster`.
        outbox: records their transactions; the rail does not close it.
        highest_price: the highest price of all models; see `Budget`.
        timing: durations that are not settings.
        clock: checks how long payments are valid.

    Raises:
        ValueError: a required setting is missing, or a secret is not a valid key; the message contains no secret.
    """

    name = RAIL

    def __init__(
        self,
        config: X402Config,
        *,
        lock: AbstractAsyncContextManager[object],
        outbox: Outbox,
        highest_price: Price,
        timing: Timing = Timing(),  # immutable
        clock: ChainClock | None = None,
    ) -> None:
        for name in _LOGGERS_WITH_URLS:
            logging.getLogger(name).setLevel(logging.WARNING)
        self._terms = QuoteTerms(config)
        earlier = config.previous_pay_to
        self._previous_terms = QuoteTerms(config, pay_to=earlier) if earlier else None
        self._rpc = RpcClient(config.rpc_urls(), timeout_s=timing.rpc_timeout_s, chain_id=config.chain_id)
        self._facilitator: Facilitator
        if config.settles_itself:
            self._facilitator = LocalFacilitator(
                self._rpc,
                own_broadcaster(config, self._rpc, lock, outbox, highest_price),
                verify_timeout_s=config.verify_timeout_s,
                settle_timeout_s=config.settle_timeout_s,
            )
        else:
            self._facilitator = HttpFacilitator(config, rpc=self._rpc)
        self._witnesses = Witnesses(self._rpc)
        self._clock = clock or ChainClock()
        self._confirmation = Confirmation(self._witnesses, self._facilitator, doubt_s=timing.doubt_s)
        self._parts = Parts(
            terms=self._terms,
            previous_terms=self._previous_terms,
            rpc=self._rpc,
            funds=Funds(self._rpc, self._terms),
            clock=self._clock,
            facilitator=self._facilitator,
            confirmation=self._confirmation,
            min_validity_s=timing.min_validity_s,
        )
        self._finality_blocks = config.finality_blocks

    async def challenge(self, order: Order, rejection: str | None = None) -> Challenge:
        big = len(order.body) > _BIG_BODY
        name = await asyncio.to_thread(suggested, order) if big else suggested(order)  # hashes the image
        return write_challenge(self._terms, order, rejection, name=name)

    def read(self, headers: HeaderFields) -> X402Attempt | None:
        credential = read_payment(headers, self._terms)
        return None if credential is None else self.bind(credential)

    def bind(self, credential: X402Credential) -> X402Attempt:
        """The attempt to pay with a credential on this rail."""
        return X402Attempt(credential, self._parts)

    async def find_receipt(self, payment: Payment) -> Receipt | None:
        return await self._parts.find_receipt(payment)

    async def recheck(self, payment: Payment, receipt: Receipt) -> Finality:
        """Checks the authorization, not the receipt's hash: another version of the transaction may have been mined."""
        try:
            outcome = await self._confirmation.outcome(payment)
            if outcome.status.transaction is not None:
                deep = await self._witnesses.blocks_on_top(outcome.status.transaction) >= self._finality_blocks
                return Finality.FINAL if deep else Finality.PENDING
        except OUTAGES:
            raise PaymentOutcomeUnknown() from None
        return Finality.LOST if outcome.status.refusal or outcome.is_final else Finality.PENDING

    async def transfers(self, since: float, until: float) -> list[Transfer]:
        terms = [each for each in (self._terms, self._previous_terms) if each]
        found = [await transfers_between(self._rpc, each, since, until) for each in terms]
        return sorted(chain(*found), key=attrgetter("at"))

    async def health(self) -> str | None:
        try:
            return await self._witnesses.health(self._terms, self._clock) or await self._facilitator.health()
        except RailUnavailable:
            return "The payment chain does not respond."

    async def aclose(self) -> None:
        await self._facilitator.aclose()
        await self._rpc.aclose()


def own_broadcaster(
    config: X402Config,
    rpc: RpcClient,
    lock: AbstractAsyncContextManager[object],
    outbox: Outbox,
    highest_price: Price,
) -> Broadcaster:
    """The broadcaster of our own settlement key. Raises ValueError if there is none."""
    return Broadcaster(
        rpc,
        settlement_key(config),
        outbox,
        chain_id=config.chain_id,
        lock=lock,
        bump_after_s=config.bump_after_s,
        budget=Budget.of(config, highest_price),
    )
