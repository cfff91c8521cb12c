"""What a composed service has sold becomes final by itself, also when the chain drops its latest blocks."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text

from payments.finality import RAW
from sandbox import chains
from sandbox.chains import BaseChain, Chain, TempoChain
from storage import Database
from tests.clients.purchase_client import Way
from tests.secrets.whole_service import WholeService, send


@pytest.fixture(scope="module")
def base_chain() -> Iterator[BaseChain]:
    """One of our own: its blocks are dropped."""
    with chains.base_chain() as chain:
        yield chain


@pytest.fixture(scope="module")
def tempo_chain() -> Iterator[TempoChain]:
    """One of our own: its blocks are dropped."""
    with chains.tempo_chain() as chain:
        yield chain


@pytest.fixture
def service(base_chain: BaseChain, tempo_chain: TempoChain, tmp_path: Path) -> WholeService:
    return WholeService(base_chain, tempo_chain, tmp_path)


@asynccontextmanager
async def selling(service: WholeService) -> AsyncIterator[tuple[httpx.AsyncClient, Database]]:
    """A service for which one block more is final, and its books."""
    final = {"MPP__FINALITY_BLOCKS": "1", "X402__FINALITY_BLOCKS": "1"}
    async with service.open(**final) as buyer, Database(f"sqlite:///{service.folder}/ledger.sqlite3") as books:
        yield buyer, books


async def becomes_final(books: Database) -> None:
    """Looks fall due at once instead of after their pauses."""
    async with asyncio.timeout(40):
        while not await books.rows(text("SELECT id FROM payments WHERE final_at IS NOT NULL")):
            await books.run(text("UPDATE payments SET recheck_at = 0 WHERE state = 'settled'"))
            await asyncio.sleep(1)


async def evidence(books: Database) -> str:
    [(evidence,)] = await books.rows(text("SELECT evidence FROM payments"))
    return str(evidence)


async def test_the_signed_transaction_is_kept_until_it_is_final(service: WholeService) -> None:
    async with selling(service) as (buyer, books):
        assert (await send(buyer, await service.sign(buyer, "mpp"))).status_code == 200
        assert RAW in await evidence(books)
        await becomes_final(books)
        assert RAW not in await evidence(books)


@pytest.mark.parametrize("way", ["x402 v2", "mpp"])
async def test_what_the_chain_drops_is_settled_again(service: WholeService, way: Way) -> None:
    """The blocks since before the sale are gone, and nobody re-sends the payment."""
    chain: Chain = service.tempo if way == "mpp" else service.base
    async with selling(service) as (buyer, books):
        payment, earned = await service.sign(buyer, way), service.earned(way)
        before = chain.rpc.call("evm_snapshot")
        assert (await send(buyer, payment)).status_code == 200
        assert service.earned(way) == earned + 50_000
        assert chain.rpc.call("evm_revert", before)
        assert service.earned(way) == earned
        await becomes_final(books)
    assert service.earned(way) == earned + 50_000
