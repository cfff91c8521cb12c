"""Ledger and Tempo-mode chain agree after sales, and every planted difference is said."""

import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from errors import RailUnavailable
from payments.mpp.rail import MppRail
from payments.order import Order
from payments.rail import Payment
from payments.reconciliation import Kind
from sandbox.accounts import SELLER, STRANGER, TREASURY
from sandbox.calls import call_data
from sandbox.chains import TempoChain
from tests.contracts.rail_contract import NOBODY
from tests.payments.books import END, Planted, planted
from tests.payments.mpp.buyer import MppBuyer, challenge_of, sign

UNITS = 50_000


@pytest.fixture
async def books(tmp_path: Path, tempo_chain: TempoChain) -> AsyncIterator[Planted]:
    async with planted(tmp_path, tempo_chain) as books:
        yield books


def pay(chain: TempoChain, units: int = UNITS) -> str:
    """A plain transfer to the seller, from an account that is no buyer; its transaction's hash."""
    data = call_data("transfer(address,uint256)", SELLER.address, units)
    sent: str = chain.rpc.call("eth_sendTransaction", {"from": TREASURY.address, "to": chain.token, "data": data})
    chain.rpc.call("evm_mine")
    assert int(chain.rpc.call("eth_getTransactionReceipt", sent)["status"], 16) == 1
    return sent


def row(transaction: str, *, payer: str = TREASURY.address, valid_before: int | None = None) -> Payment:
    """The payment as the ledger should have it."""
    return Payment(
        id=f"challenge of {transaction}",
        rail="mpp",
        payer=payer.lower(),
        amount=UNITS,
        valid_before=int(time.time()) + 3600 if valid_before is None else valid_before,
        evidence={
            "network": "eip155:42431",
            "memo": "0x" + "00" * 32,
            "recipient": SELLER.address.lower(),
            "currency": TempoChain.token,
        },
        transaction=transaction,
    )


async def test_after_a_sale_they_agree(rail: MppRail, buyer: MppBuyer, order: Order, books: Planted) -> None:
    attempt = rail.read(await buyer.pay(await rail.challenge(order)))
    assert attempt
    payment = await attempt.verify(order)
    receipt = await attempt.settle(payment)
    await books.settled(payment, receipt.transaction)
    [transfer] = await rail.transfers(books.since, END)
    assert (transfer.reference, transfer.transaction) == (payment.transaction, receipt.transaction)
    assert (transfer.payer, transfer.amount) == (payment.payer.lower(), payment.amount)
    assert await books.differences(rail) == []


@pytest.mark.parametrize("valid_before", [1, None])
async def test_says_a_row_that_nothing_moved_for(rail: MppRail, books: Planted, valid_before: int | None) -> None:
    """Whether the transaction can still be mined or not."""
    never = row("0x" + "ab" * 32, valid_before=valid_before)
    await books.settled(never, "0xinvented")
    assert await books.found(rail) == [(Kind.NO_TRANSFER, never.id, "0xinvented")]


async def test_says_a_transfer_that_the_ledger_does_not_know(
    rail: MppRail, tempo_chain: TempoChain, books: Planted
) -> None:
    sent = pay(tempo_chain)
    assert await books.found(rail) == [(Kind.NO_ROW, None, sent)]


async def test_says_a_transfer_that_the_ledger_does_not_call_settled(
    rail: MppRail, tempo_chain: TempoChain, books: Planted
) -> None:
    sent = pay(tempo_chain)
    await books.settling(row(sent))
    assert await books.found(rail) == [(Kind.NOT_SETTLED, row(sent).id, sent)]


async def test_says_what_a_row_has_wrong(rail: MppRail, tempo_chain: TempoChain, books: Planted) -> None:
    """Here amount and payer at once: both are said."""
    sent = pay(tempo_chain, UNITS - 1)
    await books.settled(row(sent, payer=STRANGER.address), sent)
    assert await books.found(rail) == [(Kind.AMOUNT, row(sent).id, sent), (Kind.PAYER, row(sent).id, sent)]


async def test_says_two_transfers_of_one_payment(
    rail: MppRail, tempo_chain: TempoChain, order: Order, books: Planted
) -> None:
    twice = sign(challenge_of(await rail.challenge(order)), calls=2)
    sent: str = tempo_chain.rpc.call("eth_sendRawTransaction", twice.payload["signature"])
    tempo_chain.rpc.call("evm_mine")
    payer = "0x" + tempo_chain.rpc.call("eth_getTransactionReceipt", sent)["from"][2:]
    await books.settled(row(sent, payer=payer), sent)
    assert await books.found(rail) == [(Kind.TWO_TRANSFERS, row(sent).id, sent)]


async def test_says_two_rows_of_one_transfer(rail: MppRail, tempo_chain: TempoChain, books: Planted) -> None:
    sent = pay(tempo_chain)
    second = replace(row("0x" + "cd" * 32), payer=STRANGER.address.lower())
    for each in (row(sent), second):
        await books.settled(each, sent)
    assert await books.found(rail) == [(Kind.TWO_ROWS, second.id, sent)]


async def test_says_when_the_chain_does_not_answer(build: Callable[..., MppRail], books: Planted) -> None:
    with pytest.raises(RailUnavailable):
        await books.differences(build(NOBODY))
