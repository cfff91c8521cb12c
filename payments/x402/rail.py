"""The x402 rail: USDC on Base by EIP-3009 authorizations, protocol versions 1 and 2 on one endpoint.

The order is the specification's for `exact`: verify, work, settle. Whatever is unclear afterwards is decided by the
chain, and by nobody else.
"""

import asyncio
import logging
import time
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from decimal import Decimal

from eth_utils.address import to_checksum_address
from x402.http.facilitator_client_base import AuthProvider
from x402.schemas import PaymentPayload

from errors import PaymentOutcomeUnknown, PaymentRejected, RailUnavailable
from payments.chain_clock import ChainClock
from payments.idempotency import suggested
from payments.money import Price
from payments.outbox import Outbox
from payments.rail import NO_HOLD, Challenge, Credential, Finality, HeaderFields, Hold, Order, Payment, Receipt
from payments.transfers import Transfer
from payments.x402.broadcaster import Broadcaster
from payments.x402.budget import Budget
from payments.x402.chain import evidence, evidence_of_unknown
from payments.x402.checks import check_deadline, check_locally, check_signature, could_have_paid
from payments.x402.closing import NO_ANSWER, Closing
from payments.x402.facilitator import Facilitator, Word
from payments.x402.funds import Funds
from payments.x402.http_facilitator import HttpFacilitator
from payments.x402.local_facilitator import LocalFacilitator
from payments.x402.refusals import INSUFFICIENT_FUNDS, refuse
from payments.x402.requirements import QuoteTerms, base_units
from payments.x402.rpc import Rpc
from payments.x402.settlement_key import SettlementKey
from payments.x402.transfers import Transfers
from payments.x402.wire import RAIL, X402Credential, read_payment, write_challenge, write_receipt, write_refusal
from payments.x402.witnesses import Witnesses

# At INFO and DEBUG they write typed data and URLs, which may hold API keys.
_TALKATIVE = ("x402", "web3", "httpx")
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
        self._rpc = Rpc(urls, timeout_s=rpc_timeout_s, chain_id=chain_id)
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
        each = tuple(Rpc((url,), timeout_s=rpc_timeout_s, chain_id=chain_id) for url in urls)
        self._witnesses = Witnesses(each if len(urls) > 1 else (self._rpc,))
        self._funds = Funds(self._rpc, self._terms)
        self._clock = clock or ChainClock()
        self._closing = Closing(self._witnesses, self._facilitator, doubt_s=doubt_s)
        self._min_validity_s = min_validity_s
        self._finality_blocks = finality_blocks

    async def challenge(self, order: Order, rejection: str | None = None) -> Challenge:
        big = len(order.body) > _BIG_BODY
        name = await asyncio.to_thread(suggested, order) if big else suggested(order)  # hashes the picture
        return write_challenge(self._terms, order, rejection, name=name)

    def credential(self, headers: HeaderFields) -> X402Credential | None:
        return read_payment(headers, self._terms)

    def signer(self, credential: Credential) -> str | None:
        signed = _ours(credential).signed
        return signed.authorization.payer if signed.signed_by_payer(self._terms) else None

    async def verify(self, credential: Credential, order: Order) -> Payment:
        self._clock.check()
        sent, units, now = _ours(credential), base_units(order.price), self._clock.now()
        authorization = sent.signed.authorization
        payment = Payment(
            id=sent.payment_id,
            rail=RAIL,
            payer=authorization.payer,
            amount=authorization.value,
            valid_before=authorization.valid_before,
            work_by=authorization.valid_before - self._min_validity_s,
            evidence=evidence(authorization, self._terms, now=now),
        )
        # No refusal may call a payment untouched that the chain knows as used: it may have paid us elsewhere.
        unknown = replace(payment, evidence=evidence_of_unknown(authorization, self._terms, now=now))
        try:
            await self._check(sent, units, now)
            funds = await self._judge(sent, units)
        except PaymentRejected:
            if could_have_paid(sent.signed, self._terms):
                await self._closing.refuse_if_spent(unknown)
            raise
        if self._facilitator.is_service:  # it may lie, or see the chain later than we do
            await self._closing.refuse_if_spent(unknown)
        return replace(payment, funds=funds)

    async def _check(self, sent: X402Credential, units: int, now: float) -> None:
        check_locally(sent, self._terms, units, now=now)
        await check_signature(sent.signed, self._terms, self._rpc)
        check_deadline(sent.signed.authorization, now, self._min_validity_s)

    async def _judge(self, sent: X402Credential, units: int) -> int | None:
        """Refuse a payer who holds too little, then have the facilitator judge the payment; what the payer holds, where
        the chain says so in time."""
        funds = await self._funds.of(sent.signed.authorization.payer, needed=units)
        if funds is not None and funds < units:
            raise refuse(INSUFFICIENT_FUNDS)
        await self._facilitator.verify(self._payload(sent, units), self._terms.requirements(units))
        return funds

    async def settle(self, payment: Payment, credential: Credential, *, hold: Hold = NO_HOLD) -> Receipt:
        return await self._settle(payment, credential, hold, first=True)

    async def _settle(self, payment: Payment, credential: Credential, hold: Hold, *, first: bool) -> Receipt:
        payload = self._payload(_ours(credential), payment.amount)
        requirements = self._terms.requirements(payment.amount)

        async def call() -> Word:
            return await self._facilitator.settle(payload, requirements, reference=payment.id, hold=hold)

        return self._receipt(payment, await self._closing.settle(payment, call, limit=hold.limit, first=first))

    async def find_receipt(self, payment: Payment, credential: Credential | None = None) -> Receipt | None:
        try:
            fate, over = await self._closing.find(payment)
        except NO_ANSWER:
            raise PaymentOutcomeUnknown() from None
        if fate.transaction is not None:
            return self._receipt(payment, fate.transaction)
        if fate.refusal or over:
            return None
        if credential is None or not self._facilitator.is_service:
            raise PaymentOutcomeUnknown()
        try:
            return await self._settle(payment, credential, NO_HOLD, first=False)
        except PaymentRejected:
            return None

    async def recheck(self, payment: Payment, receipt: Receipt) -> Finality:
        """By the authorization, not by the receipt's hash: the outbox may have sent another transaction since."""
        try:
            fate, over = await self._closing.fate(payment)
            if fate.transaction is not None:
                deep = await self._witnesses.blocks_on_top(fate.transaction) >= self._finality_blocks
                return Finality.FINAL if deep else Finality.PENDING
        except NO_ANSWER:
            raise PaymentOutcomeUnknown() from None
        return Finality.LOST if fate.refusal or over else Finality.PENDING

    async def transfers(self, since: float, until: float) -> list[Transfer]:
        return await Transfers(self._rpc, self._terms).between(since, until)

    def receipt_headers(self, receipt: Receipt, credential: Credential) -> HeaderFields:
        return write_receipt(receipt, _ours(credential), self._terms)

    def refusal_headers(self, credential: Credential, reason: str) -> HeaderFields:
        return write_refusal(reason, _ours(credential), self._terms)

    async def health(self) -> str | None:
        try:
            return await self._witnesses.health(self._terms, self._clock) or await self._facilitator.health()
        except RailUnavailable:
            return "The payment chain does not answer."

    async def aclose(self) -> None:
        await self._facilitator.aclose()
        await self._witnesses.aclose()
        await self._rpc.aclose()

    def _payload(self, credential: X402Credential, units: int) -> PaymentPayload:
        return PaymentPayload(payload=credential.signed.as_payload(), accepted=self._terms.requirements(units))

    def _receipt(self, payment: Payment, transaction: str) -> Receipt:
        return Receipt(
            rail=RAIL,
            network=self._terms.network.caip2,
            transaction=transaction,
            payer=to_checksum_address(payment.payer),
            at=int(time.time()),
        )


def _ours(credential: Credential) -> X402Credential:
    if not isinstance(credential, X402Credential):
        raise TypeError(f"not an x402 credential: {type(credential).__name__}")
    return credential
