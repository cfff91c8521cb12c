"""Secrets change between any two steps of a purchase, and every purchase still settles once.

That a rail takes the challenges of the previous secret is in tests/payments/mpp/test_rail.py; here the service does.
"""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import mpp
import pytest

from sandbox import chains
from sandbox.accounts import SETTLER, STRANGER
from sandbox.chains import BaseChain, TempoChain
from sandbox.rpc_proxy import Control, shim
from sandbox.wallets import challenges
from tests.clients.cutouts import PRICE
from tests.clients.purchase_client import RECEIPT_HEADER, WAYS, Way
from tests.secrets.whole_service import WholeService, send

OLD, NEW = "the secret before, 32 bytes or more", "the secret after, 32 bytes or more"
OLD_KEY, NEW_KEY = {"X402__SETTLEMENT_KEY": SETTLER.key}, {"X402__SETTLEMENT_KEY": STRANGER.key}


@pytest.fixture(scope="module")
def base() -> Iterator[BaseChain]:
    """A Base-like chain whose blocks are ours to stop, behind a proxy that loses what it is told to lose."""
    with chains.base_chain() as node, shim(node.rpc_url, BaseChain.chain_id) as rpc:
        yield BaseChain(rpc)


@pytest.fixture
def service(base: BaseChain, tempo_chain: TempoChain, tmp_path: Path) -> Iterator[WholeService]:
    yield WholeService(base, tempo_chain, tmp_path)
    Control(base.rpc_url).clear()
    _mine_every(base, seconds=1)


async def test_a_quote_of_the_previous_secret_is_paid(service: WholeService) -> None:
    earned = service.earned("mpp")
    async with service.open(MPP__SECRET_KEY=OLD) as buyer:
        payment = await service.sign(buyer, "mpp")
    async with service.open(MPP__SECRET_KEY=NEW, MPP__PREVIOUS_SECRET_KEY=OLD) as buyer:
        assert (await send(buyer, payment)).status_code == 200
    assert service.earned("mpp") == earned + PRICE


async def test_a_quote_of_a_forgotten_secret_is_refused_with_a_new_one(service: WholeService) -> None:
    earned = service.earned("mpp")
    async with service.open(MPP__SECRET_KEY=OLD) as buyer:
        payment = await service.sign(buyer, "mpp")
    async with service.open(MPP__SECRET_KEY=NEW) as buyer:
        refused = await send(buyer, payment)
        assert (refused.status_code, refused.json()["charged"]) == (402, False)
        assert refused.json()["reason"] == "invalid-challenge"
        sent = mpp.Credential.from_authorization(payment["Authorization"])
        assert sent.challenge.id not in {each.id for each in challenges(refused.headers["WWW-Authenticate"])}
        assert service.earned("mpp") == earned
        assert (await send(buyer, await service.pay(refused, "mpp"))).status_code == 200
    assert service.earned("mpp") == earned + PRICE


@pytest.mark.parametrize("way", ["x402 v2", "x402 v1"])
async def test_the_new_key_settles_what_was_quoted_under_the_old_one(service: WholeService, way: Way) -> None:
    earned, sent = service.earned(way), _sent_by_new_key(service)
    async with service.open(**OLD_KEY) as buyer:
        payment = await service.sign(buyer, way)
    async with service.open(**NEW_KEY) as buyer:
        assert (await send(buyer, payment)).status_code == 200
    assert service.earned(way) == earned + PRICE
    assert _sent_by_new_key(service) == sent + 1


@pytest.mark.parametrize("fate", ["lost", "in a block", "waiting"])
async def test_an_unclear_settlement_of_the_old_key_ends_under_the_new_one(service: WholeService, fate: str) -> None:
    """Its transaction never reached the node, is in a block by now, or still waits for one."""
    earned = service.earned("x402 v2")
    async with service.open(**OLD_KEY) as buyer:
        payment = await service.sign(buyer, "x402 v2")
        if fate == "lost":
            Control(service.base.rpc_url).inject("error5xx", methods=["eth_sendRawTransaction"])
        else:
            _mine_every(service.base, seconds=0)
        unclear = await send(buyer, payment)
        assert (unclear.status_code, unclear.json()["charged"]) == (503, True), unclear.text
    Control(service.base.rpc_url).clear()
    assert service.earned("x402 v2") == earned
    if fate == "in a block":
        service.base.rpc.call("evm_mine")
    async with service.open(**NEW_KEY) as buyer:
        first = asyncio.create_task(send(buyer, payment))
        await asyncio.sleep(1)
        _mine_every(service.base, seconds=1)
        answers = [await first]
        while answers[-1].status_code in {409, 503} and len(answers) < 60:
            await asyncio.sleep(0.5)
            answers.append(await send(buyer, payment))
        again = await send(buyer, payment)
    assert {answer.status_code for answer in answers} <= {200, 409, 503}
    assert answers[-1].status_code == 200, answers[-1].text
    assert again.headers["Idempotent-Replayed"] == "true"
    service.base.rpc.call("evm_mine")
    assert service.earned("x402 v2") == earned + PRICE


@pytest.mark.parametrize("way", WAYS)
async def test_what_settled_before_is_delivered_again_without_any_old_secret(service: WholeService, way: Way) -> None:
    async with service.open(**OLD_KEY, MPP__SECRET_KEY=OLD) as buyer:
        payment = await service.sign(buyer, way)
        bought = await send(buyer, payment)
        assert bought.status_code == 200, bought.text
    earned = service.earned(way)
    async with service.open(**NEW_KEY, MPP__SECRET_KEY=NEW) as buyer:
        again = await send(buyer, payment)
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (200, "true")
    assert again.content == bought.content
    assert again.headers[RECEIPT_HEADER[way]] == bought.headers[RECEIPT_HEADER[way]]
    assert service.earned(way) == earned


def _mine_every(chain: BaseChain, *, seconds: int) -> None:
    chain.rpc.call("evm_setIntervalMining", seconds)


def _sent_by_new_key(service: WholeService) -> int:
    return int(service.base.rpc.call("eth_getTransactionCount", STRANGER.address, "latest"), 16)
