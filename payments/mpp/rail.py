"""The MPP rail: one transfer of a dollar token on Tempo, signed by the payer, broadcast by us when the work is done.

The SDK issues challenges, judges credentials and broadcasts. This rail adds pull mode only, the deadline, the payer's
funds, and the chain's word after every doubt.
"""

import asyncio
import logging
from dataclasses import replace
from datetime import timedelta

import httpx
from eth_utils.address import is_hex_address

from errors import PaymentRejected, PaymentSpentElsewhere
from payments.chain_clock import ChainClock
from payments.mpp.broadcast import broadcast_until_final
from payments.mpp.chain import Chain
from payments.mpp.deadline import check_term, check_time
from payments.mpp.engines import Engines, Judged
from payments.mpp.preflight import SPENT, check_on_chain
from payments.mpp.problems import INVALID_CHALLENGE, VERIFICATION_FAILED, rejected
from payments.mpp.rpc import Rpc
from payments.mpp.transaction import signer_of
from payments.mpp.transfers import Transfers
from payments.mpp.verdict import NobodyAnswers
from payments.mpp.wire import RAIL, MppCredential, PushedCredential, read_credential, write_receipt
from payments.rail import NO_HOLD, Challenge, Credential, Finality, HeaderFields, Hold, Order, Payment, Receipt
from payments.transfers import Transfer

MIN_SECRET_BYTES = 32
_TALKATIVE = ("httpx", "httpcore")  # below WARNING they write URLs, which may hold API keys


class MppRail:
    """`payments.rail.Rail` over MPP (`tempo`/`charge`, pull mode only).

    Args:
        realm: protection space named in challenges; the same on all replicas, best the public host name.
        secret: authenticates challenges, 32 bytes or more; the same on all replicas.
        previous_secret: the secret before a rotation; its challenges are still accepted.
        realms: further host names that are quoted with themselves as realm; challenges of each realm are accepted on
            all of them.
        ledger_id: identity of the ledger that this rail sells for; challenges are bound to it, so that one payment buys
            nothing of a service with another ledger.
        recipient: the seller's address.
        currencies: the TIP-20 tokens that are accepted, in the order in which they are offered.
        chain_id: 4217 (Tempo) or 42431 (Moderato).
        rpc_url: the chain.
        fallback_rpc_url: asked when `rpc_url` does not answer, and beside it whenever a payment's end is judged; every
            second broadcast of a payment goes there.
        challenge_seconds: how long a quote holds.
        work_margin_s: a payment with less time left is refused before the work.
        broadcast_margin_s: a payment with less time left is not broadcast after it.
        confirmation_timeout_s: for one broadcast, its receipt included; then the chain is asked, and it is repeated.
        rpc_timeout_s: for one other call of one URL.
        finality_blocks: blocks on top of a settlement from which on it is final.
        clock: judges how long payments are valid.

    Raises:
        ValueError: settings that cannot work; the text holds no secret.
    """

    name = RAIL

    def __init__(
        self,
        *,
        realm: str,
        secret: str,
        recipient: str,
        currencies: tuple[str, ...],
        chain_id: int,
        rpc_url: str,
        realms: tuple[str, ...] = (),
        fallback_rpc_url: str | None = None,
        previous_secret: str | None = None,
        ledger_id: str | None = None,
        challenge_seconds: int = 300,
        work_margin_s: float = 8.0,
        broadcast_margin_s: float = 4.0,
        confirmation_timeout_s: float = 4.0,
        rpc_timeout_s: float = 3.0,
        finality_blocks: int = 16,
        clock: ChainClock | None = None,
    ) -> None:
        secrets = (secret,) if previous_secret is None else (secret, previous_secret)
        _check_settings(realm, secrets, recipient, currencies)
        if not broadcast_margin_s <= work_margin_s < challenge_seconds:
            raise ValueError("the margins of an MPP payment must fit into the life of its challenge")
        for name in _TALKATIVE:
            logging.getLogger(name).setLevel(logging.WARNING)
        self._recipient = recipient.lower()
        self._currencies = tuple(currency.lower() for currency in currencies)
        self._validity = timedelta(seconds=challenge_seconds)
        self._work_margin_s, self._broadcast_margin_s = work_margin_s, broadcast_margin_s
        self._finality_blocks = finality_blocks
        self._client = httpx.AsyncClient(timeout=confirmation_timeout_s, trust_env=False)
        urls = (rpc_url, fallback_rpc_url) if fallback_rpc_url else (rpc_url,)
        self._rpc = Rpc(urls, self._client, chain_id=chain_id, timeout_s=rpc_timeout_s)
        self._clock = clock or ChainClock()
        self._chain = Chain(self._rpc, chain_id, self._clock, tokens=self._currencies)
        self._engines = Engines(
            realms=(realm, *realms),
            secrets=secrets,
            recipient=recipient,
            currencies=currencies,
            chain_id=chain_id,
            urls=urls,
            client=self._client,
            confirmation_s=confirmation_timeout_s,
            ledger_id=ledger_id,
        )

    async def challenge(self, order: Order, rejection: str | None = None) -> Challenge:
        """A fresh challenge for each currency; `challengeId` of the body is the id of the first."""
        challenges = await self._engines.challenges(order, self._validity)
        return Challenge(
            headers=tuple(("WWW-Authenticate", each.to_www_authenticate(each.realm or "")) for each in challenges),
            members={"challengeId": challenges[0].id},
        )

    def credential(self, headers: HeaderFields) -> MppCredential | PushedCredential | None:
        """Read `Authorization: Payment`; see `wire` for what is refused here already, with a PaymentRejected too."""
        return read_credential(headers)

    def signer(self, credential: Credential) -> str | None:
        if isinstance(credential, PushedCredential):
            return None
        return signer_of(_ours(credential).transaction)

    async def verify(self, credential: Credential, order: Order) -> Payment:
        if isinstance(credential, PushedCredential):
            await self._refuse_if_paid(credential.hash)
            raise rejected(
                VERIFICATION_FAILED,
                "Only pull mode is accepted: send the signed transaction, not the hash of a sent one.",
            )
        ours = _ours(credential)
        self._clock.check()
        try:
            return await self._judge(ours, order)
        except PaymentRejected:
            # Whatever was wrong with it: what has paid us is not called unused, and gets no fresh quote.
            if ours.transaction.transfer.recipient == self._recipient:
                await self._refuse_if_paid(ours.transaction.hash)
            raise

    async def settle(self, payment: Payment, credential: Credential, *, hold: Hold = NO_HOLD) -> Receipt:
        """Broadcast, and believe the chain; again as long as it does not say what happened, and time is left.

        Raises:
            DeadlineUnreachable: too little time is left; nothing was sent.
            PaymentRejected, PaymentOutcomeUnknown: as every rail.
        """
        ours = _ours(credential)
        begun = asyncio.get_running_loop().time()
        left_s = check_time(
            ours, margin_s=self._broadcast_margin_s, now=self._clock.now(), at_most_s=hold.limit - begun
        )
        receipt = await broadcast_until_final(
            lambda url: self._attempt(payment, ours, url), self._rpc.urls, until=begun + left_s
        )
        if receipt is None:
            raise rejected(VERIFICATION_FAILED, "The chain did not carry out the transfer. Nothing was charged.")
        return receipt

    async def find_receipt(self, payment: Payment, credential: Credential | None = None) -> Receipt | None:
        return await self._chain.find_receipt(payment)

    async def recheck(self, payment: Payment, receipt: Receipt) -> Finality:
        return await self._chain.recheck(payment, finality_blocks=self._finality_blocks)

    async def transfers(self, since: float, until: float) -> list[Transfer]:
        transfers = Transfers(self._rpc, recipient=self._recipient, currencies=self._currencies)
        return await transfers.between(since, until)

    def receipt_headers(self, receipt: Receipt, credential: Credential) -> HeaderFields:
        return write_receipt(receipt, _ours(credential).transaction.transfer.token)

    def refusal_headers(self, credential: Credential, reason: str) -> HeaderFields:
        return ()  # the problem's type says it

    async def health(self) -> str | None:
        return await self._chain.health()

    async def aclose(self) -> None:
        await self._client.aclose()

    async def _judge(self, credential: MppCredential, order: Order) -> Payment:
        transaction = credential.transaction
        judged = await self._engines.validate(credential, order)
        payment = self._payment(credential, judged)
        if not judged.is_of_this_ledger:
            await self._refuse_another_ledgers(payment)
        work_by = check_term(credential, margin_s=self._work_margin_s, now=self._clock.now())
        funds = await check_on_chain(self._chain, transaction, judged.payer, currencies=self._currencies)
        return replace(payment, funds=funds, work_by=work_by)

    def _payment(self, credential: MppCredential, judged: Judged) -> Payment:
        return Payment(
            id=credential.payment_id,
            rail=RAIL,
            payer=judged.payer,
            amount=credential.transaction.transfer.amount,
            valid_before=credential.transaction.valid_before,
            evidence=self._chain.evidence(credential.transaction),
            transaction=credential.transaction.hash,
        )

    async def _refuse_another_ledgers(self, payment: Payment) -> None:
        """Refuse a payment for a service that has our secret and a ledger of its own, or for a ledger of ours that was
        lost. It may be in the middle of settling the payment: there is no fresh quote before the chain has spoken.

        Raises:
            PaymentSpentElsewhere, PaymentRejected: it has paid, or never will.
            PaymentOutcomeUnknown: it can still go either way.
        """
        if await self._chain.find_receipt(payment) is not None:
            raise PaymentSpentElsewhere(SPENT, paid_us=True)
        raise rejected(INVALID_CHALLENGE, "The challenge was issued for another ledger. Take a new quote.")

    async def _refuse_if_paid(self, transaction: str) -> None:
        if await self._chain.has_paid(transaction, recipient=self._recipient, currencies=self._currencies):
            raise PaymentSpentElsewhere(SPENT, paid_us=True)

    async def _attempt(self, payment: Payment, credential: MppCredential, url: str) -> Receipt | None:
        """One broadcast, and what the chain says about it; None: it moved nothing and never will."""
        reported_at = await self._engines.broadcast(credential, url)
        try:
            return await self._chain.find_receipt(payment)
        except NobodyAnswers:
            if reported_at is None:
                raise
            return self._chain.receipt(payment, at=reported_at)


def _ours(credential: Credential) -> MppCredential:
    if not isinstance(credential, MppCredential):
        raise TypeError(f"not an MPP credential: {type(credential).__name__}")
    return credential


def _check_settings(realm: str, secrets: tuple[str, ...], recipient: str, currencies: tuple[str, ...]) -> None:
    if not realm:
        raise ValueError("MPP needs a realm")
    if any(len(secret.encode()) < MIN_SECRET_BYTES for secret in secrets):
        raise ValueError(f"an MPP secret must have at least {MIN_SECRET_BYTES} bytes")
    if not currencies or not all(map(is_hex_address, (recipient, *currencies))):
        raise ValueError("an MPP recipient and its currencies must be 20-byte addresses, 0x-hex")
