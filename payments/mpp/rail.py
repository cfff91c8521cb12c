"""The MPP rail: one transfer of a dollar token on Tempo, signed by the payer, broadcast by us when the work is done.

The SDK issues challenges, judges credentials and broadcasts. This rail adds pull mode only, the deadline, the payer's
funds, and the chain's word after every doubt.
"""

import logging
from datetime import timedelta

import httpx
from eth_utils.address import is_hex_address

from payments.chain_clock import ChainClock
from payments.evm.rpc import RpcClient
from payments.mpp.attempt import MppAttempt, Parts, PushedAttempt
from payments.mpp.chain import Chain
from payments.mpp.engines import Engines
from payments.mpp.transfers import transfers_between
from payments.mpp.wire import RAIL, MppCredential, PushedCredential, read_credential
from payments.rail import Challenge, Finality, HeaderFields, Order, Payment, Receipt
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
        self._finality_blocks = finality_blocks
        self._client = httpx.AsyncClient(timeout=confirmation_timeout_s, trust_env=False)
        urls = (rpc_url, fallback_rpc_url) if fallback_rpc_url else (rpc_url,)
        self._rpc = RpcClient(urls, chain_id=chain_id, timeout_s=rpc_timeout_s)
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
        self._parts = Parts(
            chain=self._chain,
            engines=self._engines,
            clock=self._clock,
            recipient=self._recipient,
            currencies=self._currencies,
            work_margin_s=work_margin_s,
            broadcast_margin_s=broadcast_margin_s,
        )

    async def challenge(self, order: Order, rejection: str | None = None) -> Challenge:
        """A fresh challenge for each currency; `challengeId` of the body is the id of the first."""
        challenges = await self._engines.challenges(order, self._validity)
        return Challenge(
            headers=tuple(("WWW-Authenticate", each.to_www_authenticate(each.realm or "")) for each in challenges),
            members={"challengeId": challenges[0].id},
        )

    def read(self, headers: HeaderFields) -> MppAttempt | PushedAttempt | None:
        """Read `Authorization: Payment`; see `wire` for what is refused here already, with a PaymentRejected too."""
        credential = read_credential(headers)
        if isinstance(credential, PushedCredential):
            return PushedAttempt(credential, self._parts)
        return None if credential is None else self.bind(credential)

    def bind(self, credential: MppCredential) -> MppAttempt:
        """The attempt to pay with a credential over this rail."""
        return MppAttempt(credential, self._parts)

    async def find_receipt(self, payment: Payment) -> Receipt | None:
        return await self._chain.find_receipt(payment)

    async def recheck(self, payment: Payment, receipt: Receipt) -> Finality:
        return await self._chain.recheck(payment, finality_blocks=self._finality_blocks)

    async def transfers(self, since: float, until: float) -> list[Transfer]:
        return await transfers_between(self._rpc, since, until, recipient=self._recipient, currencies=self._currencies)

    async def health(self) -> str | None:
        return await self._chain.health()

    async def aclose(self) -> None:
        await self._client.aclose()
        await self._rpc.aclose()


def _check_settings(realm: str, secrets: tuple[str, ...], recipient: str, currencies: tuple[str, ...]) -> None:
    if not realm:
        raise ValueError("MPP needs a realm")
    if any(len(secret.encode()) < MIN_SECRET_BYTES for secret in secrets):
        raise ValueError(f"an MPP secret must have at least {MIN_SECRET_BYTES} bytes")
    if not currencies or not all(map(is_hex_address, (recipient, *currencies))):
        raise ValueError("an MPP recipient and its currencies must be 20-byte addresses, 0x-hex")
