"""The chain as witness."""

import asyncio
import dataclasses
import time

import pytest

from errors import PaymentOutcomeUnknown
from payments.chain_clock import ChainClock
from payments.monitor import HEALTH_LIMIT_S
from payments.mpp.chain import Chain
from payments.mpp.node_answers import NODE_LAG_S, NoNodeAnswers
from payments.mpp.rail import MppRail
from payments.order import Order
from payments.rail import Payment, Receipt
from sandbox.chains import BaseChain, TempoChain
from sandbox.rpc_proxy import Control
from tests.contracts.rail_contract import NOBODY
from tests.fakes.node import node
from tests.payments.conftest import Connect
from tests.payments.mpp.buyer import MppBuyer


def chain_at(connect: Connect, urls: tuple[str, ...], *, chain_id: int = TempoChain.chain_id) -> Chain:
    return Chain(connect(*urls, chain_id=chain_id), chain_id, ChainClock(), tokens=[TempoChain.token])


@pytest.fixture
def chain(connect: Connect, rpc_url: str) -> Chain:
    return chain_at(connect, (rpc_url,))


@pytest.fixture
async def payment(rail: MppRail, buyer: MppBuyer, order: Order) -> Payment:
    """A verified payment whose transaction has not been sent."""
    attempt = rail.read(await buyer.pay(await rail.challenge(order)))
    assert attempt is not None
    return await attempt.verify(order)


@pytest.fixture
async def sold(rail: MppRail, buyer: MppBuyer, order: Order) -> tuple[Payment, Receipt]:
    """A payment that settled."""
    attempt = rail.read(await buyer.pay(await rail.challenge(order)))
    assert attempt is not None
    payment = await attempt.verify(order)
    return payment, await attempt.settle(payment)


async def test_finds_the_receipt_of_what_was_paid(
    chain: Chain, sold: tuple[Payment, Receipt], tempo_chain: TempoChain
) -> None:
    payment, receipt = sold
    found = await chain.find_receipt(payment)
    assert found == receipt
    block = tempo_chain.rpc.call("eth_getTransactionReceipt", payment.transaction)["blockNumber"]
    assert receipt.at == int(tempo_chain.rpc.call("eth_getBlockByNumber", block, False)["timestamp"], 16)
    assert receipt.network == "eip155:42431"


async def test_a_transaction_that_may_still_be_mined_is_in_doubt(chain: Chain, payment: Payment) -> None:
    with pytest.raises(PaymentOutcomeUnknown):
        await chain.find_receipt(payment)


async def test_a_transaction_that_has_just_expired_is_in_doubt(
    chain: Chain, payment: Payment, tempo_chain: TempoChain
) -> None:
    """Another node may have mined it, and this one may not know yet."""
    tempo_chain.rpc.call("evm_mine")
    with pytest.raises(PaymentOutcomeUnknown):
        await chain.find_receipt(dataclasses.replace(payment, valid_before=int(time.time()) - 1))


async def test_a_transaction_in_no_block_long_after_its_end_never_moved(
    chain: Chain, payment: Payment, tempo_chain: TempoChain
) -> None:
    tempo_chain.rpc.call("evm_mine")
    over = dataclasses.replace(payment, valid_before=int(time.time()) - NODE_LAG_S - 5)
    assert await chain.find_receipt(over) is None


@pytest.mark.parametrize("field", ["memo", "recipient", "currency"])
async def test_a_receipt_that_does_not_pay_us_is_no_proof(
    chain: Chain, sold: tuple[Payment, Receipt], field: str
) -> None:
    payment, _ = sold
    evidence = {**payment.evidence, field: "0x" + "0" * 64 if field == "memo" else "0x" + "1" * 40}
    with pytest.raises(PaymentOutcomeUnknown):
        await chain.find_receipt(dataclasses.replace(payment, evidence=evidence))


@pytest.mark.parametrize("change", [{"amount": 49_999}, {"payer": "0x" + "1" * 40}], ids=["amount", "payer"])
async def test_a_receipt_of_another_transfer_is_no_proof(
    chain: Chain, sold: tuple[Payment, Receipt], change: dict[str, object]
) -> None:
    with pytest.raises(PaymentOutcomeUnknown):
        await chain.find_receipt(dataclasses.replace(sold[0], **change))  # type: ignore[arg-type] # Payment's names


async def test_a_silent_chain_leaves_the_doubt(
    chain: Chain, sold: tuple[Payment, Receipt], payment: Payment, faults: Control
) -> None:
    faults.inject("error5xx", methods=["eth_getTransactionReceipt"])
    with pytest.raises(NoNodeAnswers):
        await chain.find_receipt(sold[0])
    faults.inject("error5xx", methods=["eth_getBlockByNumber"])
    with pytest.raises(NoNodeAnswers):
        await chain.find_receipt(dataclasses.replace(payment, valid_before=1))


async def test_another_chain_is_not_asked(connect: Connect, rpc_url: str, payment: Payment) -> None:
    """It would swear that it has never seen the transaction."""
    other = chain_at(connect, (rpc_url,), chain_id=4217)
    with pytest.raises(PaymentOutcomeUnknown):
        await other.find_receipt(dataclasses.replace(payment, valid_before=1))


async def test_a_node_of_another_chain_proves_nothing(connect: Connect, rpc_url: str, payment: Payment) -> None:
    """As a fallback URL that was set up for the test network would be."""
    evidence = {**payment.evidence, "network": "eip155:4217"}
    misled = chain_at(connect, (rpc_url,), chain_id=4217)
    with pytest.raises(PaymentOutcomeUnknown):
        await misled.find_receipt(dataclasses.replace(payment, valid_before=1, evidence=evidence))


async def test_a_second_url_tells_in_time_that_all_is_well(connect: Connect, rpc_url: str, second_url: str) -> None:
    """Before the monitor gives the rail up."""
    Control(second_url).inject("hang", seconds=5.0)
    chain = chain_at(connect, (second_url, rpc_url))
    async with asyncio.timeout(HEALTH_LIMIT_S):
        assert await chain.health() is None


@pytest.mark.parametrize("first", [True, False])
async def test_a_url_of_another_chain_is_told(
    connect: Connect, rpc_url: str, base_chain: BaseChain, *, first: bool
) -> None:
    """The other URL answers well, but nobody would notice before it fails."""
    urls = (base_chain.rpc_url, rpc_url) if first else (rpc_url, base_chain.rpc_url)
    assert await chain_at(connect, urls).health()


async def test_a_chain_that_stands_still_is_unwell(connect: Connect, rpc_url: str) -> None:
    with node(rpc_url) as (late, url):
        assert await chain_at(connect, (url,)).health() is None
        late.late_s = 60
        assert await chain_at(connect, (url,)).health()
        assert await chain_at(connect, (url, rpc_url)).health() is None


async def test_is_healthy_on_the_right_chain_only(connect: Connect, rpc_url: str, chain: Chain) -> None:
    assert await chain.health() is None
    assert await chain_at(connect, (rpc_url,), chain_id=4217).health()
    assert await chain_at(connect, (NOBODY,), chain_id=TempoChain.chain_id).health()
