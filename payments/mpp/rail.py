"""The MPP rail: one transfer of a dollar token on Tempo, signed by the payer, broadcast by us when the work is done.

The SDK issues challenges, verifies credentials and broadcasts. This rail restricts it to pull mode, and adds checks of
the deadline and the payer's balance, and the chain's decision on unclear outcomes.
"""

import logging
from itertools import chain
from operator import attrgetter

import httpx

from payments.chain_clock import ChainClock
from payments.evm.node import MAX_CONNECTIONS
from payments.evm.rpc import RpcClient
from payments.mpp.attempt import MppAttempt, Parts, PushedAttempt
from payments.mpp.chain import Chain
from payments.mpp.config import MppConfig
from payments.mpp.engines import Engines
from payments.mpp.transfers import transfers_between
from payments.mpp.validity import QuoteValidity
from payments.mpp.wire import RAIL, MppCredential, PushedCredential, read_credential
from payments.order import Order
from payments.rail import Challenge, Finality, HeaderFields, Payment, Receipt
from payments.transfers import Transfer

_LOGGERS_WITH_URLS = ("httpx", "httpcore")  # below WARNING they log URLs, which may contain API keys


class MppRail:
    """`payments.rail.Rail` over MPP (`tempo`/`charge`, pull mode only).

    Args:
        config: the settings.
        host: the service's public host name, the realm of challenges unless the settings name another.
        hosts: further host names. Unless the settings name a realm, each is its own realm; challenges of each realm are
            accepted on all hosts.
        ledger_id: identity of the ledger; challenges are bound to it, so that a payment cannot also buy from a service
            with another ledger.
        rpc_timeout_s: for one call of one URL, except a broadcast.
        clock: checks how long payments are valid.

    Raises:
        ValueError: a required setting is missing.
    """

    name = RAIL

    def __init__(
        self,
        config: MppConfig,
        *,
        host: str,
        hosts: tuple[str, ...] = (),
        ledger_id: str | None = None,
        rpc_timeout_s: float = 3.0,
        clock: ChainClock | None = None,
    ) -> None:
        for name in _LOGGERS_WITH_URLS:
            logging.getLogger(name).setLevel(logging.WARNING)
        self._config = config
        self._recipients = tuple(recipient.lower() for recipient in config.recipients())
        self._currencies = tuple(currency.lower() for currency in config.currencies)
        self._client = httpx.AsyncClient(
            timeout=config.confirmation_timeout_s, trust_env=False, limits=httpx.Limits(max_connections=MAX_CONNECTIONS)
        )
        self._rpc = RpcClient(config.rpc_urls(), chain_id=config.chain_id, timeout_s=rpc_timeout_s)
        self._clock = clock or ChainClock()
        self._chain = Chain(self._rpc, config.chain_id, self._clock, tokens=self._currencies)
        self._validity = QuoteValidity(config.challenge_seconds, token=self._currencies[0], account=self._recipients[0])
        self._engines = Engines(
            config,
            realms=(config.realm,) if config.realm else (host, *hosts),
            client=self._client,
            ledger_id=ledger_id,
            validity=self._validity,
        )
        self._parts = Parts(
            chain=self._chain,
            engines=self._engines,
            clock=self._clock,
            recipients=self._recipients,
            currencies=self._currencies,
            work_margin_s=config.work_margin_s,
            broadcast_margin_s=config.broadcast_margin_s,
        )

    async def challenge(self, order: Order, rejection: str | None = None) -> Challenge:
        """A new challenge for each currency; `challengeId` in the body is the id of the first."""
        challenges = await self._engines.challenges(order)
        return Challenge(
            headers=tuple(("WWW-Authenticate", each.field) for each in challenges),
            members={"challengeId": challenges[0].id},
        )

    def read(self, headers: HeaderFields) -> MppAttempt | PushedAttempt | None:
        """Read `Authorization: Payment`; raises as `wire.read_credential`."""
        credential = read_credential(headers)
        if isinstance(credential, PushedCredential):
            return PushedAttempt(credential, self._parts)
        return None if credential is None else self.bind(credential)

    def bind(self, credential: MppCredential) -> MppAttempt:
        """The attempt to pay with a credential on this rail."""
        return MppAttempt(credential, self._parts)

    async def find_receipt(self, payment: Payment) -> Receipt | None:
        return await self._chain.find_receipt(payment)

    async def recheck(self, payment: Payment, receipt: Receipt) -> Finality:
        return await self._chain.recheck(payment, finality_blocks=self._config.finality_blocks)

    async def transfers(self, since: float, until: float) -> list[Transfer]:
        found = [
            await transfers_between(self._rpc, since, until, recipient=each, currencies=self._currencies)
            for each in self._recipients
        ]
        return sorted(chain(*found), key=attrgetter("at"))

    async def health(self) -> str | None:
        fault = await self._chain.health()
        if fault is None:
            await self._validity.ask(self._chain)
        return fault

    async def aclose(self) -> None:
        await self._client.aclose()
        await self._rpc.aclose()
