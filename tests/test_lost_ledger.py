"""A service whose ledger's file is gone or another one sells nothing more and says so, and its own file heals it."""

import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from structlog.testing import capture_logs

import storage
from sandbox.chains import BaseChain, TempoChain
from tests.clients.purchase_client import Way
from tests.secrets.whole_service import WholeService, send

Loss = Callable[[Path], None]


@pytest.fixture
def service(base_chain: BaseChain, tempo_chain: TempoChain, tmp_path: Path) -> WholeService:
    return WholeService(base_chain, tempo_chain, tmp_path)


@pytest.fixture
async def buyer(service: WholeService) -> AsyncIterator[httpx.AsyncClient]:
    async with service.open() as buyer:
        yield buyer


@pytest.fixture
async def other(tmp_path: Path) -> Path:
    """Another ledger's file."""
    await storage.migrate(f"sqlite:///{tmp_path}/other.sqlite3")
    return tmp_path / "other.sqlite3"


def file_of(service: WholeService) -> Path:
    return service.folder / "ledger.sqlite3"


def delete(path: Path) -> None:
    path.unlink()


def empty(path: Path) -> None:
    path.unlink()
    path.touch()


def restore(path: Path) -> None:
    """An older copy comes into its place."""
    copy = shutil.copyfile(path, path.with_suffix(".copy"))
    path.unlink()
    copy.rename(path)


@pytest.mark.parametrize("lose", [delete, empty, restore])
@pytest.mark.parametrize("way", ["x402 v2", "mpp"])
async def test_sells_nothing_once_its_file_is_lost(
    service: WholeService, buyer: httpx.AsyncClient, lose: Loss, way: Way
) -> None:
    assert (await send(buyer, await service.sign(buyer, way))).status_code == 200
    payment, earned = await service.sign(buyer, way), service.earned(way)
    lose(file_of(service))
    answer = await send(buyer, payment)
    assert (answer.status_code, answer.json()["code"]) == (503, "ledger_unavailable")
    assert service.earned(way) == earned


async def test_sells_nothing_on_another_ledger(service: WholeService, buyer: httpx.AsyncClient, other: Path) -> None:
    payment, earned = await service.sign(buyer, "x402 v2"), service.earned("x402 v2")
    other.replace(file_of(service))  # noqa: ASYNC240 - a test may wait
    assert (await send(buyer, payment)).status_code == 503
    assert service.earned("x402 v2") == earned


async def test_is_not_ready_until_its_own_file_is_back(service: WholeService, buyer: httpx.AsyncClient) -> None:
    payment, path = await service.sign(buyer, "x402 v2"), file_of(service)
    away = path.rename(path.with_suffix(".away"))
    ready = await buyer.get("/readyz")
    assert ready.status_code == 503
    assert "removed or replaced" in ready.json()["parts"]["ledger"]
    assert str(service.folder) not in ready.text
    away.rename(path)
    assert (await send(buyer, payment)).status_code == 200


@pytest.mark.parametrize("way", ["x402 v1", "x402 v2", "mpp"])
@pytest.mark.parametrize("backed_up", [True, False])
async def test_what_a_ledger_does_not_know_any_more_is_never_paid_twice(
    service: WholeService, way: Way, backed_up: bool
) -> None:
    """A back-up from before the sale is restored as docs/ledger.md says, or the ledger begins anew without one."""
    path = file_of(service)
    async with service.open() as buyer:
        payment = await service.sign(buyer, way)
        back_up(path, service.folder / "copy.sqlite3")
        assert (await send(buyer, payment)).status_code == 200
    for file in service.folder.glob("ledger.sqlite3*"):
        file.unlink()
    if backed_up:
        shutil.copyfile(service.folder / "copy.sqlite3", path)
    earned = service.earned(way)
    async with service.open() as buyer:
        answer = await send(buyer, payment)
        assert (answer.status_code, answer.json()["code"]) == (409, "payment_spent_elsewhere")
        assert answer.json()["charged"] is True
        assert "accepts" not in answer.json()
        assert "PAYMENT-REQUIRED" not in answer.headers
        assert (await send(buyer, await service.sign(buyer, way))).status_code == 200
    assert service.earned(way) == earned + 50_000


def back_up(path: Path, copy: Path) -> None:
    """What `.backup` of SQLite's shell does, on a ledger in use."""
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)


async def test_says_at_its_start_which_ledger_it_opened(service: WholeService) -> None:
    with capture_logs() as lines:
        async with service.open(), service.open():
            pass
    opened = [line for line in lines if line["event"] == "ledger_opened"]
    assert len(opened) == 2
    assert len({line["ledger"] for line in opened}) == 1
    assert {(line["dialect"], line["place"]) for line in opened} == {("sqlite", str(file_of(service)))}
