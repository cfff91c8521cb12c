"""The tracing functions for the rest of the code; they do nothing if a request is not traced."""

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Protocol

from tracing.config import TracesConfig

if TYPE_CHECKING:
    from tracing.tracer import Tracer

Value = str | int | float


class RequestSpan(Protocol):
    """The span of one request."""

    def answered(self, name: str, status: int, **attributes: Value | None) -> None:
        """Set the span's name and the result of the request; attributes that are None are omitted.

        Args:
            status: HTTP status; 0 without an answer.
        """


class _Untraced:
    def answered(self, name: str, status: int, **attributes: Value | None) -> None:
        pass


_NO_SPAN = nullcontext()
_NO_REQUEST: AbstractContextManager[RequestSpan] = nullcontext(_Untraced())
_tracer: "Tracer | None" = None


def start_tracing(config: TracesConfig, service: str) -> None:
    """Trace this process from now on, if a collector is configured. Called once in each process.

    Args:
        service: name under which the collector shows this process.
    """
    global _tracer  # noqa: PLW0603  # one process has one tracer, as it has one set of metrics
    if config.endpoint is None:
        return
    from tracing.tracer import Tracer, otlp  # noqa: PLC0415  # loads OpenTelemetry

    _tracer = Tracer(service, otlp(config.endpoint, config.header_fields()), share=config.share)


def untraced() -> AbstractContextManager[RequestSpan]:
    """Replaces the span of a request that is not traced."""
    return _NO_REQUEST


def request_span(headers: Iterable[tuple[bytes, bytes]]) -> AbstractContextManager[RequestSpan]:
    """The span of a request with these raw header fields, as a part of the trace that its `traceparent` names (W3C
    Trace Context). Log lines in the block have its `trace_id`."""
    return _NO_REQUEST if _tracer is None else _tracer.request(headers)


def span(name: str, *, is_call: bool = False, **attributes: Value) -> AbstractContextManager[None]:
    """The span of a part of the current request; does nothing outside a traced request.

    Args:
        is_call: whether it calls another system.
    """
    return _NO_SPAN if _tracer is None else _tracer.part(name, is_call=is_call, attributes=attributes)


def past_span(name: str, start: float, end: float, **attributes: Value) -> None:
    """The same for a part that has ended; start and end by `time.monotonic`."""
    if _tracer is not None:
        _tracer.past(name, start, end, attributes)


def trace_id() -> str | None:
    """Trace id of the current request, 32 hex digits; None if it is not traced."""
    return None if _tracer is None else _tracer.trace_id()


def own_headers() -> dict[str, str]:
    """Header fields that continue the current trace in another process of ours."""
    return {} if _tracer is None else _tracer.headers()
