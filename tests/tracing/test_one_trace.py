"""One trace over API, runner and chain, as a collector gets it from the running service."""

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex

import httpx
import pytest

from sandbox.accounts import BUYER, SELLER
from sandbox.chains import BaseChain, TempoChain
from tests.buying import photograph
from tests.clients.purchase_client import PurchaseClient, Way
from tests.fakes.otlp_collector import CollectedSpan, OtlpCollector
from tests.fakes.serving import TRUST
from tests.running_service import RunningService, run_service
from tests.secrets.marks import found

QUALITIES = iter(range(90, 30, -1))
"""Of the photographs: a picture that was sold before is not cut out again."""
REQUEST = "POST /v1/remove-background"
STAGES = {"queue", "decode", "infer", "compose", "encode", "verify", "settle"}
CHAIN_CALLS: dict[Way, str] = {"x402 v2": "eth_sendRawTransaction", "mpp": "broadcast"}
COLLECTOR_KEY = "key-of-the-collector"


@dataclass(frozen=True)
class Traced:
    service: RunningService
    collector: OtlpCollector

    def trace(self, trace_id: str) -> list[CollectedSpan]:
        """The whole of one trace, once its request has ended."""
        spans = self.collector.wait_for(
            lambda all_: (
                any(each.trace == trace_id and each.name == REQUEST for each in all_)
                and any(each.trace == trace_id and each.service == "clearcanvas-runner" for each in all_)
            )
        )
        return [each for each in spans if each.trace == trace_id]


@pytest.fixture(scope="module")
def traced(
    base_chain: BaseChain, tempo_chain: TempoChain, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Traced]:
    collector = OtlpCollector()
    with ExitStack() as stack:
        settings = {
            "CLEARCANVAS_TRACES__ENDPOINT": stack.enter_context(collector.serve()),
            "CLEARCANVAS_TRACES__HEADERS": f"authorization=Bearer {COLLECTOR_KEY}",
            "OTEL_BSP_SCHEDULE_DELAY": "200",
        }
        folder = tmp_path_factory.mktemp("traced")
        yield Traced(stack.enter_context(run_service(base_chain, tempo_chain, folder, settings)), collector)


async def buy(service: RunningService, way: Way, trace_id: str) -> tuple[bytes, str]:
    """A sale whose buyer is in a trace already; gives the picture and what paid."""
    picture = photograph(next(QUALITIES))
    async with httpx.AsyncClient(timeout=60, trust_env=False, verify=TRUST) as client:
        buyer = PurchaseClient(service, client, way)
        payment = await buyer.sign(picture)
        traceparent = f"00-{trace_id}-{token_hex(8)}-00"
        answer = await buyer.post(picture, payment | {"traceparent": traceparent})
        assert answer.status_code == 200, answer.text
        [value] = payment.values()
        return picture, value


@pytest.mark.parametrize("way", CHAIN_CALLS)
async def test_one_trace_goes_from_the_buyer_over_the_runner_to_the_chain(traced: Traced, way: Way) -> None:
    trace_id = token_hex(16)
    await buy(traced.service, way, trace_id)
    spans = await asyncio.to_thread(traced.trace, trace_id)
    in_api = {each.name for each in spans if each.service == "clearcanvas-api"}
    assert in_api >= {REQUEST, "runner", CHAIN_CALLS[way], *STAGES}
    assert {each.name for each in spans if each.service == "clearcanvas-runner"} == {"infer", "queue", "inference"}
    [request] = [each for each in spans if each.name == REQUEST]
    by_id = {each.id: each for each in spans}
    assert {each.name for each in spans if each.parent not in by_id} == {REQUEST}
    assert path(by_id, "inference", "clearcanvas-runner") == ["infer", "runner", "infer", REQUEST]
    assert path(by_id, CHAIN_CALLS[way], "clearcanvas-api")[-2:] == ["settle", REQUEST]
    assert "200" in request.attributes["http.response.status_code"]
    assert not any(each.has_failed for each in spans)


def path(by_id: dict[str, CollectedSpan], name: str, service: str) -> list[str]:
    """The names of what a span is a part of, the nearest first."""
    at = next(each for each in by_id.values() if (each.name, each.service) == (name, service))
    names = []
    while at.parent in by_id:
        at = by_id[at.parent]
        names.append(at.name)
    return names


async def test_log_lines_and_problems_name_the_trace(traced: Traced) -> None:
    trace_id = token_hex(16)
    async with httpx.AsyncClient(timeout=60, trust_env=False, verify=TRUST) as client:
        buyer = PurchaseClient(traced.service, client, "mpp")
        refusal = await buyer.post(b"no picture", {"traceparent": f"00-{trace_id}-{token_hex(8)}-01"})
        plain = await buyer.post(b"no picture", {})
    assert (refusal.status_code, refusal.json()["trace_id"]) == (400, trace_id)
    assert plain.json()["trace_id"] not in {trace_id, None}
    lines = [json.loads(line) for line in traced.service.log_path.read_text().splitlines() if trace_id in line]
    assert [(line["event"], line["request_id"]) for line in lines] == [("request", refusal.json()["request_id"])]
    spans = await asyncio.to_thread(
        traced.collector.wait_for, lambda all_: any(each.trace == trace_id for each in all_)
    )
    [request] = [each for each in spans if each.trace == trace_id]
    assert "invalid_image" in request.attributes["code"]
    assert not request.has_failed  # of the caller, not of ours


async def test_nothing_private_is_sent_and_the_collector_is_given_its_key(traced: Traced) -> None:
    trace_id = token_hex(16)
    sales = [await buy(traced.service, way, trace_id) for way in CHAIN_CALLS]
    await asyncio.to_thread(traced.trace, trace_id)
    sent = b"".join(traced.collector.bodies)
    text = sent.decode("latin-1") + " ".join(str(each) for each in traced.collector.spans())
    addresses = [account.address.removeprefix("0x") for account in (BUYER, SELLER)]
    urls = [chain.rpc_url for chain in (traced.service.base_chain, traced.service.tempo_chain)]
    assert (
        found(
            text,
            [
                *addresses,
                *(payment for _, payment in sales),
                *urls,
                COLLECTOR_KEY,
                BUYER.key,
                "127.0.0.1",
                "198.51.100",
            ],
        )
        == []
    )
    assert not any(picture[1000:1020] in sent for picture, _ in sales)
    assert {each["authorization"] for each in traced.collector.header_fields} == {f"Bearer {COLLECTOR_KEY}"}


async def test_what_is_polled_begins_no_trace(traced: Traced) -> None:
    async with httpx.AsyncClient(timeout=60, trust_env=False, verify=TRUST) as client:
        await client.get(f"{traced.service.url}/readyz")
    await asyncio.sleep(1)  # health of the chains and state of the runner are asked for in every second
    assert {each.name for each in traced.collector.spans() if not each.parent} <= {REQUEST}


async def test_a_silent_collector_holds_up_neither_a_sale_nor_the_end(
    base_chain: BaseChain, tempo_chain: TempoChain, tmp_path: Path
) -> None:
    collector = OtlpCollector(is_silent=True)
    with collector.serve() as url, ExitStack() as stack:
        settings = {"CLEARCANVAS_TRACES__ENDPOINT": url, "OTEL_BSP_SCHEDULE_DELAY": "200"}
        service = stack.enter_context(run_service(base_chain, tempo_chain, tmp_path, settings))
        await buy(service, "x402 v2", token_hex(16))
        began = time.monotonic()
        await asyncio.to_thread(stack.close)
        assert collector.header_fields
        assert service.process.returncode == 0
        assert time.monotonic() - began < 20
