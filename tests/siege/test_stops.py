"""Every shutdown completes despite open connections and killed processes; and exactly the sold images were charged."""

import asyncio
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psutil
import pytest

from sandbox.accounts import SELLER
from sandbox.chains import BaseChain, TempoChain
from tests.buying import buy, photograph
from tests.fakes.serving import TRUST
from tests.processes import command_of, family, is_living, send
from tests.running_service import RunningService, run_service
from tests.siege.buyer import PRICE, Buyer
from tests.siege.hostile_connections import KINDS
from tests.waiting import eventually

STOP_S = 35.0
ORPHAN_S = 40.0


@contextmanager
def served(
    base_chain: BaseChain, tempo_chain: TempoChain, folder: Path
) -> Iterator[tuple[RunningService, list[psutil.Process]]]:
    """A service and all its processes; those that remain at the end are killed."""
    processes: list[psutil.Process] = []
    try:
        with run_service(base_chain, tempo_chain, folder, {"CLEARCANVAS_WORKERS": "1"}) as service:
            processes += family(service.process.pid)
            yield service, processes
    finally:
        send(signal.SIGKILL, processes)


def living(processes: list[psutil.Process]) -> list[psutil.Process]:
    """The processes that run and are not zombies."""
    return [each for each in processes if is_living(each)]


def worker(processes: list[psutil.Process], service: str) -> psutil.Process:
    """The worker of a BentoML service."""
    return next(each for each in processes if {service, "--fd"} <= set(command_of(each)))


def listens(url: str) -> bool:
    """Whether connections are accepted at this URL."""
    address = urlsplit(url)
    try:
        socket.create_connection((address.hostname, address.port), timeout=2).close()
    except OSError:
        return False
    return True


TERM, INT = signal.SIGTERM, signal.SIGINT


@pytest.mark.parametrize(
    "numbers",
    [[TERM, TERM], pytest.param([TERM], marks=pytest.mark.nightly), pytest.param([INT], marks=pytest.mark.nightly)],
    ids=str,
)
async def test_shutdown_completes_with_hostile_connections_and_sales_in_progress(
    base_chain: BaseChain, tempo_chain: TempoChain, tmp_path: Path, numbers: list[signal.Signals]
) -> None:
    """The sales succeed; nothing listens; no process remains."""
    with served(base_chain, tempo_chain, tmp_path) as (service, processes), ExitStack() as connections:
        for kind in KINDS.values():
            for _ in range(2):
                connections.enter_context(kind(service.url))
        before = base_chain.balance_of(SELLER.address)
        sales = asyncio.create_task(buy(service, [photograph(quality) for quality in (88, 89, 90)]))
        await asyncio.sleep(1.5)
        for number in numbers:
            service.process.send_signal(number)
            await asyncio.sleep(0.2)
        answers = await sales
        assert await asyncio.to_thread(eventually, lambda: not living(processes), STOP_S)
        assert [each.status_code for each in answers] == [200] * 3
        assert base_chain.balance_of(SELLER.address) - before == 3 * PRICE
        assert not listens(service.url)


async def test_workers_stop_with_a_killed_supervisor(
    base_chain: BaseChain, tempo_chain: TempoChain, tmp_path: Path
) -> None:
    """No worker holds another one's socket: otherwise clients would connect to an ended service and wait."""
    with served(base_chain, tempo_chain, tmp_path) as (service, processes), ExitStack() as connections:
        port = urlsplit(service.url).port
        assert listening(worker(processes, "MattingRunner")) == []
        assert listening(worker(processes, "BackgroundRemoval")) == [port]
        for kind in KINDS.values():
            connections.enter_context(kind(service.url))
        before = base_chain.balance_of(SELLER.address)
        sales = asyncio.create_task(buy(service, [photograph(quality) for quality in range(80, 90)]))
        await asyncio.sleep(1.5)
        os.kill(service.process.pid, signal.SIGKILL)
        answers = await sales
        assert await asyncio.to_thread(eventually, lambda: not living(processes), ORPHAN_S)
        sold = [each for each in answers if each.status_code == 200]
        assert base_chain.balance_of(SELLER.address) - before == len(sold) * PRICE
        assert not listens(service.url)


@pytest.mark.nightly
@pytest.mark.parametrize("name", ["MattingRunner", "BackgroundRemoval"])
async def test_a_resent_payment_gets_its_image_after_a_worker_was_killed(
    base_chain: BaseChain, tempo_chain: TempoChain, tmp_path: Path, name: str
) -> None:
    with served(base_chain, tempo_chain, tmp_path) as (service, processes):
        before = base_chain.balance_of(SELLER.address)
        async with httpx.AsyncClient(timeout=60, trust_env=False, verify=TRUST) as client:
            buyers = [Buyer.funded(service, client) for _ in range(10)]
            payments = [await buyer.sign() for buyer in buyers]
            pictures = [photograph(quality) for quality in range(80, 90)]
            sales = [
                asyncio.create_task(buyer.buy_with_retries(picture, payment, seconds=90))
                for buyer, picture, payment in zip(buyers, pictures, payments, strict=True)
            ]
            await asyncio.sleep(1)
            worker(processes, name).kill()
            answers = await asyncio.gather(*sales)
        assert [each and each.status_code for each in answers] == [200] * 10
        assert base_chain.balance_of(SELLER.address) - before == 10 * PRICE


def listening(process: psutil.Process) -> list[int]:
    """The TCP ports on which a process listens."""
    return [each.laddr.port for each in process.net_connections("tcp") if each.status == psutil.CONN_LISTEN]
