"""OpenTelemetry: creates and samples the spans, and sends them in the background.

The queue is bounded (2,048 spans): a silent or slow collector loses spans, and no request waits for it. Exceptions are
recorded only by code or class, because their texts may contain secrets.
"""

import os
import random
import socket
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import Decision, ParentBased, Sampler, SamplingResult
from opentelemetry.trace import Link, Span, SpanKind, StatusCode, TraceState, get_current_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import Attributes
from structlog.contextvars import bound_contextvars

from errors import ServiceError
from tracing.spans import RequestSpan, Value
from version import VERSION

_SEND_S = 3.0
"""Time limit for sending one batch, including retries, also at the end of a process."""

_PARENT = "traceparent"
_W3C = TraceContextTextMapPropagator()


def otlp(endpoint: str, headers: dict[str, str]) -> SpanProcessor:
    """A processor that sends to a collector by OTLP over HTTP; `endpoint` has no path."""
    exporter = OTLPSpanExporter(endpoint=f"{endpoint}/v1/traces", headers=headers, timeout=_SEND_S)
    return BatchSpanProcessor(exporter, export_timeout_millis=_SEND_S * 1000)


class Tracer:
    """The spans of one process.

    Args:
        service: name of the process.
        processor: sends the spans.
        share: share of traced requests.
    """

    def __init__(self, service: str, processor: SpanProcessor, *, share: float) -> None:
        share_of = _Share(share)
        about = {
            "service.name": service,
            "service.version": VERSION,
            "service.instance.id": f"{socket.gethostname()}-{os.getpid()}",
        }
        # Tracing has a cost, so a client's traceparent does not decide.
        sampler = ParentBased(share_of, remote_parent_sampled=share_of, remote_parent_not_sampled=share_of)
        provider = TracerProvider(sampler=sampler, resource=Resource.create(about))
        provider.add_span_processor(processor)
        self._tracer = provider.get_tracer("clearcanvas")

    @contextmanager
    def request(self, headers: Iterable[tuple[bytes, bytes]]) -> Iterator[RequestSpan]:
        given = [value.decode("latin-1") for name, value in headers if name == _PARENT.encode()]
        parent = _W3C.extract({_PARENT: given[0]}, Context()) if len(given) == 1 else Context()
        with self._current("request", SpanKind.SERVER, {}, parent) as made:
            if not made.is_recording():
                yield _Request(made)
                return
            with bound_contextvars(trace_id=_id(made)):
                yield _Request(made)

    @contextmanager
    def part(self, name: str, *, is_call: bool, attributes: Mapping[str, Value]) -> Iterator[None]:
        # Work that a request started may continue after it, such as the transaction monitor; it is not traced then.
        if not get_current_span().is_recording():
            yield
            return
        with self._current(name, SpanKind.CLIENT if is_call else SpanKind.INTERNAL, attributes):
            yield

    def past(self, name: str, start: float, end: float, attributes: Mapping[str, Value]) -> None:
        if not get_current_span().is_recording():
            return
        offset = time.time() - time.monotonic()
        made = self._tracer.start_span(name, attributes=dict(attributes), start_time=_ns(start + offset))
        made.end(_ns(end + offset))

    def trace_id(self) -> str | None:
        current = get_current_span()
        return _id(current) if current.is_recording() else None

    def headers(self) -> dict[str, str]:
        carrier: dict[str, str] = {}
        if get_current_span().is_recording():
            _W3C.inject(carrier)
        return carrier

    @contextmanager
    def _current(
        self, name: str, kind: SpanKind, attributes: Mapping[str, Value], parent: Context | None = None
    ) -> Iterator[Span]:
        with self._tracer.start_as_current_span(
            name,
            context=parent,
            kind=kind,
            attributes=dict(attributes),
            record_exception=False,
            set_status_on_exception=False,
        ) as made:
            try:
                yield made
            except BaseException as error:
                _failed(made, error)
                raise


class _Request:
    def __init__(self, made: Span) -> None:
        self._span = made

    def answered(self, name: str, status: int, **attributes: Value | None) -> None:
        self._span.update_name(name)
        known = {key: value for key, value in attributes.items() if value is not None}
        self._span.set_attributes({"http.response.status_code": status, **known})
        if status >= 500:
            self._span.set_status(StatusCode.ERROR)


class _Share(Sampler):
    """Samples this share at random, because the client chooses the trace id."""

    def __init__(self, share: float) -> None:
        self._share = share

    def should_sample(  # noqa: PLR0917  # the library's signature
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        is_taken = random.random() < self._share  # noqa: S311  # no secret
        return SamplingResult(Decision.RECORD_AND_SAMPLE if is_taken else Decision.DROP)

    def get_description(self) -> str:
        return f"share {self._share}"


def _failed(made: Span, error: BaseException) -> None:
    is_refusal = isinstance(error, ServiceError) and error.status < 500
    made.set_attribute("error.type", error.code if isinstance(error, ServiceError) else type(error).__name__)
    if not is_refusal:
        made.set_status(StatusCode.ERROR)


def _id(made: Span) -> str:
    return f"{made.get_span_context().trace_id:032x}"


def _ns(seconds: float) -> int:
    return int(seconds * 1e9)
