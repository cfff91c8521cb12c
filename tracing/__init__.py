"""Traces: what one request did in API, runner and chain, as OpenTelemetry spans that are sent to a collector.

Off without `CLEARCANVAS_TRACES__ENDPOINT`, and then neither a span is made nor OpenTelemetry loaded. Attributes are
names and numbers that we chose: no address, no URL, no text of a buyer, and of an exception its code or class only.
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
