"""How long quotes hold: no longer than the chain mines what clients sign for them."""

import time
from collections.abc import Callable
from datetime import datetime

from payments.mpp.rail import MppRail
from payments.mpp.validity import CLIENTS_SIGN_FOR_S, SHORT_QUOTE_S
from payments.order import Order
from sandbox.accounts import SELLER
from sandbox.calls import call_data
from sandbox.chains import TempoChain
from tests.fakes.node import Node
from tests.fakes.serving import serving
from tests.payments.mpp.buyer import MppBuyer, challenge_of
from tests.payments.mpp.verifying import read

Build = Callable[..., MppRail]


async def holds_s(rail: MppRail, order: Order) -> float:
    """For how many seconds a quote of now can be paid."""
    expires = challenge_of(await rail.challenge(order)).expires
    assert expires is not None
    return datetime.fromisoformat(expires).timestamp() - time.time()


async def test_a_payment_is_mined_at_once_on_a_chain_with_a_short_window(
    build: Build, buyer: MppBuyer, order: Order
) -> None:
    """With a testnet's settings, and the official client, which signs for a minute where the quote lasts as long."""
    rail = build(challenge_seconds=300)
    assert await rail.health() is None
    assert SHORT_QUOTE_S - 2 < await holds_s(rail, order) <= SHORT_QUOTE_S
    attempt = rail.bind(read(rail, await buyer.pay(await rail.challenge(order))))
    receipt = await attempt.settle(await attempt.verify(order))
    assert receipt.transaction


async def test_quotes_hold_as_long_as_set_where_the_chain_mines_them(
    build: Build, tempo_chain: TempoChain, order: Order
) -> None:
    node = Node(tempo_chain.rpc_url)
    node.returns[call_data("balanceOf(address)", SELLER.address)] = "0x" + "00" * 32
    with serving(node.app()) as url:
        rail = build(url, challenge_seconds=300)
        assert await rail.health() is None
        assert await holds_s(rail, order) > CLIENTS_SIGN_FOR_S


async def test_a_chain_that_cannot_be_asked_is_asked_again(build: Build, tempo_chain: TempoChain, order: Order) -> None:
    node = Node(tempo_chain.rpc_url)
    node.errors["simulation"] = (-32601, "the method is not available")
    with serving(node.app()) as url:
        rail = build(url, challenge_seconds=300)
        await rail.health()
        assert await holds_s(rail, order) > CLIENTS_SIGN_FOR_S
        node.errors.clear()
        await rail.health()
        assert await holds_s(rail, order) <= SHORT_QUOTE_S
