"""A decoder that dies during a sale: the buyer keeps the money, and the next picture is sold."""

import asyncio
import signal
from collections.abc import Callable
from pathlib import Path

import httpx
import psutil
import pytest

from cpu_quota import available_cpus
from cut_out import max_concurrency
from imaging.isolated.pool import IS_POSSIBLE
from tests.buying import photograph
from tests.clients.cutouts import PRICE, assert_cut_out
from tests.clients.purchase_client import RECEIPT_HEADER, WAYS, PurchaseClient, Way
from tests.end_to_end.refusals import assert_refused
from tests.processes import matching
from tests.running_service import WORKERS, RunningService
from tests.waiting import eventually

pytestmark = pytest.mark.skipif(not IS_POSSIBLE, reason="decoders can be isolated on Linux only")

ALL = WORKERS * max_concurrency(available_cpus() // WORKERS)
"""Decoders of all API workers."""


@pytest.mark.parametrize("way", WAYS)
async def test_a_picture_whose_decoder_dies_is_not_charged_and_the_next_one_is_sold(
    buyer_for: Callable[[Way], PurchaseClient], running_service: RunningService, way: Way
) -> None:
    picture = photograph(quality=80 + WAYS.index(way))  # one that was sold before would come from memory
    buyer = buyer_for(way)
    earned = buyer.earned()
    payment = await buyer.sign(picture)
    assert eventually(lambda: len(_ready(running_service)) == ALL, 60)  # others were killed just before
    decoders = _decoders(running_service)
    for each in decoders:
        each.rlimit(psutil.RLIMIT_CPU, (psutil.RLIM_INFINITY, psutil.RLIM_INFINITY))
        each.send_signal(signal.SIGSTOP)  # so that it dies at work, and not before or after
    sale = asyncio.create_task(buyer.post(picture, payment))
    await _until_at_work(decoders, sale)
    for each in decoders:
        each.kill()
    assert_refused(await sale, 500, "processing_failed", retryable=True)
    assert buyer.earned() == earned

    bought = await buyer.post(picture, payment)
    assert bought.status_code == 200, bought.text
    assert_cut_out(bought.content, size=(512, 512))
    assert RECEIPT_HEADER[way] in bought.headers
    assert buyer.earned() == earned + PRICE


def test_decoders_belong_to_api_workers_and_know_none_of_their_keys(running_service: RunningService) -> None:
    assert eventually(lambda: len(_ready(running_service)) == ALL, 60)  # others were killed just before
    decoders = _decoders(running_service)
    assert len({each.ppid() for each in decoders}) == WORKERS
    for each in decoders:
        assert "BackgroundRemoval" in psutil.Process(each.ppid()).cmdline()
        assert not [name for name in each.environ() if name.startswith(("CLEARCANVAS_", "BENTOML_"))]
        assert each.net_connections() == []


def _decoders(service: RunningService) -> list[psutil.Process]:
    """The decoder processes of all API workers."""
    return matching(service.process.pid, "imaging.isolated.worker")


def _ready(service: RunningService) -> list[psutil.Process]:
    """Those that have sealed themselves, which is the last thing they do before they decode; not those that start."""
    return [each for each in _decoders(service) if _is_sealed(each)]


def _is_sealed(decoder: psutil.Process) -> bool:
    try:
        status = Path(f"/proc/{decoder.pid}/status").read_text()
    except OSError:
        return False
    return "Seccomp:\t2" in status


async def _until_at_work(decoders: list[psutil.Process], sale: asyncio.Task[httpx.Response]) -> None:
    """Before it sends a picture to a decoder, the service sets the CPU time that the picture may take."""
    async with asyncio.timeout(60):
        while all(_cpu_limit(each) == psutil.RLIM_INFINITY for each in decoders):
            assert not sale.done(), sale.result().status_code
            await asyncio.sleep(0.05)
        await asyncio.sleep(0.5)


def _cpu_limit(decoder: psutil.Process) -> int:
    limit: int = decoder.rlimit(psutil.RLIMIT_CPU)[0]
    return limit
