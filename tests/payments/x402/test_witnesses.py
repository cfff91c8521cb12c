"""Two nodes are two witnesses: where they contradict each other nothing is delivered, released or called unmoved."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from errors import PaymentOutcomeUnknown, RailUnavailable
from payments.chain_clock import ChainClock
from payments.monitor import HEALTH_LIMIT_S
from payments.order import Order
from payments.rail import Finality, Payment
from payments.x402.monitor import KEPT_BLOCKS, ROUND_S
from payments.x402.rail import X402Rail
from payments.x402.requirements import QuoteTerms
from payments.x402.wire import X402Credential
from payments.x402.witnesses import MAX_APART_BLOCKS, Witnesses
from sandbox.accounts import SELLER
from sandbox.chains import BaseChain
from sandbox.rpc_proxy import Control
from storage import SqlOutbox
from tests.contracts.rail_contract import NOBODY, UNITS
from tests.fakes.lying_node import LyingNode
from tests.fakes.serving import serving
from tests.payments.conftest import Connect
from tests.payments.x402.buyer import X402Buyer, bought, submit, transfer_call
from tests.payments.x402.conftest import RailBuilder
from tests.payments.x402.miner import standing_still, until_sent

UNUSED, USED = "0x" + "00" * 32, "0x" + "00" * 31 + "01"
IS_STATE = "0xe94a0102"  # authorizationState


@pytest.fixture
def liar(base_chain: BaseChain) -> Iterator[tuple[LyingNode, str]]:
    """A node that tells the reader until it is told otherwise, and its URL."""
    node = LyingNode(base_chain.rpc_url)
    with serving(node.app()) as url:
        yield node, url


@pytest.fixture
async def at_work(
    new_rail: RailBuilder, facilitator_url: str, buyer: X402Buyer, order: Order
) -> tuple[X402Credential, Payment]:
    """A payment that is verified and not settled yet."""
    rail = _serviced(new_rail, facilitator_url)
    credential = await bought(rail, buyer, order)
    return credential, await rail.bind(credential).verify(order)


def _serviced(new_rail: RailBuilder, facilitator_url: str, *urls: str) -> X402Rail:
    settings: dict[str, Any] = {"facilitator_url": facilitator_url, "settlement_key": None}
    nodes = dict(zip(("rpc_url", "fallback_rpc_url"), urls, strict=False))
    return new_rail(**settings, **nodes, doubt_s=1.5)


def _says(state: str) -> Any:
    """A lie about every authorization's state."""
    return {"eth_call": lambda reader, params: state if params[0]["data"].startswith(IS_STATE) else reader}


@pytest.mark.parametrize("liar_first", [True, False])
async def test_a_receipt_that_one_node_invents_delivers_nothing(
    new_rail: RailBuilder,
    facilitator_url: str,
    base_chain: BaseChain,
    liar: tuple[LyingNode, str],
    at_work: tuple[X402Credential, Payment],
    buyer: X402Buyer,
    order: Order,
    liar_first: bool,
) -> None:
    """It shows another payment's log and receipt as this one's. Alone it is believed, beside an honest node not."""
    node, url = liar
    credential, payment = at_work
    other = await bought(_serviced(new_rail, facilitator_url), buyer, order)
    paid = submit(base_chain, base_chain.token, transfer_call(other.signed))
    logs = base_chain.rpc.call("eth_getTransactionReceipt", paid)["logs"]
    node.lies = {**_says(USED), "eth_getLogs": lambda reader, params: logs[:1]}
    alone = _serviced(new_rail, facilitator_url, url)
    assert await alone.find_receipt(payment) is not None
    urls = (url, base_chain.rpc_url) if liar_first else (base_chain.rpc_url, url)
    rail = _serviced(new_rail, facilitator_url, *urls)
    with pytest.raises(PaymentOutcomeUnknown):
        await rail.find_receipt(payment)
    with pytest.raises(RailUnavailable):
        await rail.bind(credential).verify(order)


@pytest.mark.parametrize("liar_first", [True, False])
async def test_a_settlement_that_one_node_hides_stays_in_doubt_until_both_show_it(
    new_rail: RailBuilder,
    facilitator_url: str,
    base_chain: BaseChain,
    liar: tuple[LyingNode, str],
    at_work: tuple[X402Credential, Payment],
    buyer: X402Buyer,
    liar_first: bool,
) -> None:
    node, url = liar
    credential, payment = at_work
    node.lies = _says(UNUSED)
    urls = (url, base_chain.rpc_url) if liar_first else (base_chain.rpc_url, url)
    rail = _serviced(new_rail, facilitator_url, *urls)
    before = buyer.received()
    with pytest.raises(PaymentOutcomeUnknown):
        await rail.bind(credential).settle(payment)
    with pytest.raises(PaymentOutcomeUnknown):
        await rail.find_receipt(payment)
    node.lies = {}
    assert await rail.find_receipt(payment) is not None
    assert buyer.received() == before + UNITS


async def test_a_settlement_with_our_own_key_needs_both_nodes(
    new_rail: RailBuilder, base_chain: BaseChain, liar: tuple[LyingNode, str], buyer: X402Buyer, order: Order
) -> None:
    node, url = liar
    rail = new_rail(fallback_rpc_url=url, doubt_s=1.5)
    credential = await bought(rail, buyer, order)
    payment = await rail.bind(credential).verify(order)
    node.lies = _says(UNUSED)
    with pytest.raises(PaymentOutcomeUnknown):
        await rail.bind(credential).settle(payment)
    node.lies = {}
    receipt = await rail.find_receipt(payment)
    assert receipt is not None
    assert await rail.recheck(payment, receipt) is Finality.PENDING


@pytest.mark.parametrize("liar_first", [True, False])
@pytest.mark.parametrize("method", ["eth_getTransactionCount", "eth_blockNumber"])
async def test_one_node_cannot_call_our_transaction_over(
    new_rail: RailBuilder,
    base_chain: BaseChain,
    liar: tuple[LyingNode, str],
    buyer: X402Buyer,
    order: Order,
    outbox: SqlOutbox,
    method: str,
    liar_first: bool,
) -> None:
    """It says that our nonce is used up, or is far ahead, while our transaction waits: nothing is released for it, and
    its record is not forgotten."""
    node, url = liar
    urls = (url, base_chain.rpc_url) if liar_first else (base_chain.rpc_url, url)
    rail = new_rail(urls[0], fallback_rpc_url=urls[1], doubt_s=0.1)
    credential = await bought(rail, buyer, order)
    payment = await rail.bind(credential).verify(order)
    base_chain.rpc.call("anvil_mine", hex(KEPT_BLOCKS))
    with standing_still(base_chain):
        settlement = asyncio.create_task(rail.bind(credential).settle(payment))
        await until_sent(base_chain, outbox, payment.id)
        node.lies = {method: lambda reader, params: hex(int(reader, 16) + 1_000)}
        with pytest.raises(PaymentOutcomeUnknown):
            await rail.find_receipt(payment)
        await asyncio.sleep(ROUND_S + 1)  # whoever tends the transactions hears the lie, too
        node.lies = {}
    assert (await settlement).transaction


@pytest.mark.parametrize("liar_first", [True, False])
async def test_a_node_that_is_late_holds_the_verdict_up_and_is_named(
    new_rail: RailBuilder,
    facilitator_url: str,
    base_chain: BaseChain,
    liar: tuple[LyingNode, str],
    at_work: tuple[X402Credential, Payment],
    liar_first: bool,
) -> None:
    """100 blocks late: it has not seen the settlement, and nobody can tell its silence from the other one's lie."""
    node, url = liar
    credential, payment = at_work
    base_chain.rpc.call("anvil_mine", hex(110))
    node.behind = 100
    urls = (url, base_chain.rpc_url) if liar_first else (base_chain.rpc_url, url)
    rail = _serviced(new_rail, facilitator_url, *urls)
    with pytest.raises(PaymentOutcomeUnknown):
        await rail.bind(credential).settle(payment)
    said = await rail.health()
    assert said is not None
    assert "blocks apart" in said
    node.behind = 0
    assert await rail.find_receipt(payment) is not None
    assert await rail.health() is None


async def test_some_blocks_of_lateness_put_nothing_out(
    new_rail: RailBuilder, facilitator_url: str, base_chain: BaseChain, liar: tuple[LyingNode, str]
) -> None:
    node, url = liar
    node.behind = MAX_APART_BLOCKS // 2
    assert await _serviced(new_rail, facilitator_url, base_chain.rpc_url, url).health() is None


@pytest.mark.parametrize("urls", [(NOBODY, ""), ("", NOBODY)])
async def test_a_node_that_does_not_answer_has_no_say(
    new_rail: RailBuilder,
    facilitator_url: str,
    rpc_url: str,
    at_work: tuple[X402Credential, Payment],
    urls: tuple[str, str],
) -> None:
    """The loss of one of two nodes stops no sale."""
    credential, payment = at_work
    rail = _serviced(new_rail, facilitator_url, *(url or rpc_url for url in urls))
    assert await rail.health() is None
    await rail.bind(credential).settle(payment)
    assert await rail.find_receipt(payment) is not None


async def test_a_node_that_hangs_puts_no_rail_out(
    new_rail: RailBuilder, facilitator_url: str, rpc_url: str, flaky_url: str, flaky: Control
) -> None:
    """As long as the other one answers: the health is known before the monitor gives the rail up."""
    rail = _serviced(new_rail, facilitator_url, flaky_url, rpc_url)
    flaky.inject("hang", seconds=5.0)
    async with asyncio.timeout(HEALTH_LIMIT_S):
        assert await rail.health() is None


async def test_no_witness_is_no_verdict(connect: Connect, terms: QuoteTerms) -> None:
    nobody = Witnesses(connect(NOBODY, f"{NOBODY}/2"))
    with pytest.raises(RailUnavailable):
        await nobody.health(terms, ChainClock())
    with pytest.raises(RailUnavailable):
        await nobody.newest()
    with pytest.raises(RailUnavailable):
        await nobody.block_of("0x" + "11" * 32)


async def test_a_node_of_another_chain_has_no_say(
    new_rail: RailBuilder, facilitator_url: str, rpc_url: str, liar: tuple[LyingNode, str]
) -> None:
    """It is not used, so it puts nothing out; where both are of another chain, that is said."""
    node, url = liar
    node.lies = {"eth_chainId": lambda reader, params: hex(1)}
    assert await _serviced(new_rail, facilitator_url, rpc_url, url).health() is None
    said = await _serviced(new_rail, facilitator_url, url, url).health()
    assert said == "The payment chain has id 1, not 84532."


def test_the_liars_question_is_the_tokens() -> None:
    from sandbox.calls import call_data  # noqa: PLC0415

    assert call_data("authorizationState(address,bytes32)", SELLER.address, bytes(32)).startswith(IS_STATE)
