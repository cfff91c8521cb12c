"""The SDK (pympp), one instance per RPC URL, realm, recipient and secret: validates credentials and broadcasts.

A challenge is bound to its ledger (`opaque`, member `ledger`). Otherwise another service with the same secret and
address but another ledger could accept the same payment for another image.
"""

import asyncio
import json
import logging
from base64 import urlsafe_b64decode
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from secrets import token_hex
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx
import mpp
from mpp._validation import Validation
from mpp.errors import InvalidChallengeError, PaymentError
from mpp.server.method import ServerMethod
from mpp.server.mpp import Mpp

from payments.mpp.challenge import Issued, asked, issue, scope_of
from payments.mpp.config import MppConfig
from payments.mpp.problems import INVALID_CHALLENGE, VERIFICATION_FAILED, refusal, rejected
from payments.mpp.pull import DECIMALS, INTENT, pull_charge
from payments.mpp.validity import QuoteValidity
from payments.mpp.wire import MppCredential
from payments.order import Order

logger = logging.getLogger(__name__)
T = TypeVar("T")

_LARGE_BODY_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class ValidatedCredential:
    """An authenticated credential: its payer, and whether its challenge was issued for this ledger."""

    payer: str
    is_for_this_ledger: bool


class Engines:
    """All operations that need the secret.

    Args:
        config: secrets (the first one issues challenges), recipients, currencies, chain and RPC URLs.
        realms: host names; the first is the realm of all other hosts.
        ledger_id: identity of the ledger to which challenges are bound; None: they are bound to no ledger.
        validity: how long quotes are valid.

    Raises:
        ValueError: a required setting is missing.
    """

    def __init__(
        self,
        config: MppConfig,
        *,
        realms: tuple[str, ...],
        client: httpx.AsyncClient,
        ledger_id: str | None,
        validity: QuoteValidity,
    ) -> None:
        secrets = config.secret_keys()
        self._realms, self._secret, self._ledger_id = realms, secrets[0], ledger_id
        self._recipients = config.recipients()
        self._currencies, self._chain_id = config.currencies, config.chain_id
        self._urls, self._validity = config.rpc_urls(), validity
        self._engines = {
            (url, realm, recipient.lower()): _engines(
                pull_charge(
                    recipient=recipient,
                    currencies=config.currencies,
                    chain_id=config.chain_id,
                    rpc_url=url,
                    client=client,
                    confirmation_s=config.confirmation_timeout_s,
                ),
                realm,
                secrets,
            )
            for url in self._urls
            for realm in realms
            for recipient in self._recipients
        }

    async def challenges(self, order: Order) -> list[Issued]:
        """One new challenge per currency. Without a body in the order they are not bound to a body, so that a buyer can
        get a quote with an empty POST and pay it with the image."""
        expires = (datetime.now(UTC) + timedelta(seconds=self._validity.seconds)).isoformat()
        digest = await _digest(order.body) if order.body and order.is_whole else None
        return [self._challenge(currency, order, expires, digest) for currency in self._currencies]

    async def validate(self, credential: MppCredential, order: Order) -> ValidatedCredential:
        """Verify without the chain that challenge, order and transaction match.

        Raises:
            PaymentRejected: they do not match.
            RailUnavailable: the SDK failed.
        """
        body = order.body if credential.sent.challenge.digest else None
        meta = _meta(credential)
        price = order.price_for(credential.transaction.transfer.amount, DECIMALS)
        validate = self._with_issuing_secret(
            lambda engine: engine.validate_credential(
                credential.sent, intent=INTENT, request={"amount": str(price)}, meta=meta, body=body
            ),
            self._urls[0],
            credential,
        )
        try:
            validated: Validation = await _run_hashing(body or b"", validate)
        except PaymentError as exc:
            raise refusal(exc) from exc
        if validated.request.get("_mppx_scope") != scope_of(order.method, order.url):
            raise rejected(INVALID_CHALLENGE, "The challenge was issued for another resource. Get a new quote.")
        if validated.payer is None:
            raise rejected(VERIFICATION_FAILED, "The payer could not be recovered from the transaction's signature.")
        return ValidatedCredential(validated.payer, is_for_this_ledger=(meta or {}).get("ledger") == self._ledger_id)

    async def broadcast(self, credential: MppCredential, url: str) -> int | None:
        """Broadcast a credential. Returns when the SDK saw the transfer on the chain, unix seconds, or None."""
        try:
            seen = await self._with_issuing_secret(
                lambda engine: engine.broadcast_credential(credential.sent), url, credential
            )
        except Exception as exc:  # noqa: BLE001 - after any error only the chain knows whether money moved
            logger.warning("a broadcast did not report success: %s", type(exc).__name__)
            return None
        return int(seen.timestamp.timestamp())

    def _challenge(self, currency: str, order: Order, expires: str, digest: str | None) -> Issued:
        request = asked(
            amount=str(order.price),
            currency=currency,
            recipient=self._recipients[0],
            chain_id=self._chain_id,
            method=order.method,
            url=order.url,
        )
        ledger = {} if self._ledger_id is None else {"ledger": self._ledger_id}
        meta = {**ledger, "nonce": token_hex(16)}
        return issue(request, secret=self._secret, realm=self._realm(order), expires=expires, digest=digest, meta=meta)

    def _realm(self, order: Order) -> str:
        host = urlsplit(order.url).hostname
        return host if host in self._realms else self._realms[0]

    async def _with_issuing_secret(
        self, ask: Callable[[Mpp], Coroutine[Any, Any, T]], url: str, credential: MppCredential
    ) -> T:
        """Call the engine of the challenge's realm, recipient and issuing secret. Engines with another secret raise
        InvalidChallengeError."""
        echoed, paid = credential.sent.challenge.realm, credential.transaction.transfer.recipient
        realm = echoed if echoed in self._realms else self._realms[0]
        recipient = next((each for each in self._recipients if each.lower() == paid), self._recipients[0])
        *others, last = self._engines[url, realm, recipient.lower()]
        for engine in others:
            try:
                return await ask(engine)
            except InvalidChallengeError:
                continue
        return await ask(last)


def _engines(methods: list[ServerMethod], realm: str, secrets: tuple[str, ...]) -> tuple[Mpp, ...]:
    return tuple(Mpp(methods, realm=realm, secret_key=secret) for secret in secrets)


def _meta(credential: MppCredential) -> dict[str, str] | None:
    """The metadata in the echoed challenge; authentic only if the SDK accepts the challenge."""
    echo: str | None = credential.sent.challenge.opaque
    try:
        meta = json.loads(urlsafe_b64decode(f"{echo}==")) if echo else None
    except (ValueError, RecursionError):
        return None
    return meta if isinstance(meta, dict) and all(isinstance(value, str) for value in meta.values()) else None


async def _digest(body: bytes) -> str:
    if len(body) < _LARGE_BODY_BYTES:
        return mpp.BodyDigest.compute(body)
    return await asyncio.to_thread(mpp.BodyDigest.compute, body)


async def _run_hashing(body: bytes, work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine of the SDK that hashes a body and does no I/O; for a large body in a thread with its own loop."""
    if len(body) < _LARGE_BODY_BYTES:
        return await work
    return await asyncio.to_thread(asyncio.run, work)
