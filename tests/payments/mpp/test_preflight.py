"""Funds and novelty, asked from the local chain before the work."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import httpx
import mpp
import pytest
from eth_account import Account

from errors import PaymentRejected, RailUnavailable
from payments.mpp.chain import Chain
from payments.mpp.preflight import check_on_chain
from payments.mpp.rpc import Rpc
from payments.mpp.transaction import SignedTransaction, read_transaction
from sandbox.accounts import BUYER
from sandbox.chains import TempoChain
from sandbox.shim import Control
from tests.payments.mpp.buyer import sign

ASKED = mpp.Challenge(id="A" * 43, method="tempo", intent="charge", request={}, realm="cut.example")
PRICE, FEE = 50_000, 21_000
PATH = TempoChain.token
ALPHA_USD = "0x20c0" + "0" * 35 + "1"


@pytest.fixture
async def chain(rpc_url: str) -> AsyncIterator[Chain]:
    async with httpx.AsyncClient() as client:
        yield Chain(Rpc((rpc_url,), client, timeout_s=2.0), TempoChain.chain_id)


@pytest.fixture
def transaction() -> SignedTransaction:
    return read_transaction(sign(ASKED).payload["signature"])


@pytest.fixture
def payer_with(tempo_chain: TempoChain) -> Callable[[int], str]:
    def payer_with(units: int) -> str:
        address: str = Account.create().address
        tempo_chain.fund(address, units)
        return address

    return payer_with


async def test_price_and_highest_fee_are_enough(
    chain: Chain, transaction: SignedTransaction, payer_with: Callable[[int], str]
) -> None:
    await check_on_chain(chain, transaction, payer_with(PRICE + FEE), PRICE, TempoChain.token)


async def test_says_what_the_payer_can_spend_on_prices(
    chain: Chain, transaction: SignedTransaction, payer_with: Callable[[int], str]
) -> None:
    payer = payer_with(10 * PRICE)
    assert await check_on_chain(chain, transaction, payer, PRICE, TempoChain.token) == 10 * PRICE - FEE
    free = replace(transaction, max_fee=0)
    assert await check_on_chain(chain, free, payer, PRICE, TempoChain.token) == 10 * PRICE


@pytest.mark.parametrize("fee_token", [TempoChain.token, TempoChain.token.upper().replace("X", "x"), None])
async def test_one_unit_less_is_not(
    chain: Chain, transaction: SignedTransaction, payer_with: Callable[[int], str], fee_token: str | None
) -> None:
    with pytest.raises(PaymentRejected) as refused:
        await check_on_chain(
            chain, replace(transaction, fee_token=fee_token), payer_with(PRICE + FEE - 1), PRICE, TempoChain.token
        )
    assert refused.value.reason == "payment-insufficient"


async def test_a_fee_in_another_token_is_asked_of_that_token(
    chain: Chain, transaction: SignedTransaction, payer_with: Callable[[int], str]
) -> None:
    """A development account holds it from the start, a new one does not."""
    other = replace(transaction, fee_token=ALPHA_USD)
    assert await check_on_chain(chain, other, BUYER.address, PRICE, TempoChain.token)
    with pytest.raises(PaymentRejected) as refused:
        await check_on_chain(chain, other, payer_with(10 * PRICE), PRICE, TempoChain.token)
    assert refused.value.reason == "payment-insufficient"


async def test_a_fee_in_another_token_takes_nothing_from_this_one(
    chain: Chain, transaction: SignedTransaction, payer_with: Callable[[int], str]
) -> None:
    other = replace(transaction, fee_token=ALPHA_USD, max_fee=0)
    assert await check_on_chain(chain, other, payer_with(PRICE), PRICE, TempoChain.token) == PRICE


async def test_a_fee_in_no_token_is_refused(chain: Chain, transaction: SignedTransaction, faults: Control) -> None:
    before = faults.calls()
    with pytest.raises(PaymentRejected):
        await check_on_chain(chain, replace(transaction, fee_token=BUYER.address.lower()), BUYER.address, PRICE, PATH)
    assert faults.calls() == before


async def test_gas_for_less_than_any_block_asks_is_refused(chain: Chain, transaction: SignedTransaction) -> None:
    """The work would be for nothing; but the fee of the local chain falls with every empty block."""
    base_fee = await chain.base_fee()
    await check_on_chain(chain, replace(transaction, gas_price=base_fee), BUYER.address, PRICE, PATH)
    with pytest.raises(PaymentRejected) as refused:
        await check_on_chain(chain, replace(transaction, gas_price=base_fee // 4), BUYER.address, PRICE, PATH)
    assert refused.value.reason == "verification-failed"


async def test_the_chain_agrees_about_the_funds(
    chain: Chain, tempo_chain: TempoChain, payer_with: Callable[[int], str]
) -> None:
    """What is refused here would be reverted there, and what is taken here goes through."""
    outcomes = []
    for units in (PRICE + FEE - 1, PRICE + FEE):
        payer = Account.create()
        tempo_chain.fund(payer.address, units)
        raw = sign(ASKED, key=payer.key.hex()).payload["signature"]
        outcomes.append(tempo_chain.rpc.call("eth_sendRawTransactionSync", raw)["status"])
    assert outcomes == ["0x0", "0x1"]


async def test_a_transaction_that_was_sent_already_is_refused(chain: Chain, tempo_chain: TempoChain) -> None:
    raw = sign(ASKED).payload["signature"]
    tempo_chain.rpc.call("eth_sendRawTransactionSync", raw)
    with pytest.raises(PaymentRejected) as refused:
        await check_on_chain(chain, read_transaction(raw), BUYER.address, PRICE, TempoChain.token)
    assert refused.value.reason == "verification-failed"


@pytest.mark.parametrize("method", ["eth_call", "eth_getTransactionReceipt", "eth_getBlockByNumber"])
async def test_an_outage_is_no_verdict(
    chain: Chain, transaction: SignedTransaction, faults: Control, method: str
) -> None:
    faults.inject("rpcerror", methods=[method])
    with pytest.raises(RailUnavailable):
        await check_on_chain(chain, transaction, BUYER.address, PRICE, TempoChain.token)
