"""A back-up is made while the service sells, more is sold, and the back-up is restored: what does each payment get?"""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from sandbox.chains import BaseChain, TempoChain
from tests.buying import unique_photograph
from tests.clients.cutouts import PRICE
from tests.clients.purchase_client import WAYS, Way
from tests.fakes.postgres import PostgresServer, postgres_server, required_binaries
from tests.secrets.whole_service import WholeService, send
from tests.upgrades.backups import PostgresStore, SqliteStore, Store

AT_ONCE = 6


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    with postgres_server(required_binaries()) as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "sqlite":
        return SqliteStore(tmp_path / "ledger.sqlite3")
    server: PostgresServer = request.getfixturevalue("postgres")
    return PostgresStore(server, server.new_database(), tmp_path)


@pytest.fixture
def service(base_chain: BaseChain, tempo_chain: TempoChain, tmp_path: Path, store: Store) -> WholeService:
    return WholeService(base_chain, tempo_chain, tmp_path, store.url)


Sale = tuple[dict[str, str], bytes, httpx.Response]
"""A payment, the picture that it came with, and the answer."""


async def sell(service: WholeService, buyer: httpx.AsyncClient, way: Way) -> Sale:
    """One cut-out, paid for."""
    payment, picture = await service.sign(buyer, way), unique_photograph()
    answer = await send(buyer, payment, picture)
    assert answer.status_code == 200, answer.text
    return payment, picture, answer


@pytest.mark.parametrize("way", WAYS)
async def test_a_restored_ledger_delivers_what_it_knows_and_charges_nobody_again(
    service: WholeService, store: Store, way: Way
) -> None:
    earned = service.earned(way)
    async with service.open() as buyer:
        before = await sell(service, buyer, way)
        selling = [asyncio.create_task(sell(service, buyer, way)) for _ in range(AT_ONCE)]
        await asyncio.to_thread(store.back_up)
        meanwhile = await asyncio.gather(*selling)
        after = await sell(service, buyer, way)
        quoted = await service.sign(buyer, way)
    sold = service.earned(way)
    assert sold == earned + (2 + AT_ONCE) * PRICE
    store.restore()
    async with service.open() as buyer:
        assert (await send(buyer, quoted)).status_code == 200, "its identity is the one that quoted"
        again = await send(buyer, before[0], before[1])
        assert (again.status_code, again.headers["Idempotent-Replayed"]) == (200, "true")
        assert again.content == before[2].content
        lost = await send(buyer, after[0], after[1])
        assert (lost.status_code, lost.json()["code"], lost.json()["charged"]) == (409, "payment_spent_elsewhere", True)
        for payment, picture, bought in meanwhile:
            answer = await send(buyer, payment, picture)
            is_known = answer.status_code == 200 and answer.headers["Idempotent-Replayed"] == "true"
            assert is_known or answer.json()["code"] == "payment_spent_elsewhere", answer.text
            assert answer.content == bought.content or not is_known
    assert service.earned(way) == sold + PRICE, "nobody was charged again"
