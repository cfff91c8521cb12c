"""The x402 rail: USDC on Base by EIP-3009 authorizations, protocol versions 1 and 2 on one endpoint.

The order is the specification's for `exact`: verify, work, settle. Whatever is unclear afterwards is decided by the
chain, and by nobody else.
"""

import asyncio
import logging
from contextlib import AbstractAsyncContextManager
from decimal import Decimal

from x402.http.facilitator_client_base import AuthProvider

from errors import PaymentOutcomeUnknown, RailUnavailable
from payments.chain_clock import ChainClock
from payments.evm.rpc import RpcClient
from payments.idempotency import suggested
from payments.money import Price
from payments.outbox import Outbox
from payments.rail import Challenge, Finality, HeaderFields, Order, Payment, Receipt
from payments.transfers import Transfer
from payments.x402.attempt import Parts, X402Attempt
from payments.x402.broadcaster import Broadcaster
from payments.x402.budget import Budget
from payments.x402.confirmation import OUTAGES, Confirmation
from payments.x402.facilitator import Facilitator
from payments.x402.funds import Funds
from payments.x402.http_facilitator import HttpFacilitator
from payments.x402.local_facilitator import LocalFacilitator
from payments.x402.requirements import QuoteTerms, base_units
from payments.x402.settlement_key import SettlementKey
from payments.x402.transfers import transfers_between
from payments.x402.wire import RAIL, X402Credential, read_payment, write_challenge
from payments.x402.witnesses import Witnesses

# At INFO and DEBUG they write typed data and URLs, which may hold API keys.
_TALKATIVE = ("x402", "httpx")
_PRICE = Price(Decimal("0.05"))
_BIG_BODY = 1_000_000


class X402Rail:
    """`payments.rail.Rail` over x402; settles with our own key, or through a facilitator service.

    Args:
        chain_id: 84532 (Base Sepolia) or 8453 (Base).
        asset, pay_to: the USDC contract and the seller's address.
        rpc_url: the chain, which closes every settlement, whoever sends it.
        fallback_rpc_url: asked when `rpc_url` does not answer, and as a second witness where money depends on the
            answer: while both answer and disagree, a payment is in doubt.
        settlement_key: hex key that pays the gas; needs `lock` and `outbox`.
        lock: shared by all processes with this key; see `Broadcaster`.
        outbox: where they write down what they send; the rail does not close it.
        bump_after_s: seconds after which a transaction that is in no block yet is sent with higher fees.
        eth_usd, max_fee_share, max_fee_gwei, highest_price: what settling with our own key may cost; see `Budget`.
        facilitator_url: service that verifies and settles instead.
        facilitator_auth: makes the headers with our credentials for it.
        max_timeout_seconds: how long clients are asked to keep an authorization valid.
        min_validity_s: an authorization that ends sooner cannot be worked on and settled in time.
        rpc_timeout_s, verify_timeout_s, settle_timeout_s: for one chain call, one verification, one settlement.
        doubt_s: how long `settle` waits for the chain to show what became of an unclear settlement.
        finality_blocks: blocks on top of a settlement from which on it is final.
        clock: judges how long payments are valid.

    Raises:
        ValueError: settings that do not fit together; the text holds no secret.
    """

    name = RAIL

    def __init__(
        self,
        *,
        chain_id: int,
        asset: str,
        pay_to: str,
        rpc_url: str,
        fallback_rpc_url: str | None = None,
        settlement_key: str | None = None,
        lock: AbstractAsyncContextManager[object] | None = None,
        outbox: Outbox | None = None,
        bump_after_s: float = 15.0,
        eth_usd: Decimal = Decimal(4000),
        max_fee_share: Decimal = Decimal("0.5"),
        max_fee_gwei: float = 1.0,
        highest_price: Price = _PRICE,
        facilitator_url: str | None = None,
        facilitator_auth: AuthProvider | None = None,
        description: str = "Background removal for one image",
        max_timeout_seconds: int = 120,
        min_validity_s: float = 15.0,
        rpc_timeout_s: float = 3.0,
        verify_timeout_s: float = 8.0,
        settle_timeout_s: float = 30.0,
        doubt_s: float = 5.0,
        finality_blocks: int = 64,
        clock: ChainClock | None = None,
    ) -> None:
        for name in _TALKATIVE:
            logging.getLogger(name).setLevel(logging.WARNING)
        self._terms = QuoteTerms(
            chain_id=chain_id,
            asset=asset,
            pay_to=pay_to,
            max_timeout_seconds=max_timeout_seconds,
            description=description,
        )
        urls = (rpc_url, *([fallback_rpc_url] if fallback_rpc_url else ()))
        self._rpc = RpcClient(urls, timeout_s=rpc_timeout_s, chain_id=chain_id)
        if (settlement_key is None) == (facilitator_url is None):
            raise ValueError("x402 settles either with a settlement key or through a facilitator URL: give one of them")
        timeouts = {"verify_timeout_s": verify_timeout_s, "settle_timeout_s": settle_timeout_s}
        self._facilitator: Facilitator
        if facilitator_url is not None:
            self._facilitator = HttpFacilitator(
                facilitator_url,
                network=self._terms.network.caip2,
                rpc=self._rpc,
                auth=facilitator_auth,
                **timeouts,
            )
        elif settlement_key is None or lock is None or outbox is None:
            raise ValueError("an x402 settlement key needs a lock and an outbox")
        else:
            broadcaster = Broadcaster(
                self._rpc,
                SettlementKey(settlement_key, chain_id=chain_id),
                outbox,
                chain_id=chain_id,
                lock=lock,
                bump_after_s=bump_after_s,
                budget=Budget(
                    eth_usd=eth_usd,
                    max_share=max_fee_share,
                    max_fee_wei=round(max_fee_gwei * 10**9),
                    highest_units=base_units(highest_price),
                ),
            )
            self._facilitator = LocalFacilitator(self._rpc, broadcaster, **timeouts)
        self._witnesses = Witnesses(self._rpc)
        self._clock = clock or ChainClock()
        self._confirmation = Confirmation(self._witnesses, self._facilitator, doubt_s=doubt_s)
        self._parts = Parts(
            terms=self._terms,
            rpc=self._rpc,
            funds=Funds(self._rpc, self._terms),
            clock=self._clock,
            facilitator=self._facilitator,
            confirmation=self._confirmation,
            min_validity_s=min_validity_s,
        )
        self._finality_blocks = finality_blocks

    async def challenge(self, order: Order, rejection: str | None = None) -> Challenge:
        big = len(order.body) > _BIG_BODY
        name = await asyncio.to_thread(suggested, order) if big else suggested(order)  # hashes the picture
        return write_challenge(self._terms, order, rejection, name=name)

    def read(self, headers: HeaderFields) -> X402Attempt | None:
        credential = read_payment(headers, self._terms)
        return None if credential is None else self.bind(credential)

    def bind(self, credential: X402Credential) -> X402Attempt:
        """The attempt to pay with a credential over this rail."""
        return X402Attempt(credential, self._parts)

    async def find_receipt(self, payment: Payment) -> Receipt | None:
        return await self._parts.find_receipt(payment)

    async def recheck(self, payment: Payment, receipt: Receipt) -> Finality:
        """By the authorization, not by the receipt's hash: the outbox may have sent another transaction since."""
        try:
            outcome = await self._confirmation.outcome(payment)
            if outcome.status.transaction is not None:
                deep = await self._witnesses.blocks_on_top(outcome.status.transaction) >= self._finality_blocks
                return Finality.FINAL if deep else Finality.PENDING
        except OUTAGES:
            raise PaymentOutcomeUnknown() from None
        return Finality.LOST if outcome.status.refusal or outcome.is_final else Finality.PENDING

    async def transfers(self, since: float, until: float) -> list[Transfer]:
        return await transfers_between(self._rpc, self._terms, since, until)

    async def health(self) -> str | None:
        try:
            return await self._witnesses.health(self._terms, self._clock) or await self._facilitator.health()
        except RailUnavailable:
            return "The payment chain does not answer."

    async def aclose(self) -> None:
        await self._facilitator.aclose()
        await self._rpc.aclose()
