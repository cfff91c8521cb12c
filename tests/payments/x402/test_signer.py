"""The SDK's signer over our chain: it remembers outages, and sends nothing once it is closed."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from x402.mechanisms.evm.constants import BALANCE_OF_ABI

from errors import RailUnavailable
from payments.x402.broadcaster import Broadcaster
from payments.x402.rpc import Rpc
from payments.x402.signer import ChainSigner
from sandbox.accounts import BUYER, SETTLER, STRANGER
from sandbox.chains import BaseChain
from sandbox.shim import Control


@pytest.fixture
async def signer(flaky_url: str, flaky: Control) -> AsyncIterator[ChainSigner]:
    rpc = Rpc((flaky_url,), timeout_s=1)
    broadcaster = Broadcaster(rpc, SETTLER.key, chain_id=BaseChain.chain_id, lock=asyncio.Lock)
    signer = ChainSigner(rpc, broadcaster, limit_s=5)
    yield signer
    signer.close()
    await rpc.aclose()


async def test_answers_what_the_sdk_asks(signer: ChainSigner, base_chain: BaseChain) -> None:
    assert signer.get_addresses() == [SETTLER.address]
    assert await asyncio.to_thread(signer.get_chain_id) == BaseChain.chain_id
    assert len(await asyncio.to_thread(signer.get_code, BaseChain.token)) > 100
    assert await asyncio.to_thread(signer.get_code, BUYER.address) == b""
    balance = await asyncio.to_thread(signer.get_balance, BUYER.address, BaseChain.token)
    assert balance == base_chain.balance_of(BUYER.address)
    assert not signer.unreachable


async def test_sends_and_waits_for_the_block(signer: ChainSigner) -> None:
    sent = await asyncio.to_thread(signer.send_transaction, STRANGER.address, b"")
    receipt = await asyncio.to_thread(signer.wait_for_transaction_receipt, sent)
    assert (receipt.status, receipt.tx_hash) == (1, sent)


async def test_remembers_that_the_chain_was_out(signer: ChainSigner, flaky: Control) -> None:
    flaky.inject("error5xx", count=1)
    with pytest.raises(RailUnavailable):
        await asyncio.to_thread(signer.get_code, BUYER.address)
    await asyncio.to_thread(signer.get_code, BUYER.address)
    assert signer.unreachable


async def test_waits_for_a_receipt_through_an_outage(signer: ChainSigner, flaky: Control) -> None:
    sent = await asyncio.to_thread(signer.send_transaction, STRANGER.address, b"")
    flaky.inject("error5xx", count=3)
    assert (await asyncio.to_thread(signer.wait_for_transaction_receipt, sent)).status == 1
    assert not signer.unreachable


async def test_a_closed_signer_sends_nothing(signer: ChainSigner, flaky: Control) -> None:
    signer.close()
    before = flaky.calls()
    for call in (
        lambda: signer.send_transaction(STRANGER.address, b""),
        lambda: signer.read_contract(BaseChain.token, BALANCE_OF_ABI, "balanceOf", BUYER.address),
    ):
        with pytest.raises(RailUnavailable):
            await asyncio.to_thread(call)
    assert flaky.calls() == before


async def test_closing_ends_the_wait_at_once(signer: ChainSigner) -> None:
    waiting = asyncio.create_task(asyncio.to_thread(signer.wait_for_transaction_receipt, "0x" + "12" * 32))
    await asyncio.sleep(0.3)
    signer.close()
    async with asyncio.timeout(1):
        with pytest.raises(asyncio.CancelledError):
            await waiting
