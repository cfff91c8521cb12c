"""The MPP rail: one pathUSD transfer on Tempo, signed by the payer, broadcast by us when the work is done.

The SDK issues challenges, judges credentials and broadcasts. This rail adds pull mode only, the deadline, the payer's
funds, and the chain's word after every doubt.
"""

import asyncio
import json
import logging
import math
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any, TypeVar

import httpx
from eth_utils.address import is_hex_address
from mpp._validation import Validation
from mpp.errors import InvalidChallengeError, PaymentError
from mpp.server.http import Request
from mpp.server.method import ServerMethod
from mpp.server.mpp import Mpp

from payments.health import Health
from payments.mpp.chain import Chain
from payments.mpp.deadline import check_term, check_time
from payments.mpp.persistence import persist
from payments.mpp.preflight import check_on_chain
from payments.mpp.problems import INVALID_CHALLENGE, VERIFICATION_FAILED, refusal, rejected
from payments.mpp.pull import DECIMALS, INTENT, pull_charge
from payments.mpp.rpc import Rpc
from payments.mpp.transaction import signer_of
from payments.mpp.transfers import Transfers
from payments.mpp.wire import RAIL, MppCredential, read_credential, write_receipt
from payments.rail import Challenge, Credential, Finality, HeaderFields, Order, Payment, Receipt
from payments.transfers import Transfer

logger = logging.getLogger(__name__)
T = TypeVar("T")

MIN_SECRET_BYTES = 32
_BIG_BODY = 64 * 1024
_TALKATIVE = ("httpx", "httpcore")  # below WARNING they write URLs, which may hold API keys


class MppRail:
    """`payments.rail.Rail` over MPP (`tempo`/`charge`, pull mode only).

    Args:
        realm: protection space named in challenges; the same on all replicas, best the public host name.
        secret: authenticates challenges, 32 bytes or more; the same on all replicas.
        previous_secret: the secret before a rotation; its challenges are still taken.
        recipient, currency: the seller's address and the TIP-20 token (pathUSD).
        chain_id: 4217 (Tempo) or 42431 (Moderato).
        rpc_url: the chain.
        fallback_rpc_url: asked when `rpc_url` does not answer, and every second broadcast of a payment goes there.
        challenge_seconds: how long a quote holds.
        work_margin_s: a payment with less time left is refused before the work.
        broadcast_margin_s: a payment with less time left is not broadcast after it.
        confirmation_timeout_s: for one broadcast, its receipt included; then the chain is asked, and it is repeated.
        rpc_timeout_s: for one other call of one URL.
        finality_blocks: blocks on top of a settlement from which on it is final.

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
        currency: str,
        chain_id: int,
        rpc_url: str,
        fallback_rpc_url: str | None = None,
        previous_secret: str | None = None,
        challenge_seconds: int = 300,
        work_margin_s: float = 8.0,
        broadcast_margin_s: float = 4.0,
        confirmation_timeout_s: float = 4.0,
        rpc_timeout_s: float = 3.0,
        finality_blocks: int = 16,
    ) -> None:
        secrets = (secret,) if previous_secret is None else (secret, previous_secret)
        _check_settings(realm, secrets, recipient, currency)
        if not broadcast_margin_s <= work_margin_s < challenge_seconds:
            raise ValueError("the margins of an MPP payment must fit into the life of its challenge")
        for name in _TALKATIVE:
            logging.getLogger(name).setLevel(logging.WARNING)
        self._recipient, self._currency = recipient, currency
        self._finality_blocks = finality_blocks
        self._validity = timedelta(seconds=challenge_seconds)
        self._work_margin_s, self._broadcast_margin_s = work_margin_s, broadcast_margin_s
        self._client = httpx.AsyncClient(timeout=confirmation_timeout_s, trust_env=False)
        urls = (rpc_url, fallback_rpc_url) if fallback_rpc_url else (rpc_url,)
        self._rpc = Rpc(urls, self._client, timeout_s=rpc_timeout_s)
        self._chain = Chain(self._rpc, chain_id)
        self._health = Health(self._chain.health, too_slow="The payment chain is too slow to answer.")
        self._engines = {
            url: _engines(
                pull_charge(
                    recipient=recipient,
                    currency=currency,
                    chain_id=chain_id,
                    rpc_url=url,
                    client=self._client,
                    confirmation_s=confirmation_timeout_s,
                ),
                realm,
                secrets,
            )
            for url in urls
        }
        self._issuer, *_ = self._engines[rpc_url]

    async def challenge(self, order: Order, rejection: str | None = None) -> Challenge:
        """A fresh challenge. One for an order without a body is not bound to a body, so that a quote can be had for
        an empty POST and be paid with the picture."""
        issue = self._issuer.charge(
            amount=str(order.price), expires_in=self._validity, body=order.body if order.body else None
        )
        answer = (await _hashing(order.body, issue(_scoped(order)))).challenge
        return Challenge(
            headers=(("WWW-Authenticate", answer.headers["WWW-Authenticate"]),),
            members={"challengeId": json.loads(answer.body)["challengeId"]},
        )

    def credential(self, headers: HeaderFields) -> MppCredential | None:
        """Read `Authorization: Payment`; see `wire` for what is refused here already, with a PaymentRejected too."""
        return read_credential(headers)

    def signer(self, credential: Credential) -> str | None:
        return signer_of(_ours(credential).transaction)

    async def verify(self, credential: Credential, order: Order) -> Payment:
        ours = _ours(credential)
        payer = await self._authenticate(ours, order)
        work_by = check_term(ours, margin_s=self._work_margin_s)
        amount = order.price.base_units(DECIMALS)
        funds = await check_on_chain(self._chain, ours.transaction, payer, amount, self._currency)
        return Payment(
            id=ours.payment_id,
            rail=RAIL,
            payer=payer,
            amount=amount,
            valid_before=ours.transaction.valid_before,
            evidence=self._chain.evidence(ours.transaction, recipient=self._recipient, currency=self._currency),
            transaction=ours.transaction.hash,
            funds=funds,
            work_by=work_by,
        )

    async def settle(self, payment: Payment, credential: Credential, *, not_after: float = math.inf) -> Receipt:
        """Broadcast, and believe the chain; again as long as it does not say what happened, and time is left.

        Raises:
            DeadlineUnreachable: too little time is left; nothing was sent.
            PaymentRejected, PaymentOutcomeUnknown: as every rail.
        """
        ours = _ours(credential)
        until = check_time(ours, margin_s=self._broadcast_margin_s, not_after=not_after)
        receipt = await persist(lambda url: self._attempt(payment, ours, url), self._rpc.urls, until=until)
        if receipt is None:
            raise rejected(VERIFICATION_FAILED, "The chain did not carry out the transfer. Nothing was charged.")
        return receipt

    async def find_receipt(self, payment: Payment) -> Receipt | None:
        return await self._chain.find_receipt(payment)

    async def recheck(self, payment: Payment, receipt: Receipt) -> Finality:
        return await self._chain.recheck(payment, finality_blocks=self._finality_blocks)

    async def transfers(self, since: float, until: float) -> list[Transfer]:
        transfers = Transfers(self._rpc, recipient=self._recipient, currencies=(self._currency,))
        return await transfers.between(since, until)

    def receipt_headers(self, receipt: Receipt, credential: Credential) -> HeaderFields:
        return write_receipt(receipt, self._currency)

    async def health(self) -> str | None:
        return await self._health()

    async def aclose(self) -> None:
        await self._client.aclose()

    async def _authenticate(self, credential: MppCredential, order: Order) -> str:
        """The payer's address, once challenge, order and transaction fit together."""
        body = order.body if credential.sent.challenge.digest else None
        judge = self._with_its_secret(
            lambda engine: engine.validate_credential(
                credential.sent, intent=INTENT, request={"amount": str(order.price)}, meta=None, body=body
            ),
            self._rpc.urls[0],
        )
        try:
            judged: Validation = await _hashing(body or b"", judge)
        except PaymentError as exc:
            raise refusal(exc) from exc
        if judged.request.get("_mppx_scope") != _scoped(order).scope():
            raise rejected(INVALID_CHALLENGE, "The challenge was issued for another resource. Take a new quote.")
        if judged.payer is None:
            raise rejected(VERIFICATION_FAILED, "The payer cannot be told from the transaction's signature.")
        return judged.payer

    async def _with_its_secret(self, ask: Callable[[Mpp], Coroutine[Any, Any, T]], url: str) -> T:
        """Ask the engine whose secret issued the challenge: every other one raises InvalidChallengeError at once."""
        *others, last = self._engines[url]
        for engine in others:
            try:
                return await ask(engine)
            except InvalidChallengeError:
                continue
        return await ask(last)

    async def _attempt(self, payment: Payment, credential: MppCredential, url: str) -> Receipt | None:
        """One broadcast, and what the chain says about it; None: it moved nothing and never will."""
        reported_at = await self._broadcast(credential, url)
        if reported_at is not None:
            return await self._chain.receipt(payment, otherwise_at=reported_at)
        return await self._chain.find_receipt(payment)

    async def _broadcast(self, credential: MppCredential, url: str) -> int | None:
        """When the SDK saw the transfer on the chain, unix seconds; None when it did not."""
        try:
            seen = await self._with_its_secret(lambda engine: engine.broadcast_credential(credential.sent), url)
        except Exception as exc:  # noqa: BLE001 - whatever it was, only the chain knows whether the money moved
            logger.warning("a broadcast did not report success: %s", type(exc).__name__)
            return None
        return int(seen.timestamp.timestamp())


def _engines(methods: list[ServerMethod], realm: str, secrets: tuple[str, ...]) -> tuple[Mpp, ...]:
    """The SDK, once for each secret: the present one first, which issues the challenges."""
    return tuple(Mpp(methods, realm=realm, secret_key=secret) for secret in secrets)


def _scoped(order: Order) -> Request:
    """The request as the SDK binds it into a challenge: method, path and the order's part of the query."""
    return Request(order.method, order.url)


async def _hashing(body: bytes, story: Coroutine[Any, Any, T]) -> T:
    """Run a part of the SDK that hashes a body and waits for nothing: for a big body on a thread, with its own loop."""
    if len(body) < _BIG_BODY:
        return await story
    return await asyncio.to_thread(asyncio.run, story)


def _ours(credential: Credential) -> MppCredential:
    if not isinstance(credential, MppCredential):
        raise TypeError(f"not an MPP credential: {type(credential).__name__}")
    return credential


def _check_settings(realm: str, secrets: tuple[str, ...], recipient: str, currency: str) -> None:
    if not realm:
        raise ValueError("MPP needs a realm")
    if any(len(secret.encode()) < MIN_SECRET_BYTES for secret in secrets):
        raise ValueError(f"an MPP secret has at least {MIN_SECRET_BYTES} bytes")
    if not (is_hex_address(recipient) and is_hex_address(currency)):
        raise ValueError("an MPP recipient and currency are 20-byte addresses, 0x-hex")
