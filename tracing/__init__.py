"""Traces of requests over API, runner and chain, as OpenTelemetry spans that are sent to a collector.

Without `CLEARCANVAS_TRACES__ENDPOINT` tracing is off: no span is created and OpenTelemetry is not loaded. Attributes
are names and numbers that we chose: no address, no URL, no text of a buyer, and only code or class of an exception.
"""

from tracing.config import TracesConfig
from tracing.spans import RequestSpan, own_headers, past_span, request_span, span, start_tracing, trace_id, untraced

__all__ = [
    "RequestSpan",
    "TracesConfig",
    "own_headers",
    "past_span",
    "request_span",
    "span",
    "start_tracing",
    "trace_id",
    "untraced",
]
