"""Funds, novelty and a simulation, asked from the local chain before the work."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from secrets import token_hex

import mpp
import pytest
from eth_account import Account

from errors import PaymentRejected, PaymentSpentElsewhere, RailUnavailable
from payments.chain_clock import ChainClock
from payments.mpp.chain import Chain
from payments.mpp.preflight import check_on_chain
from payments.mpp.transaction import SignedTransaction, read_transaction
from sandbox.accounts import BUYER
from sandbox.chains import TempoChain
from sandbox.rpc_proxy import Control
from tests.fakes.node import Node, node
from tests.payments.conftest import Connect
from tests.payments.mpp.buyer import sign

ASKED = mpp.Challenge(id="A" * 43, method="tempo", intent="charge", request={}, realm="cut.example")
PRICE, GAS, FEE = 50_000, 1_000_000, 21_000
PATH, ALPHA_USD, BETA_USD = TempoChain.token, TempoChain.second_token, "0x20c0" + "0" * 35 + "2"


@pytest.fixture
def chain(rpc_url: str, connect: Connect) -> Chain:
    return Chain(connect(rpc_url, chain_id=TempoChain.chain_id), TempoChain.chain_id, ChainClock())


@pytest.fixture
def transaction() -> SignedTransaction:
    return read_transaction(sign(ASKED, memo=f"0x{token_hex(32)}").payload["signature"])


@pytest.fixture
def scripted_node(rpc_url: str) -> Iterator[tuple[Node, str]]:
    with node(rpc_url) as running:
        yield running


@pytest.fixture
def scripted(scripted_node: tuple[Node, str]) -> Node:
    return scripted_node[0]


@pytest.fixture
def scripted_chain(scripted_node: tuple[Node, str], connect: Connect) -> Chain:
    """The chain as the scripted node alone shows it."""
    return Chain(connect(scripted_node[1], chain_id=TempoChain.chain_id), TempoChain.chain_id, ChainClock())


async def check(
    chain: Chain, transaction: SignedTransaction, payer: str, *, currencies: tuple[str, ...] = (PATH,)
) -> int:
    return await check_on_chain(chain, transaction, payer, currencies=currencies)


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
    await check(chain, transaction, payer_with(PRICE + FEE))


async def test_says_what_the_payer_can_spend_on_prices(
    chain: Chain, transaction: SignedTransaction, payer_with: Callable[[int], str]
) -> None:
    payer = payer_with(10 * PRICE)
    assert await check(chain, transaction, payer) == 10 * PRICE - FEE


@pytest.mark.parametrize("fee_token", [PATH, None])
async def test_one_unit_less_is_not(
    chain: Chain, transaction: SignedTransaction, payer_with: Callable[[int], str], fee_token: str | None
) -> None:
    with pytest.raises(PaymentRejected) as refused:
        await check(chain, replace(transaction, fee_token=fee_token), payer_with(PRICE + FEE - 1))
    assert refused.value.reason == "payment-insufficient"


async def test_a_fee_in_another_token_is_asked_of_that_token(
    chain: Chain, transaction: SignedTransaction, payer_with: Callable[[int], str]
) -> None:
    """A development account holds it from the start, a new one does not."""
    other = replace(transaction, fee_token=ALPHA_USD)
    assert await check(chain, other, BUYER.address)
    with pytest.raises(PaymentRejected) as refused:
        await check(chain, other, payer_with(10 * PRICE))
    assert refused.value.reason == "payment-insufficient"


async def test_a_fee_in_another_token_takes_nothing_from_this_one(
    chain: Chain, transaction: SignedTransaction, payer_with: Callable[[int], str], tempo_chain: TempoChain
) -> None:
    other, payer = replace(transaction, fee_token=ALPHA_USD), payer_with(PRICE)
    tempo_chain.fund(payer, FEE, ALPHA_USD)
    assert await check(chain, other, payer) == PRICE


async def test_a_payer_who_names_no_fee_token_pays_in_the_one_that_was_chosen_before(
    chain: Chain, transaction: SignedTransaction
) -> None:
    """The development accounts have chosen AlphaUSD: nothing of the fee comes out of pathUSD."""
    named, unnamed = [
        await check(chain, replace(transaction, fee_token=token), BUYER.address) for token in (ALPHA_USD, None)
    ]
    assert unnamed == named == await check(chain, transaction, BUYER.address) + FEE


async def test_a_fee_in_no_token_is_refused(chain: Chain, transaction: SignedTransaction, faults: Control) -> None:
    before = faults.calls()
    with pytest.raises(PaymentRejected):
        await check(chain, replace(transaction, fee_token=BUYER.address.lower()), BUYER.address)
    assert faults.calls() == before


async def test_a_fee_that_the_chain_cannot_exchange_is_refused(
    chain: Chain, transaction: SignedTransaction, tempo_chain: TempoChain
) -> None:
    """The pool between BetaUSD and pathUSD holds 10,000 dollars. A token that is accepted needs no pool."""
    dear = replace(transaction, fee_token=BETA_USD, gas_price=transaction.gas_price * 500_000)
    assert dear.max_fee > 10_000_000_000
    await check(chain, replace(transaction, fee_token=BETA_USD), BUYER.address)
    await check(chain, dear, BUYER.address, currencies=(PATH, BETA_USD))
    with pytest.raises(PaymentRejected, match="exchange"):
        await check(chain, dear, BUYER.address)


async def test_gas_for_less_than_any_block_asks_is_refused(
    chain: Chain, transaction: SignedTransaction, tempo_chain: TempoChain
) -> None:
    """The work would be for nothing; but the fee of the local chain falls with every empty block."""
    base_fee = int(tempo_chain.rpc.call("eth_getBlockByNumber", "latest", False)["baseFeePerGas"], 16)
    await check(chain, replace(transaction, gas_price=base_fee), BUYER.address)
    with pytest.raises(PaymentRejected, match="gas price") as refused:
        await check(chain, replace(transaction, gas_price=base_fee // 4), BUYER.address)
    assert refused.value.reason == "verification-failed"


async def test_more_gas_than_a_block_has_is_refused(chain: Chain, transaction: SignedTransaction) -> None:
    await check(chain, replace(transaction, gas=30_000_000), BUYER.address)
    with pytest.raises(PaymentRejected, match="gas limit"):
        await check(chain, replace(transaction, gas=30_000_001), BUYER.address)


@pytest.mark.parametrize(
    "change",
    [{"gas": 34_000}, {"gas": 50_000}, {"valid_before": 1}, {"valid_before": 2**40}],
    ids=["intrinsic gas", "gas of the transfer", "expired", "valid for too long"],
)
async def test_what_the_chain_would_not_carry_out_is_refused(
    chain: Chain, transaction: SignedTransaction, change: dict[str, int]
) -> None:
    """Only the simulation sees these here."""
    with pytest.raises(PaymentRejected, match="simulated") as refused:
        await check(chain, replace(transaction, **change), BUYER.address)  # type: ignore[arg-type] # all are numbers
    assert refused.value.reason == "verification-failed"


async def test_a_token_that_refuses_the_transfer_is_seen_by_the_simulation(
    chain: Chain, transaction: SignedTransaction, payer_with: Callable[[int], str]
) -> None:
    """As a recipient that a token's policy bars would be: here a call that the token reverts."""
    barred = replace(transaction, call_data=transaction.call_data.replace(transaction.transfer.recipient[2:], "0" * 40))
    with pytest.raises(PaymentRejected, match="simulated"):
        await check(chain, barred, BUYER.address)


async def test_a_block_of_some_seconds_ago_does_not_speak_for_the_next_one(
    scripted: Node, scripted_chain: Chain, transaction: SignedTransaction
) -> None:
    """On this chain a transaction may end 30 seconds after its block: 29 seconds from now may be too late for it."""
    too_far = (-32603, "tempo transaction error: expiring nonce valid_before (1) too far in the future")
    scripted.errors["simulation"] = too_far
    assert await check(scripted_chain, transaction, BUYER.address)
    scripted.errors["simulation at a time"] = too_far
    with pytest.raises(PaymentRejected, match="simulated"):
        await check(scripted_chain, transaction, BUYER.address)


@pytest.mark.parametrize(("code", "message"), [(-32601, "Method not found"), (-32602, "unknown field `nonceKey`")])
async def test_a_node_that_cannot_simulate_is_done_without(
    scripted: Node, scripted_chain: Chain, transaction: SignedTransaction, code: int, message: str
) -> None:
    scripted.errors["simulation"] = (code, message)
    assert await check(scripted_chain, transaction, BUYER.address)


@pytest.mark.parametrize(
    ("code", "message"), [(-32005, "rate limit exceeded"), (-32603, "internal error"), (-32000, "header not found")]
)
async def test_a_nodes_own_trouble_in_the_simulation_is_no_verdict(
    scripted: Node, scripted_chain: Chain, transaction: SignedTransaction, code: int, message: str
) -> None:
    scripted.errors["simulation"] = (code, message)
    with pytest.raises(RailUnavailable):
        await check(scripted_chain, transaction, BUYER.address)


async def test_a_late_node_is_not_believed(
    scripted: Node, scripted_chain: Chain, transaction: SignedTransaction, faults: Control
) -> None:
    """It would not know that the funds are spent. The next one is asked; without one nobody is."""
    scripted.late_s = 50
    with pytest.raises(RailUnavailable):
        await check(scripted_chain, transaction, BUYER.address)


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


async def test_a_transaction_that_has_paid_already_is_spent_elsewhere(chain: Chain, tempo_chain: TempoChain) -> None:
    raw = sign(ASKED).payload["signature"]
    tempo_chain.rpc.call("eth_sendRawTransactionSync", raw)
    with pytest.raises(PaymentSpentElsewhere) as refused:
        await check(chain, read_transaction(raw), BUYER.address)
    assert refused.value.charged is True


async def test_a_transaction_that_was_reverted_is_refused(chain: Chain, tempo_chain: TempoChain) -> None:
    raw = sign(ASKED, gas=40_000).payload["signature"]
    assert tempo_chain.rpc.call("eth_sendRawTransactionSync", raw)["status"] == "0x0"
    with pytest.raises(PaymentRejected) as refused:
        await check(chain, read_transaction(raw), BUYER.address)
    assert refused.value.charged is False


@pytest.mark.parametrize("method", ["eth_call", "eth_getTransactionReceipt", "eth_getBlockByNumber"])
async def test_an_outage_is_no_verdict(
    chain: Chain, transaction: SignedTransaction, faults: Control, method: str
) -> None:
    faults.inject("rpcerror", methods=[method])
    with pytest.raises(RailUnavailable):
        await check(chain, transaction, BUYER.address)
