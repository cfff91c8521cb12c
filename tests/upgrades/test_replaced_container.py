"""A service is replaced by a new one on the same volume, in the middle of an upgrade: it keeps its ledger, and sells.

As processes; tests/image replaces containers, where an image can be built.
"""

import asyncio
import json
import signal
from pathlib import Path

import httpx

import storage
from sandbox.chains import BaseChain, TempoChain
from tests.buying import unique_photograph
from tests.clients.cutouts import PRICE
from tests.clients.purchase_client import PurchaseClient, Way
from tests.fakes.serving import TRUST
from tests.running_service import RunningService, run_service
from tests.storage.ahead import AHEAD, version_ahead

BOTH_RAILS: tuple[Way, ...] = ("x402 v2", "mpp")
ONE_WORKER = {"CLEARCANVAS_WORKERS": "1"}
Sales = dict[Way, tuple[bytes, dict[str, str], bytes]]
"""Way → the picture, its payment and the cut-out."""


async def sell(service: RunningService) -> Sales:
    """A cut-out over each rail, paid once."""
    sold: Sales = {}
    async with httpx.AsyncClient(timeout=60, trust_env=False, verify=TRUST) as client:
        for way in BOTH_RAILS:
            buyer, picture = PurchaseClient(service, client, way), unique_photograph()
            earned, payment = buyer.earned(), await buyer.sign(picture)
            answer = await buyer.post(picture, payment)
            assert answer.status_code == 200, answer.text
            assert buyer.earned() == earned + PRICE
            sold[way] = picture, payment, answer.content
    return sold


async def assert_delivered_again(service: RunningService, sold: Sales) -> None:
    async with httpx.AsyncClient(timeout=60, trust_env=False, verify=TRUST) as client:
        for way, (picture, payment, cut_out) in sold.items():
            buyer = PurchaseClient(service, client, way)
            earned = buyer.earned()
            answer = await buyer.post(picture, payment)
            assert (answer.status_code, answer.headers.get("Idempotent-Replayed")) == (200, "true"), answer.text
            assert answer.content == cut_out
            assert buyer.earned() == earned


def ledgers(log: Path) -> set[str]:
    """The identities of the ledgers that workers have opened."""
    lines = [json.loads(line) for line in log.read_text().splitlines() if '"ledger_opened"' in line]
    return {line["ledger"] for line in lines}


async def test_old_code_goes_on_beside_a_newer_schema_and_its_replacement_keeps_the_ledger(
    base_chain: BaseChain, tempo_chain: TempoChain, tmp_path: Path
) -> None:
    """The new version's job has migrated; the old version sells on, is killed, and starts again on the new schema."""
    url = f"sqlite:///{tmp_path}/ledger.sqlite3"
    with run_service(base_chain, tempo_chain, tmp_path, ONE_WORKER) as first:
        sold = await sell(first)
        assert await storage.migrate(url, folders=version_ahead(tmp_path)) == AHEAD
        sold_beside = await sell(first)
        identity = ledgers(first.log_path)
        first.process.send_signal(signal.SIGKILL)
        await asyncio.to_thread(first.process.wait)
    with run_service(base_chain, tempo_chain, tmp_path, ONE_WORKER) as second:
        for each in (sold, sold_beside):
            await assert_delivered_again(second, each)
        await sell(second)
        assert ledgers(second.log_path) == identity
        assert len(identity) == 1
