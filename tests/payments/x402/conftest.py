"""Rails, chains that fail on demand and orders, under the names that the tests of this folder use."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import fields
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pytest

from payments.money import Price
from payments.order import Order
from payments.x402.config import X402Config
from payments.x402.rail import Timing, X402Rail
from payments.x402.requirements import QuoteTerms
from sandbox.accounts import SELLER, SETTLER, STRANGER
from sandbox.chains import BaseChain
from storage import Database, SqlLedger, SqlOutbox
from tests.begun import Begun, BegunRail
from tests.empty_ledger import empty_ledger
from tests.fakes.facilitator import Facilitator
from tests.fakes.serving import serving
from tests.payments.x402.buyer import X402Buyer
from tests.payments.x402.miner import usual_fees
from tests.payments.x402.terms import terms_of

RailBuilder = Callable[..., X402Rail]
PRICE = Price(Decimal("0.05"))


def arguments(chosen: dict[str, object]) -> dict[str, Any]:
    """What the rail is made of, by the names of its settings, of its timing and of its further arguments."""
    timing = {each.name for each in fields(Timing)} & chosen.keys()
    settings = X402Config.model_fields.keys() & chosen.keys()
    rest = chosen.keys() - timing - settings
    return {
        "config": X402Config.model_validate({name: chosen[name] for name in settings}),
        "timing": Timing(**{name: cast(float, chosen[name]) for name in timing}),
        **{name: chosen[name] for name in rest},
    }


@pytest.fixture(scope="session")
def _facilitator_service(base_chain: BaseChain) -> Iterator[tuple[Facilitator, str]]:
    facilitator = Facilitator(rpc_url=base_chain.rpc_url, key=STRANGER.key, network="eip155:84532")
    with serving(facilitator.app()) as url:
        yield facilitator, url
        facilitator.close()


@pytest.fixture
def facilitator(_facilitator_service: tuple[Facilitator, str]) -> Iterator[Facilitator]:
    """A facilitator on the local chain that fails on demand, with a key of its own."""
    facilitator, _ = _facilitator_service
    yield facilitator
    facilitator.reset()


@pytest.fixture
def facilitator_url(_facilitator_service: tuple[Facilitator, str]) -> str:
    """Where `facilitator` listens."""
    return _facilitator_service[1]


@pytest.fixture
def terms() -> QuoteTerms:
    return terms_of(
        chain_id=BaseChain.chain_id,
        asset=BaseChain.token,
        pay_to=SELLER.address,
        max_timeout_seconds=120,
    )


@pytest.fixture
def order() -> Order:
    return Order(
        url="https://cut.example/v1/remove-background",
        method="POST",
        body=b"picture",
        parameters=(("format", "png"),),
        price=PRICE,
    )


@pytest.fixture
def buyer(base_chain: BaseChain) -> X402Buyer:
    return X402Buyer(base_chain, version=2)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """The database that all rails of a test share."""
    async with Database(empty_ledger(tmp_path / "ledger.sqlite3")) as database:
        yield database


@pytest.fixture
def outbox(database: Database) -> SqlOutbox:
    return SqlOutbox(database)


@pytest.fixture
def begun(database: Database) -> Begun:
    """Begins settlements in the ledger beside the outbox."""
    return Begun(SqlLedger(database))


@pytest.fixture
async def new_rail(base_chain: BaseChain, rpc_url: str, outbox: SqlOutbox, begun: Begun) -> AsyncIterator[RailBuilder]:
    """Makes rails that settle with the sandbox's settlement key; all share lock and outbox, as processes do."""
    usual_fees(base_chain)
    lock = asyncio.Lock()
    rails: list[X402Rail] = []

    def build(rpc_url: str = rpc_url, **settings: object) -> X402Rail:
        chosen: dict[str, object] = {
            "chain_id": BaseChain.chain_id,
            "asset": BaseChain.token,
            "pay_to": SELLER.address,
            "rpc_url": rpc_url,
            "settlement_key": SETTLER.key,
            "lock": lock,
            "outbox": outbox,
            "highest_price": PRICE,
            "doubt_s": 2.5,
            **settings,
        }
        rails.append(BegunRail(begun, **arguments(chosen)))
        return rails[-1]

    yield build
    for rail in rails:
        await rail.aclose()


@pytest.fixture
def rail(new_rail: RailBuilder, facilitator_url: str) -> X402Rail:
    return new_rail(
        facilitator_url=facilitator_url,
        settlement_key=None,
        verify_timeout_s=1.0,
        settle_timeout_s=2.0,
        doubt_s=1.0,
    )
