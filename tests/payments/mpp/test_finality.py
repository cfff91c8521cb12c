"""A chain that drops its latest blocks, and what becomes of a payment that had settled in them."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from payments.mpp.node_answers import NODE_LAG_S
from payments.mpp.rail import MppRail
from payments.order import Order
from payments.rail import Finality, Payment, Receipt
from sandbox.chains import TempoChain, tempo_chain
from tests.contracts.rail_contract import UNITS
from tests.fakes.node import node
from tests.payments.mpp.buyer import MppBuyer
from tests.payments.mpp.verifying import read

Build = Callable[..., MppRail]


@pytest.fixture(scope="module")
def chain() -> Iterator[TempoChain]:
    """A chain of its own: the tests that share the other one would lose their blocks."""
    with tempo_chain() as chain:
        yield chain


@pytest.fixture
def rpc_url(chain: TempoChain) -> str:
    return chain.rpc_url


@pytest.fixture
def buyer(chain: TempoChain) -> MppBuyer:
    return MppBuyer(chain)


@pytest.fixture
async def sold(rail: MppRail, buyer: MppBuyer, order: Order, chain: TempoChain) -> tuple[Payment, Receipt]:
    """A payment that has settled in the latest block, as the ledger keeps it, with others below."""
    for _ in range(4):
        chain.rpc.call("evm_mine")
    credential = read(rail, await buyer.pay(await rail.challenge(order)))
    payment = await rail.bind(credential).verify(order)
    receipt = await rail.bind(credential).settle(payment)
    return replace(payment, evidence=json.loads(json.dumps(dict(payment.evidence)))), receipt


async def finality(rail: MppRail, sold: tuple[Payment, Receipt]) -> Finality:
    return await rail.recheck(*sold)


async def test_a_settlement_is_final_under_as_many_blocks_as_asked_for(
    build: Build, sold: tuple[Payment, Receipt], chain: TempoChain
) -> None:
    chain.rpc.call("evm_mine")
    assert await finality(build(finality_blocks=1), sold) is Finality.FINAL
    deep = build(finality_blocks=30)
    assert await finality(deep, sold) is Finality.PENDING
    for _ in range(30):
        chain.rpc.call("evm_mine")
    assert await finality(deep, sold) is Finality.FINAL


async def test_a_payment_that_the_chain_has_dropped_is_sent_again(
    build: Build, sold: tuple[Payment, Receipt], buyer: MppBuyer, chain: TempoChain
) -> None:
    """By a process that knows nothing but the ledger's row."""
    restarted, paid = build(finality_blocks=1), buyer.received()
    chain.rpc.call("anvil_rollback", 3)
    assert buyer.received() == paid - UNITS
    assert await finality(restarted, sold) is Finality.PENDING
    for _ in range(2):
        chain.rpc.call("evm_mine")
    assert await finality(restarted, sold) is Finality.FINAL
    assert buyer.received() == paid


async def test_without_its_transaction_it_stays_in_the_air(
    build: Build, sold: tuple[Payment, Receipt], buyer: MppBuyer, chain: TempoChain
) -> None:
    """The negative control, and a row of an earlier version."""
    payment, receipt = sold
    bare = {name: value for name, value in payment.evidence.items() if name != "raw"}
    paid, restarted = buyer.received(), build(finality_blocks=1)
    chain.rpc.call("anvil_rollback", 3)
    for _ in range(2):
        assert await restarted.recheck(replace(payment, evidence=bare), receipt) is Finality.PENDING
        chain.rpc.call("evm_mine")
    assert buyer.received() == paid - UNITS


async def test_a_payment_that_cannot_come_back_is_lost(
    build: Build, sold: tuple[Payment, Receipt], buyer: MppBuyer, chain: TempoChain
) -> None:
    payment, receipt = sold
    chain.rpc.call("anvil_rollback", 3)
    with node(chain.rpc_url) as (ahead, url):
        ahead.late_s = -(payment.valid_before - int(time.time()) + NODE_LAG_S + 5)
        assert await build(url).recheck(payment, receipt) is Finality.LOST


async def test_the_transaction_is_kept_and_shown_nowhere(sold: tuple[Payment, Receipt]) -> None:
    payment, _ = sold
    assert payment.evidence["raw"].startswith("0x76")
    assert payment.evidence["raw"] not in repr(payment)
