"""One payment buys one picture, whichever ledger it is shown to: services of one seller on one chain."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

import storage
from errors import PaymentOutcomeUnknown, PaymentSpentElsewhere, PaymentState, ServiceError
from payments.gate import Gate
from payments.order import Order
from payments.result_cache import Delivery
from payments.sale import SaleRequest, SaleResult
from payments.x402.config import X402Config
from payments.x402.rail import Timing, X402Rail
from payments.x402.wire import X402Credential
from sandbox.accounts import SELLER, SETTLER, STRANGER
from sandbox.chains import BaseChain
from tests.contracts.rail_contract import UNITS
from tests.empty_ledger import empty_ledger
from tests.fakes.facilitator import Facilitator, Mode
from tests.payments.x402.buyer import X402Buyer, bought
from tests.payments.x402.conftest import PRICE


class Service:
    """One service with a ledger of its own. Counts its work; while `may_work` is cleared, the work waits."""

    def __init__(self, rail: X402Rail, ledger: storage.SqlLedger) -> None:
        self.rail = rail
        self.gate = Gate((rail,), ledger)
        self.works = 0
        self.may_work = asyncio.Event()
        self.may_work.set()

    async def sell(self, credential: X402Credential, order: Order) -> SaleResult:
        async def admit() -> None:
            pass

        async def work() -> Delivery:
            self.works += 1
            await self.may_work.wait()
            return Delivery(headers=(), body=order.body)

        return await self.gate.sell(SaleRequest(self.rail.bind(credential), order, admit, work))


@pytest.fixture
async def services(
    request: pytest.FixtureRequest,
    base_chain: BaseChain,
    facilitator: Facilitator,
    facilitator_url: str,
    tmp_path: Path,
) -> AsyncIterator[tuple[Service, Service]]:
    """Two services with the same address to pay, each with its own SQLite file; settling as the test's parameter says:
    with one key, with two keys, or through one facilitator."""
    keys = {"one key": (SETTLER.key, SETTLER.key), "two keys": (SETTLER.key, STRANGER.key), "facilitator": (None, None)}
    base_chain.rpc.call("evm_mine")  # an empty block: the tips of others are not the present fee
    async with AsyncExitStack() as stack:
        opened = []
        for place, key in enumerate(keys[request.param]):
            url = empty_ledger(tmp_path / f"ledger-{place}.sqlite3")
            database = await stack.enter_async_context(storage.Database(url))
            lock = asyncio.Lock()
            config = X402Config.model_validate(
                {
                    "chain_id": BaseChain.chain_id,
                    "asset": BaseChain.token,
                    "pay_to": SELLER.address,
                    "rpc_url": base_chain.rpc_url,
                    "settlement_key": key,
                    "facilitator_url": facilitator_url,
                }
            )
            outbox = storage.SqlOutbox(database)
            rail = X402Rail(config, lock=lock, outbox=outbox, highest_price=PRICE, timing=Timing(doubt_s=8.0))
            stack.push_async_callback(rail.aclose)
            opened.append(Service(rail, storage.SqlLedger(database)))
            stack.push_async_callback(opened[-1].gate.aclose)
        yield opened[0], opened[1]


every_way = pytest.mark.parametrize("services", ["one key", "two keys", "facilitator"], indirect=True)
own_keys = pytest.mark.parametrize("services", ["one key", "two keys"], indirect=True)


@every_way
async def test_a_payment_that_another_ledger_settled_buys_nothing(
    services: tuple[Service, Service], buyer: X402Buyer, order: Order
) -> None:
    """Nor does it after a ledger was lost: to the second service it is the same."""
    first, second = services
    credential = await bought(first.rail, buyer, order)
    before = buyer.received()
    await first.sell(credential, order)
    with pytest.raises(PaymentSpentElsewhere) as refusal:
        await second.sell(credential, order)
    assert refusal.value.charged
    assert refusal.value.payment_state is PaymentState.SPENT_ELSEWHERE
    assert second.works == 0
    assert buyer.received() == before + UNITS
    assert (await first.sell(credential, order)).replayed


@every_way
async def test_a_payment_settled_elsewhere_during_the_work_is_not_delivered(
    services: tuple[Service, Service], buyer: X402Buyer, order: Order
) -> None:
    """Both have verified it and work; the quicker one settles. The other one says so again when it is asked again."""
    first, second = services
    credential = await bought(first.rail, buyer, order)
    before = buyer.received()
    second.may_work.clear()
    slow = asyncio.create_task(second.sell(credential, order))
    while not second.works:  # noqa: ASYNC110 - the work has no event for its beginning
        await asyncio.sleep(0.05)
    await first.sell(credential, order)
    second.may_work.set()
    for sale in (slow, second.sell(credential, order)):
        with pytest.raises(PaymentSpentElsewhere) as refusal:
            await sale
        assert refusal.value.charged
    assert second.works == 1
    assert buyer.received() == before + UNITS


@own_keys
async def test_of_two_settlements_at_once_one_delivers(
    services: tuple[Service, Service], buyer: X402Buyer, order: Order
) -> None:
    """Both send a transaction, one of them moves the money: the outbox knows whose it was, by its call."""
    credential = await bought(services[0].rail, buyer, order)
    before = buyer.received()
    sales = await asyncio.gather(*(service.sell(credential, order) for service in services), return_exceptions=True)
    delivered = [sale for sale in sales if isinstance(sale, SaleResult)]
    refused = [sale for sale in sales if isinstance(sale, ServiceError)]
    assert len(delivered) == 1, sales
    assert refused[0].charged, refused[0]
    assert buyer.received() == before + UNITS


@pytest.mark.parametrize("services", ["facilitator"], indirect=True)
@pytest.mark.parametrize("mode", ["html_400", "denies"])
async def test_a_payment_that_a_service_did_not_settle_is_settled_when_it_is_sent_again(
    services: tuple[Service, Service], facilitator: Facilitator, buyer: X402Buyer, order: Order, mode: Mode
) -> None:
    """The first answer is a doubt and not a quote; the second one is the picture, for one charge."""
    seller, _ = services
    credential = await bought(seller.rail, buyer, order)
    before = buyer.received()
    facilitator.mode, facilitator.only = mode, "settle"
    with pytest.raises(PaymentOutcomeUnknown) as doubt:
        await seller.sell(credential, order)
    assert doubt.value.charged
    facilitator.mode = "well"
    assert (await seller.sell(credential, order)).replayed
    assert buyer.received() == before + UNITS
