"""One leg: so many requests at so many at a time to one server."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import httpx

from benchmarks.race.contestants import Contestant, Order
from benchmarks.race.meter import Meter, load_average, settle
from benchmarks.race.pictures import Pictures

_TIMEOUT_S = 600.0
_AFTERWARDS_S = 1.0


@dataclass(frozen=True, slots=True)
class Leg:
    """What came of it.

    Attributes:
        cpu_s: CPU seconds of the server's processes until a second after the last answer, for each request.
        latencies_s: of each request, from its first byte to the last byte of the answer.
        load: the machine's load average at its end.
    """

    server: str
    size: str
    concurrency: int
    cpu_s: float
    requests_s: float
    latencies_s: list[float]
    rss_mb: float
    pss_mb: float
    load: float


def run(server: Contestant, size: str, pictures: Pictures, concurrency: int, number: int) -> Leg:
    """Sign, send all, measure.

    Raises:
        RuntimeError: an answer is not a picture.
    """
    orders = server.orders(pictures.unique(number))
    limits = httpx.Limits(max_connections=concurrency)
    with (
        httpx.Client(timeout=_TIMEOUT_S, limits=limits, trust_env=False) as client,
        ThreadPoolExecutor(concurrency) as senders,
        Meter(server.process) as meter,
    ):
        began = time.perf_counter()
        latencies = list(senders.map(lambda order: _timed(client, order), orders))
        took = time.perf_counter() - began
        settle(_AFTERWARDS_S)
    return Leg(
        server.name,
        size,
        concurrency,
        meter.cpu_s / number,
        number / took,
        latencies,
        meter.rss_mb,
        meter.pss_mb,
        load_average(),
    )


def cut_out(server: Contestant, pictures: Sequence[bytes]) -> list[bytes]:
    """The answers for these, one after the other."""
    with httpx.Client(timeout=_TIMEOUT_S, trust_env=False) as client:
        return [send(client, order) for order in server.orders(list(pictures))]


def send(client: httpx.Client, order: Order) -> bytes:
    """The picture. Raises RuntimeError for any other answer."""
    answer = client.post(order.url, content=order.body, headers=dict(order.headers))
    if answer.status_code != 200:
        raise RuntimeError(f"{order.url}: {answer.status_code} {answer.text[:500]}")
    return answer.content


def _timed(client: httpx.Client, order: Order) -> float:
    began = time.perf_counter()
    send(client, order)
    return time.perf_counter() - began
