"""A payer who holds too little is refused before the chain simulates the payment."""

import secrets

import pytest
from eth_account import Account

from errors import PaymentRejected
from payments.evm.rpc import RpcClient
from payments.order import Order
from payments.x402.funds import Funds
from payments.x402.requirements import QuoteTerms
from sandbox.chains import BaseChain
from tests.fakes.node import node
from tests.payments.x402.buyer import X402Buyer, bought
from tests.payments.x402.conftest import RailBuilder


async def test_an_unfunded_payment_costs_the_chain_little(
    base_chain: BaseChain, new_rail: RailBuilder, order: Order
) -> None:
    """One look at the balance, none for the payer's next payment; and each time whether it was used already."""
    payer = X402Buyer(base_chain, version=2, key="0x" + secrets.token_hex(32))
    with node(base_chain.rpc_url) as (scripted, url):
        rail = new_rail(url)
        calls = []
        for _ in range(2):
            payment = await bought(rail, payer, order)
            before = scripted.asked["eth_call"]
            with pytest.raises(PaymentRejected) as refusal:
                await rail.bind(payment).verify(order)
            assert refusal.value.reason == "insufficient_funds"
            calls.append(scripted.asked["eth_call"] - before)
        before = scripted.asked["eth_call"]
        await rail.bind(await bought(rail, X402Buyer(base_chain, version=2), order)).verify(order)
        judged = scripted.asked["eth_call"] - before
    assert calls == [2, 1]
    assert judged > 2


async def test_what_covers_a_payment_is_asked_each_time(base_chain: BaseChain, terms: QuoteTerms) -> None:
    rpc, payer = RpcClient((base_chain.rpc_url,), timeout_s=3, chain_id=BaseChain.chain_id), Account.create().address
    funds = Funds(rpc, terms)
    assert await funds.of(payer, needed=50) == 0
    base_chain.fund(payer, 60)
    assert await funds.of(payer, needed=50) == 0, "it was too little a moment ago"
    assert await funds.of(payer, needed=0) == 60
    base_chain.fund(payer, 60)
    assert await Funds(rpc, terms).of(payer, needed=50) == 120
    await rpc.aclose()
