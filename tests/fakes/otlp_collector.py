"""A collector of traces, by OTLP over HTTP: keeps what it is sent."""

import asyncio
import gzip
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.fakes.serving import serving


@dataclass(frozen=True)
class CollectedSpan:
    """A span as it was sent; ids in hex, `parent` is empty for a root."""

    service: str
    trace: str
    id: str
    parent: str
    name: str
    has_failed: bool
    attributes: dict[str, str]


@dataclass
class OtlpCollector:
    """What came. With `is_silent` it accepts requests and answers none."""

    is_silent: bool = False
    bodies: list[bytes] = field(default_factory=list)
    header_fields: list[dict[str, str]] = field(default_factory=list)

    @contextmanager
    def serve(self) -> Iterator[str]:
        """Listen until the block ends; gives the URL."""
        with serving(Starlette(routes=[Route("/v1/traces", self._take, methods=["POST"])])) as url:
            yield url

    def spans(self) -> list[CollectedSpan]:
        """Everything that came."""
        return [span for body in list(self.bodies) for span in _spans(body)]

    def wait_for(self, enough: Callable[[list[CollectedSpan]], bool], seconds: float = 30) -> list[CollectedSpan]:
        """The spans, once there are enough of them."""
        deadline = time.monotonic() + seconds
        while not enough(self.spans()):
            if time.monotonic() > deadline:
                raise AssertionError(f"what came: {sorted((each.service, each.name) for each in self.spans())}")
            time.sleep(0.1)
        return self.spans()

    async def _take(self, request: Request) -> Response:
        body = await request.body()
        self.header_fields.append(dict(request.headers))
        if self.is_silent:
            await asyncio.sleep(600)
        self.bodies.append(gzip.decompress(body) if request.headers.get("content-encoding") == "gzip" else body)
        return Response()


def _spans(body: bytes) -> Iterator[CollectedSpan]:
    for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
        about = {each.key: each.value.string_value for each in resource.resource.attributes}
        for scope in resource.scope_spans:
            for span in scope.spans:
                yield CollectedSpan(
                    about["service.name"],
                    span.trace_id.hex(),
                    span.span_id.hex(),
                    span.parent_span_id.hex(),
                    span.name,
                    has_failed=span.status.code == span.status.STATUS_CODE_ERROR,
                    attributes={each.key: str(each.value) for each in span.attributes},
                )
