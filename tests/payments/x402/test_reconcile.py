"""Ledger and Base-like chain agree after sales, and every planted difference is said."""

import secrets
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from eth_account import Account
from eth_account.signers.local import LocalAccount
from x402.mechanisms.evm.constants import MULTICALL3_TRY_AGGREGATE_ABI
from x402.mechanisms.evm.multicall import encode_contract_call

from errors import RailUnavailable
from payments.order import Order
from payments.rail import Payment
from payments.reconciliation import Kind
from payments.x402.chain import evidence
from payments.x402.eip3009 import SignedAuthorization
from payments.x402.rail import X402Rail
from payments.x402.requirements import QuoteTerms
from payments.x402.transfers import transfers_between
from payments.x402.wire import payment_id
from sandbox.accounts import BUYER, SELLER, STRANGER
from sandbox.calls import call_data
from sandbox.chains import MULTICALL, BaseChain
from tests.contracts.rail_contract import NOBODY, UNITS
from tests.payments.books import END, Planted, head_time, planted
from tests.payments.conftest import Connect
from tests.payments.x402.buyer import X402Buyer, authorize, bought, submit, transfer_call
from tests.payments.x402.conftest import RailBuilder

PAYER: LocalAccount = Account.from_key(BUYER.key)


@pytest.fixture
async def books(tmp_path: Path, base_chain: BaseChain) -> AsyncIterator[Planted]:
    async with planted(tmp_path, base_chain) as books:
        yield books


@pytest.fixture
def rail(new_rail: RailBuilder) -> X402Rail:
    return new_rail()


def signed(
    terms: QuoteTerms, to: str = SELLER.address, units: int = UNITS, valid_before: int | None = None
) -> SignedAuthorization:
    return authorize(PAYER, to, "0x" + secrets.token_hex(32), terms, units=units, valid_before=valid_before)


def row(one: SignedAuthorization, terms: QuoteTerms, books: Planted) -> Payment:
    """The payment as the ledger should have it."""
    authorization = one.authorization
    return Payment(
        id=payment_id(terms, authorization.payer, authorization.nonce),
        rail="x402",
        payer=authorization.payer,
        amount=authorization.value,
        valid_before=authorization.valid_before,
        evidence=evidence(authorization, terms, now=books.since),
    )


async def test_after_a_sale_they_agree(rail: X402Rail, buyer: X402Buyer, order: Order, books: Planted) -> None:
    credential = await bought(rail, buyer, order)
    payment = await rail.bind(credential).verify(order)
    receipt = await rail.bind(credential).settle(payment)
    await books.settled(payment, receipt.transaction)
    [transfer] = await rail.transfers(books.since, END)
    assert (transfer.reference, transfer.transaction) == (payment.id, receipt.transaction)
    assert (transfer.payer, transfer.amount) == (payment.payer, payment.amount)
    assert await books.differences(rail) == []


async def test_says_a_row_that_nothing_moved_for(rail: X402Rail, terms: QuoteTerms, books: Planted) -> None:
    """Whether the authorization can still be used or not."""
    late, open_still = signed(terms, valid_before=int(books.since) - 1), signed(terms)
    for one in (late, open_still):
        await books.settled(row(one, terms, books), "0xinvented")
    assert await books.found(rail) == [
        (Kind.NO_TRANSFER, row(one, terms, books).id, "0xinvented") for one in (late, open_still)
    ]


async def test_says_a_row_whose_authorization_paid_somebody_else(
    rail: X402Rail, base_chain: BaseChain, terms: QuoteTerms, books: Planted
) -> None:
    ours = signed(terms)
    theirs = authorize(PAYER, STRANGER.address, ours.authorization.nonce, terms)
    sent = submit(base_chain, terms.asset, transfer_call(theirs))
    await books.settled(row(ours, terms, books), sent)
    assert await books.found(rail) == [(Kind.NO_TRANSFER, row(ours, terms, books).id, sent)]


async def test_says_transfers_that_the_ledger_does_not_know(
    rail: X402Rail, base_chain: BaseChain, terms: QuoteTerms, books: Planted
) -> None:
    """With an authorization and without one."""
    authorized = submit(base_chain, terms.asset, transfer_call(signed(terms)))
    minted = submit(base_chain, terms.asset, call_data("mint(address,uint256)", SELLER.address, 5))
    assert await books.found(rail) == [(Kind.NO_ROW, None, authorized), (Kind.NO_ROW, None, minted)]


async def test_says_a_transfer_that_the_ledger_does_not_call_settled(
    rail: X402Rail, base_chain: BaseChain, terms: QuoteTerms, books: Planted
) -> None:
    one = signed(terms)
    await books.settling(row(one, terms, books))
    sent = submit(base_chain, terms.asset, transfer_call(one))
    assert await books.found(rail) == [(Kind.NOT_SETTLED, row(one, terms, books).id, sent)]


@pytest.mark.parametrize(
    ("kind", "change"), [(Kind.AMOUNT, {"amount": UNITS + 1}), (Kind.PAYER, {"payer": STRANGER.address.lower()})]
)
async def test_says_what_a_row_has_wrong(
    rail: X402Rail, base_chain: BaseChain, terms: QuoteTerms, books: Planted, kind: Kind, change: dict[str, str | int]
) -> None:
    one = signed(terms)
    sent = submit(base_chain, terms.asset, transfer_call(one))
    await books.settled(replace(row(one, terms, books), **change), sent)  # type: ignore[arg-type] # fields of a payment
    assert await books.found(rail) == [(kind, row(one, terms, books).id, sent)]


async def test_says_two_rows_of_one_transfer(
    rail: X402Rail, base_chain: BaseChain, terms: QuoteTerms, books: Planted
) -> None:
    paid, second = signed(terms), signed(terms)
    sent = submit(base_chain, terms.asset, transfer_call(paid))
    for one in (paid, second):
        await books.settled(row(one, terms, books), sent)
    assert await books.found(rail) == [(Kind.TWO_ROWS, row(second, terms, books).id, sent)]


async def test_two_payments_in_one_transaction_are_two(
    rail: X402Rail, base_chain: BaseChain, terms: QuoteTerms, books: Planted
) -> None:
    both = (signed(terms), signed(terms))
    batch = [(terms.asset, bytes.fromhex(transfer_call(one)[2:])) for one in both]
    call = encode_contract_call(MULTICALL3_TRY_AGGREGATE_ABI, "tryAggregate", True, batch)
    sent = submit(base_chain, MULTICALL, "0x" + call.hex())
    for one in both:
        await books.settled(row(one, terms, books), sent)
    assert await books.differences(rail) == []


@pytest.mark.parametrize("apart", [-300.0, 86_400.0])
async def test_the_ends_of_a_period_make_no_differences(
    rail: X402Rail, base_chain: BaseChain, terms: QuoteTerms, books: Planted, apart: float
) -> None:
    """Five minutes, or a day, may lie between a block and the moment at which the ledger learnt of it."""
    one = signed(terms)
    sent = submit(base_chain, terms.asset, transfer_call(one))
    moved_at = head_time(base_chain)
    books.clock.now = moved_at + apart
    payment = row(one, terms, books)
    await books.settled(payment, sent)
    for since in (moved_at, moved_at + apart):
        # Five minutes ago other tests may have moved money on this chain.
        found = await books.differences(rail, since, since + 1)
        assert [each for each in found if each.transaction == sent or each.payment == payment.id] == []


@pytest.mark.parametrize("log_span", [1, 2])
async def test_reads_the_log_in_bounded_ranges(
    base_chain: BaseChain, rpc_url: str, terms: QuoteTerms, books: Planted, connect: Connect, log_span: int
) -> None:
    sent = []
    for _ in range(3):
        sent.append(submit(base_chain, terms.asset, transfer_call(signed(terms))))
        base_chain.rpc.call("evm_mine")
    found = await transfers_between(connect(rpc_url), terms, books.since, END, log_span=log_span)
    assert [each.transaction for each in found] == sent


async def test_says_when_the_chain_does_not_answer(new_rail: RailBuilder, books: Planted) -> None:
    with pytest.raises(RailUnavailable):
        await books.differences(new_rail(NOBODY))
